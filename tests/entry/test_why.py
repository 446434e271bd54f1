from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from rich.cells import cell_len

from fablewright.entry.cli import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    people = "".join(f"## Farmer {n}\n\nGrows turnips beyond the mill.\n\n" for n in range(40))
    (folder / "people.md").write_text(f"# People\n\n## Hob Tanner\n\nOwns the mill.\n\n{people}", encoding="utf-8")
    (folder / "House rules.md").write_text("# House rules\n\nNo turnips\x1b[31m at the table.\n", encoding="utf-8")
    return folder


def told(question: str, notes: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert run(["why", question, "--notes", str(notes), "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found: dict[str, object] = json.loads(out)
    return found


def test_programs_are_told_each_step_and_what_became_of_each_passage(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = told("Who owns the mill?", notes, capsys)
    assert whole["question"] == "Who owns the mill?"
    assert whole["kinds"] == ["who"]
    passages = whole["passages"]
    assert isinstance(passages, list)
    first = passages[0]
    assert (first["file"], first["heading"]) == ("people.md", ["People", "Hob Tanner"])
    assert (first["used"], first["why"]) == (True, "used: it answers the question")
    assert {"step": "words", "rank": 1, "placed": False}.items() <= first["found_by"][0].items()
    assert [each["rank"] for each in passages] == list(range(1, len(passages) + 1))
    assert [each["used"] for each in passages] == [True] * 24 + [False] * 3
    assert passages[-1]["why"] == "dropped: after the first 24"
    assert isinstance(whole["dropped"], int)
    assert whole["dropped"] > 3


def test_people_see_it_in_eighty_columns(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    question = "How do turnips work at our table, and who owns the mill beyond which Farmer 7 grows them?"
    assert run(["why", question, "--notes", str(notes)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert " ".join(lines[:2]) == question
    assert "taken for a question about: who, table" in lines
    assert any("House rules" in line for line in lines)
    assert any(line.strip() == "used: such a question calls for it" or " placed" in line for line in lines)
    assert any(line.endswith("dropped; the first of them ──") for line in lines)
    assert "\x1b" not in out
    assert err == ""


def test_a_question_that_finds_nothing_says_so(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", "zzzz", "qqqq", "--notes", str(notes)]) == 0
    assert "Nothing was found" in capsys.readouterr().out


def test_without_a_question_there_is_nothing_to_say(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["why", " ", "--notes", str(notes)]) == 2
    assert "Say what to look for" in capsys.readouterr().err


def test_files_that_were_skipped_are_mentioned(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "bad.md").write_bytes(bytes(range(256)) * 40)
    assert run(["why", "turnips", "--notes", str(notes)]) == 0
    assert capsys.readouterr().err == "1 file was skipped; `fablewright index` says why.\n"
