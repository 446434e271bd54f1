"""``log``, ``undo``, ``recap``, ``campaign`` and ``choose`` as they are typed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fablewright.entry.cli import run

pytestmark = pytest.mark.usefixtures("data_dir")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def error(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    assert run(list(arguments)) == status
    said, wrong = capsys.readouterr()
    assert said == ""
    assert wrong.count("\n") == 1
    return wrong


def test_what_is_added_is_shown_told_and_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing is in the log yet." in out(capsys, "log")
    assert "Logged: Met: Ilse, at the mill (`undo` takes it back)" in out(capsys, "log", "add", "Met Ilse at the mill")
    assert "Logged: Note: the bell is silent" in out(capsys, "log", "add", "the", "bell", "is", "silent")
    shown = out(capsys, "log")
    assert re.search(r"^sample campaign$", shown, re.MULTILINE)
    assert re.search(r"^\d{4}-\d\d-\d\d\n  • Met: Ilse, at the mill  \^[a-z2-9]{8}$", shown, re.MULTILINE)
    assert "Met Ilse at the mill." in out(capsys, "recap")
    undone = out(capsys, "undo")
    assert "Taken back: Note: the bell is silent" in undone
    back = re.search(r"`undo ([a-z2-9]{8})` has it back", undone)
    assert back is not None
    assert "the bell" not in out(capsys, "log")
    out(capsys, "undo", back[1])
    assert "the bell is silent" in out(capsys, "log", "--markdown")


def test_the_document_is_written_edited_and_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, "log", "add", "Met Ilse at the mill")
    out(capsys, "log", "add", "Found 14 gp")
    assert out(capsys, "log", "export", "log.md") == "Written: log.md\n"
    assert out(capsys, "log", "import", "log.md") == "Read back: nothing has changed.\n"
    text = Path("log.md").read_text("utf-8")
    text = text.replace("14 gp", "15 gp") + "- Ilse is dead\n- a line\n"
    Path("log.md").write_text("\n".join(line for line in text.split("\n") if "Met:" not in line), "utf-8")
    assert run(["log", "import", "log.md"]) == 0
    said, remarks = capsys.readouterr()
    assert said == "Read back: 2 added, 1 changed, 1 deleted.\n"
    assert re.fullmatch(r"Line \d+: kept as a note, for it tells nothing that is kept track of: a line\n", remarks)
    found = json.loads(out(capsys, "log", "--json"))
    assert [event["line"] for event in found["events"]] == ["Loot: 15 gp", "Dead: Ilse", "Note: a line"]
    assert found["state"]["loot"] == ["15 gp"]
    again = {"added": 0, "changed": 0, "deleted": 0, "remarks": []}
    assert json.loads(out(capsys, "log", "import", "log.md", "--json")) == again


def test_a_choice_is_played_out_in_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, "scene", "the first encounter", "--timeout", "60")
    answer = json.loads(out(capsys, "choose", "look and listen", "--roll", "17", "--json", "--timeout", "60"))
    assert (answer["want"], answer["status"]) == ("choose", "answered")
    assert any("17 against DC 13: a success" in line["text"] for line in answer["answer"])
    assert all(source < len(answer["citations"]) for line in answer["answer"] for source in line["sources"])
    assert "Played: First encounter" in out(capsys, "log")


def test_campaigns_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, "log", "add", "Met Ilse")
    assert (
        out(capsys, "campaign", "new", "Tuesday", "table")
        == "  sample campaign  1 entry\n→ Tuesday table    0 entries\n"
    )
    assert "Met: Ilse" not in out(capsys, "log")
    assert "Met: Ilse" in out(capsys, "log", "--campaign", "sample campaign")
    out(capsys, "campaign", "switch", "sample campaign")
    found = json.loads(out(capsys, "campaign", "--json"))
    assert found == {"current": "sample campaign", "campaigns": {"sample campaign": 1, "Tuesday table": 0}}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["log", "add"], "Write `log`, `log add"),
        (["log", "burn"], "Write `log`, `log add"),
        (["log", "import", "missing.md"], "missing.md cannot be read: no such file"),
        (["log", "export", "nowhere/log.md"], "nowhere/log.md cannot be written: no such file"),
        (["log", "--campaign", "Nobody's"], 'There is no campaign "Nobody\'s"; there is none yet.'),
        (["undo"], "There is nothing in the log to take back."),
        (["undo", "zzzz"], "There is no event 'zzzz' in the log, or it is taken back already."),
        (["campaign", "switch", "x"], "There is no campaign 'x'; there is none yet."),
        (["campaign", "rename"], "Write `campaign`, `campaign new NAME` or `campaign switch NAME`."),
        (["campaign", "new", "x" * 81], "A campaign needs a name of at most 80 characters."),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert said in error(capsys, *arguments)


def test_a_choice_without_a_scene_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no scene whose options could be chosen" in error(capsys, "choose", "1", "--timeout", "60")


def test_a_file_that_is_no_text_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("picture.md").write_bytes(b"\x89PNG\xff")
    assert "picture.md is not UTF-8 text" in error(capsys, "log", "import", "picture.md")


def test_a_store_that_cannot_be_used_is_one_line(data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_dir.mkdir(exist_ok=True)
    (data_dir / "campaigns.sqlite").write_bytes(b"no database " * 90)
    said = error(capsys, "log", status=2)
    assert "campaigns.sqlite cannot be used" in said
