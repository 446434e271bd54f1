"""The page that ``fablewright trace`` shows, and its JSON."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from rich.cells import cell_len

from fablewright.entry.cli import run
from fablewright.entry.print_answer import print_answer
from fablewright.entry.story_file import Asking, Record, story_file
from fablewright.entry.terminal import clean
from fablewright.gm.answer import Answer

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
WORDS = "the 幽霊 encounter with 😀 and everybody who was ever seen in the Counting House, at night"


def write(data_dir: Path, *rows: tuple[float, str, str, dict[str, Any]]) -> None:
    data_dir.mkdir(exist_ok=True)
    with story_file(data_dir).open("ab") as file:
        for ms, what, message_id, more in rows:
            named: dict[str, Any] = {
                "to": "haystack_pipeline",
                "action": "retrieve_documents",
                "correlation_id": "b41c9d02-1",
                "causation_id": "b41c9d02-2",
                **more,
            }
            line = Record(BEGAN + timedelta(milliseconds=ms), what, message_id=message_id, **named)
            file.write(msgspec.json.encode(line) + b"\n")


def a_bad_evening(data_dir: Path) -> None:
    orchestrator: dict[str, Any] = {"to": "orchestrator", "action": "handle_request", "causation_id": None}
    writer = {"to": "scenario_generator", "action": "generate_scenario", "causation_id": "b41c9d02-1"}
    write(
        data_dir,
        (0, "asked", "b41c9d02-1", {**orchestrator, "words": WORDS}),
        (0.5, "started", "b41c9d02-1", orchestrator),
        (1, "asked", "b41c9d02-2", writer),
        (1.5, "started", "b41c9d02-2", writer),
        (2, "asked", "b41c9d02-3", {}),
        (60, "started", "b41c9d02-3", {}),
        (
            100,
            "ended",
            "b41c9d02-3",
            {"detail": "failed: the index \x1b[31mis damaged and nobody has a copy: 幽霊の索引", "ms": 98},
        ),
        (101, "breaker", "b41c9d02-3", {"detail": "closed → open failed 5 times in a row"}),
        (110, "retried", "b41c9d02-3", {"attempt": 2, "detail": "the index is damaged"}),
        (111, "asked", "b41c9d02-4", {"attempt": 2}),
        (300, "ended", "b41c9d02-4", {"detail": "expired: no answer in time", "ms": 189}),
        (320, "dead_letter", "b41c9d02-4", {"correlation_id": "", "to": "", "action": "", "detail": "late"}),
        (330, "refused", "", {"detail": "the circuit is open"}),
        (340, "told", "b41c9d02-5", {"to": "memory", "action": "keep"}),
        (400, "ended", "b41c9d02-2", {**writer, "detail": "replied", "ms": 399}),
        (401, "ended", "b41c9d02-1", {**orchestrator, "detail": "replied", "ms": 401}),
    )


def test_the_page_at_80_columns(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "80")
    a_bad_evening(data_dir)
    assert run(["trace"]) == 0
    out, err = capsys.readouterr()
    head, rest = out.split("\n\n", maxsplit=1)
    assert head.startswith(
        "the 幽霊 encounter with 😀 and everybody who was ever seen in the Counting\nHouse, at night\n"
    )
    assert "b41c9d02-1  23 Nov 2026 " in head
    assert (
        rest
        == """\
  0.000 s  orchestrator.handle_request                        replied    401 ms
  0.001 s  └─ scenario_generator.generate_scenario            replied    399 ms
  0.002 s     ├─ haystack_pipeline.retrieve_documents         failed      98 ms
              │     the index is damaged and nobody has a copy: 幽霊の索引
              │     waited 58 ms for its turn
  0.101 s     ├─ haystack_pipeline.retrieve_documents: circuit closed → open
              │  failed 5 times in a row
  0.111 s     ├─ haystack_pipeline.retrieve_documents, try 2  expired    189 ms
              │  │  no answer in time
              │  │  no handler began with it
  0.320 s     │  └─ dead letter, late
  0.330 s     ├─ haystack_pipeline.retrieve_documents: not asked, the circuit is
              │  open
  0.340 s     └─ tells memory.keep                            told
