"""``fablewright state`` as it is typed, over the file in the data folder and a real PostgreSQL."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from fablewright.entry.cli import run
from fablewright.entry.config import load_settings
from fablewright.errors import ConfigurationError

pytestmark = pytest.mark.usefixtures("data_dir")


def out(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def error(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    assert run(list(arguments)) == status
    said, wrong = capsys.readouterr()
    assert said == ""
    assert wrong.count("\n") == 1
    assert "sesame" not in wrong
    return wrong


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> str:
    owner = f"o{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("FABLEWRIGHT_OWNER", owner)
    return owner


def a_campaign(capsys: pytest.CaptureFixture[str]) -> str:
    """Log a little, take something back, and return the log as it looks."""
    out(capsys, "log", "add", "Met Ilse at the mill")
    out(capsys, "log", "add", "the bell is silent")
    out(capsys, "undo")
    out(capsys, "campaign", "new", "Tuesday „Tisch“")
    out(capsys, "log", "add", "Found 14 gp")
    out(capsys, "campaign", "switch", "sample campaign")
    return everything(capsys)


def everything(capsys: pytest.CaptureFixture[str]) -> str:
    logs = [out(capsys, "log", "--json", "--campaign", name) for name in ("sample campaign", "Tuesday „Tisch“")]
    return "\n".join((out(capsys, "campaign", "--json"), *logs))


def test_what_was_saved_is_put_back_and_nothing_is_overwritten_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    played = a_campaign(capsys)
    saved = out(capsys, "state", "backup", "all.backup")
    assert saved.startswith("Written: all.backup, 2 campaigns with ")
    assert "exists" not in saved
    assert "there already; --force writes over it" in error(capsys, "state", "backup", "all.backup")
    out(capsys, "log", "add", "Ilse is dead")
    changed = everything(capsys)
    assert "--force replaces them all" in error(capsys, "state", "restore", "all.backup")
    assert everything(capsys) == changed
    assert out(capsys, "state", "restore", "all.backup", "--force").startswith("Put back into ")
    assert everything(capsys) == played
    content = Path("all.backup").read_bytes()
    out(capsys, "state", "backup", "again.backup")
    assert Path("again.backup").read_bytes() == content


def test_a_damaged_backup_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, "log", "add", "Found 14 gp")
    out(capsys, "state", "backup", "all.backup")
    content = Path("all.backup").read_bytes()
    Path("cut.backup").write_bytes(content[:-40])
    before = out(capsys, "state")
    for name, said in (
        ("cut.backup", "cut.backup is damaged: it was cut off"),
        ("none.backup", "none.backup cannot be read: no such file"),
    ):
        assert said in error(capsys, "state", "restore", name, "--force")
    Path("note.md").write_text("# A note", "utf-8")
    assert "note.md is no backup that" in error(capsys, "state", "restore", "note.md", "--force")
    assert out(capsys, "state") == before


def test_to_postgresql_and_back_nothing_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres: str, owner: str
) -> None:
    out(capsys, "scene", "the first encounter")
    out(capsys, "choose", "1", "--roll", "17")
    played = a_campaign(capsys)
    out(capsys, "state", "backup", "before.backup")
    moved = out(capsys, "state", "move", "--to", postgres)
    assert "and compared: 2 campaigns with" in moved
    assert "sesame" not in moved
    assert "--force replaces them all" in error(capsys, "state", "move", "--to", postgres)
    monkeypatch.setenv("FABLEWRIGHT_STATE", postgres)
    assert "gm:…@127.0.0.1" in out(capsys, "state")
    assert everything(capsys) == played
    out(capsys, "state", "backup", "there.backup")
    assert Path("there.backup").read_bytes() == Path("before.backup").read_bytes()
    assert "already. Nothing was moved" in error(capsys, "state", "move", "--to", postgres)
    out(capsys, "undo")
    played_on = everything(capsys)
    assert played_on != played
    assert "already; --force replaces" in error(capsys, "state", "move", "--to", "sqlite")
    assert "Take `state` out of the settings" in out(capsys, "state", "move", "--to", "sqlite", "--force")
    monkeypatch.delenv("FABLEWRIGHT_STATE")
    assert everything(capsys) == played_on
    assert owner in out(capsys, "state")


def test_the_index_in_postgresql_holds_the_same_passages_as_the_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres: str, owner: str
) -> None:
    """It is made again out of the notes, and not carried along: this is why nothing is lost by that."""
    from fablewright.entry.assemble import open_notes  # noqa: PLC0415 - here alone

    found = []
    for state in ("", postgres):
        monkeypatch.setenv("FABLEWRIGHT_STATE", state)
        out(capsys, "index")
        notes = open_notes(load_settings().settings)
        passages = notes.index.passages([(number, 0.0) for number in range(2000)])
        found.append((notes.index.counts(), notes.index.stamps(), sorted(passages, key=lambda p: (p.file, p.start))))
        notes.close()
    assert owner
    assert found[0] == found[1]
    assert len(found[0][2]) == sum(found[0][0].values()) > 0


def test_tables_are_made_and_taken_away(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, postgres: str, owner: str
) -> None:
    assert "campaigns.sqlite" in out(capsys, "state", "migrate")
    assert "no tables to take away" in error(capsys, "state", "migrate", "--down", "--force")
    monkeypatch.setenv("FABLEWRIGHT_STATE", postgres)
    made = out(capsys, "state", "migrate")
    assert f"  fw_{owner}: nothing → campaigns_3\n" in made
    assert f"  fw_{owner}__sample_campaign_" in made
    assert out(capsys, "state", "migrate").count("up to date") == 2
    out(capsys, "log", "add", "Found 14 gp")
    assert "`state backup FILE` first" in error(capsys, "state", "migrate", "--down")
    steps = json.loads(out(capsys, "state", "migrate", "--down", "--force", "--json"))["schemas"]
    assert [(step["what"], step["to"]) for step in steps] == [("campaigns", ""), ("index", "")]
    assert json.loads(out(capsys, "state", "--json"))["campaigns"] == 0


def test_what_makes_no_sense_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["bakup", "x"], ["backup"], ["move"], ["backup", "x", "--to", "sqlite"], ["restore", "x", "--down"]):
        assert "Write `state`, `state backup FILE`" in error(capsys, "state", *words)
    assert "--to postgresql://USER@HOST/DATABASE" in error(capsys, "state", "move", "--to", "mysql://open-sesame@x")
    away = "postgresql://gm:open-sesame@127.0.0.1:9/x"
    assert "PostgreSQL cannot be reached" in error(capsys, "state", "move", "--to", away, status=3)
    monkeypatch.setenv("FABLEWRIGHT_STATE", away)
    for words in ([], ["backup", "x"], ["migrate"]):
        assert "PostgreSQL cannot be reached" in error(capsys, "state", *words, status=3)
    assert not Path("x").exists()


@pytest.mark.parametrize("name", ["Anna", "a__b", "a_", "1a", "a-b", "a" * 21, "a;b"])
def test_an_owners_name_that_could_be_mistaken_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be a name of small letters, digits and single `_`"):
        load_settings({"owner": name}, environ={})
    assert load_settings({"owner": "anna_b2"}, environ={}).settings.owner == "anna_b2"


def test_owners_have_files_of_their_own(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    out(capsys, "log", "add", "Found 14 gp")
    monkeypatch.setenv("FABLEWRIGHT_OWNER", "anna")
    assert "Nothing is in the log yet" in out(capsys, "log")
    out(capsys, "log", "add", "Met Ilse at the mill")
    monkeypatch.setenv("FABLEWRIGHT_OWNER", "ben")
    assert "Nothing is in the log yet" in out(capsys, "log")