"""
    )
    assert err == ""


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_window(
    columns: int, data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    a_bad_evening(data_dir)
    for arguments in ([], ["--list"], ["b41c9d02-4"]):
        assert run(["trace", *arguments]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        widest = max(cell_len(line) for line in out.splitlines())
        assert widest <= (min(columns, 120) if columns >= 80 else 80)
    assert ("b41c9d02-4" in out.split("\n\n")[1]) == (columns >= 100)
    assert "◂" in out


def test_the_list_is_one_line_a_story_the_latest_first(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    a_bad_evening(data_dir)
    for number in range(30):
        about = {"correlation_id": f"77aa-{number}", "causation_id": None}
        write(data_dir, (1000 + number, "asked", f"77aa-{number}", about))
    assert run(["trace", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [f"77aa-{number}" for number in range(29, 9, -1)]
    assert " open " in lines[0]
    assert lines[0].endswith("  haystack_pipeline.retrieve_docume…")


def test_colours_say_nothing_that_words_do_not(
    data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_bad_evening(data_dir)
    assert run(["trace"]) == 0
    plain = capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run(["trace"]) == 0
    coloured = capsys.readouterr().out
    assert "\x1b[2m  0.000 s  \x1b[0morchestrator.handle_request" in coloured  # the time is dim, the name is not
    assert [line.rstrip() for line in clean(coloured).splitlines()] == plain.splitlines()


def test_json_for_programs(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_bad_evening(data_dir)
    assert run(["trace", "b41c", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["id"], content["outcome"], content["ms"], content["asked"]) == (
        "b41c9d02-1",
        "replied",
        401.0,
        WORDS,
    )
    steps = content["parts"][0]["parts"][0]["parts"]
    assert [(step["what"], step.get("outcome")) for step in steps] == [
        ("asked", "failed"),
        ("breaker", None),
        ("retried", None),
        ("asked", "expired"),
        ("refused", None),
        ("told", ""),
    ]
    assert run(["trace", "--list", "--json"]) == 0
    assert [each["id"] for each in json.loads(capsys.readouterr().out)["stories"]] == ["b41c9d02-1"]


@pytest.mark.usefixtures("data_dir")
@pytest.mark.parametrize("arguments", [[], ["--list"]])
def test_before_anything_was_asked(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trace", *arguments]) == 0
    assert " ".join(capsys.readouterr().out.split()).startswith("Nothing was asked so far.")
    assert run(["trace", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stories": []}


def test_an_id_that_nobody_has_is_one_line_and_status_2(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a_bad_evening(data_dir)
    assert run(["trace", "c41c9d02-1"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("There is no story 'c41c9d02-1'; the nearest are b41c9d02-1")
    assert err.count("\n") == 1


@pytest.mark.usefixtures("data_dir")
def test_what_was_asked_for_can_be_traced(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["scene", "the first encounter", "--no-rag"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("who is Ambrose Teal?\n"))
    assert run(["chat"]) == 0
    capsys.readouterr()
    assert run(["trace"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("who is Ambrose Teal?\n")
    assert "├─ haystack_pipeline.retrieve_documents" in out
    assert run(["trace", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["stories"]
    assert [each["asked"] for each in listed] == ["who is Ambrose Teal?", "the first encounter"]
    assert {each["outcome"] for each in listed} == {"replied"}


@pytest.mark.parametrize(("wrong", "terminal", "hinted"), [(True, "1", True), (False, "1", False), (True, "0", False)])
@pytest.mark.usefixtures("data_dir")
def test_a_person_whose_answer_lacks_something_is_told_how_to_see_why(
    wrong: bool, terminal: str, hinted: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    asked = Asking("words")
    asked.story, asked.went_wrong = "b41c9d02-1", wrong
    print_answer(Answer("scene", "failed", missing=("No notes.",)), asked)
    err = capsys.readouterr().err
    assert ("fablewright trace b41c9d02-1 shows what happened." in err) is hinted
    print_answer(Answer("scene", "failed", missing=("No notes.",)), asked, as_json=True)
    assert "trace" not in capsys.readouterr().err
