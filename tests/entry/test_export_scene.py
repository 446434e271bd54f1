"""``export`` and ``import``, and what ``scene`` does with a file: as a person uses them."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.exports.formats import FORMATS
from fablewright.entry.cli import run
from fablewright.entry.new_file import write_new
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.fixture
def answer_file(full_answer: Answer, tmp_path: Path) -> Path:
    file = tmp_path / "answer.json"
    file.write_text(json.dumps(answer_data(full_answer)), encoding="utf-8")
    return file


def read_back(file: Path | str, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(["import", str(file), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "pdf"])
def test_what_is_exported_is_imported(
    form: str, answer_file: Path, full_answer: Answer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out"
    assert run(["export", form, "--from", str(answer_file), "--to", str(target)]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert read_back(first, capsys) == answer_data(full_answer)


def test_without_a_place_it_is_printed_or_named_after_the_scene(
    answer_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "obsidian", "--from", str(answer_file)]) == 0
    assert capsys.readouterr().out.startswith("---\ntitle: ")
    assert run(["export", "html", "--from", str(answer_file), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["format"], content["name"]) == ("html", "first-encounter-the-small-change-robs-the-queue.html")
    assert run(["export", "foundry", "--from", str(answer_file), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert files[0] == str(Path("first-encounter-the-small-change-robs-the-queue", "journal.json"))
    assert all(Path(file).exists() for file in files)


def test_a_file_is_never_lost(answer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "precious.md"
    target.write_text("mine", encoding="utf-8")
    command = ["export", "obsidian", "--from", str(answer_file), "--to", str(target)]
    assert run(command) == 2
    assert capsys.readouterr().err == f"{target} is there already; --force writes over it. Nothing was written.\n"
    assert target.read_text(encoding="utf-8") == "mine"
    assert run([*command, "--force"]) == 0
    assert target.read_text(encoding="utf-8").startswith("---")
    assert [each.name for each in tmp_path.glob(".*")] == []
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "encounter.json").write_text("mine", encoding="utf-8")
    assert run(["export", "foundry", "--from", str(answer_file), "--to", str(folder)]) == 2
    assert [each.name for each in folder.iterdir()] == ["encounter.json"]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "new").mkdir()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="cannot be written: no space left on device"):
        write_new(tmp_path / "new" / "a.md", b"text")
    assert list((tmp_path / "new").iterdir()) == []


def test_players_get_the_title_and_what_is_read_aloud(
    answer_file: Path, full_answer: Answer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", "obsidian", "--players", "--from", str(answer_file)]) == 0
    text = capsys.readouterr().out
    assert full_answer.scene is not None
    assert full_answer.scene.read_aloud[1].text in text
    for told in ("Fenwick", "DC 13", "inn, one a night", "Foes", "First encounter.md", "[["):
        assert told not in text


def test_a_hand_edit_is_read_back(answer_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note = tmp_path / "note.md"
    assert run(["export", "obsidian", "--from", str(answer_file), "--to", str(note)]) == 0
    text = note.read_text(encoding="utf-8")
    text = text.replace("six pennies.", "seven pennies and a pearl.").replace("- some Curdled dead", "- 2 × Wolf")
    text = text.replace("## Options\n\n", "## Options\n\n1. Run.\n    - *Then:* They follow.\n")
    note.write_text(text, encoding="utf-8")
    scene = read_back(note, capsys)["scene"]
    assert scene["loot"][0]["text"] == "The biscuit tin: seven pennies and a pearl."
    assert scene["loot"][0]["origin"] == "invented"
    assert (scene["foes"][2]["name"], scene["foes"][2]["count"]) == ("Wolf", 2)
    assert scene["options"][0]["action"]["text"] == "Run."
    assert scene["options"][0]["consequence"]["text"] == "They follow."
    assert len(scene["options"]) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["export", "docx", "x"], "There is no format 'docx': it is one of obsidian, foundry"),
        (["export", "html"], "There is no scene yet"),
        (["export", "html", "x", "--from", "answer.json"], "Give a request or a file with --from, not both."),
        (["export", "html", "--from", "missing.json"], "missing.json cannot be read: no such file"),
        (["export", "pdf", "x", "--paper", "a5"], "--paper is a4 or letter, not 'a5'."),
        (["export", "html", "--from", "answer.json", "--variant", "3"], "There is no variant 3: there are 1."),
        (["import", "."], ". is a folder; name a file in it"),
        (["import", "note.md"], "note.md: There is no scene in this file"),
        (["scene", "x", "--tone", "purple"], "--tone is grim, light, eerie or heroic, not 'purple'."),
        (["scene", "x", "--length", "huge"], "--length is short or long, not 'huge'."),
        (["export", "html", "the inn", "--variant", "2"], "--variant goes with --from, or with the last scene"),
        (["scene", "x", "--variants", "9"], "There are 1 to 5 variants, not 9."),
        (["scene", "x", "--lock", "foes"], "There is no scene yet"),
        (["scene", "--from", "answer.json"], "Say what is to stay of the scene with --lock"),
        (["scene", "--from", "answer.json", "--lock", "weather"], "There is no part 'weather' to lock"),
        (["scene", "--from", "answer.json", "--lock", "foes", "--variants", "2"], "do not go together"),
    ],
)
def test_bad_input_is_one_clear_line(
    arguments: list[str], said: str, answer_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("note.md").write_text("# My own note", encoding="utf-8")
    Path("answer.json").write_bytes(answer_file.read_bytes())
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_standard_input_will_do(
    answer_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(answer_file.read_bytes())))
    assert run(["export", "homebrewery", "--from", "-"]) == 0
    assert capsys.readouterr().out.startswith("```metadata\n")


def test_the_same_seed_gives_the_same_json_variants_included(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for _ in range(2):
        # Without notes: how far they are searched depends on how long the first search takes.
        assert (
            run(["scene", "a bridge", "--no-rag", "--variants", "3", "--seed", "4", "--tone", "eerie", "--json"]) == 0
        )
        content = json.loads(capsys.readouterr().out)
        del content["timings"]
        printed.append(json.dumps(content))
    assert printed[0] == printed[1]
    variants = json.loads(printed[0])["variants"]
    assert len(variants) == 2
    assert all(each["distance"] >= 0.15 and each["differs"] for each in variants)


def test_parts_stay_and_a_variant_can_be_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scene", "a bridge", "--no-rag", "--variants", "2", "--seed", "1", "--json"]) == 0
    old = json.loads(capsys.readouterr().out)
    file = tmp_path / "old.json"
    file.write_text(json.dumps(old), encoding="utf-8")
    assert run(["scene", "--from", str(file), "--lock", "read-aloud, foes", "--seed", "2", "--no-rag", "--json"]) == 0
    new = json.loads(capsys.readouterr().out)
    assert new["scene"]["read_aloud"] == old["scene"]["read_aloud"]
    assert new["scene"]["foes"] == old["scene"]["foes"]
    assert new["scene"]["balance"] == old["scene"]["balance"]
    assert new["scene"]["here"] != old["scene"]["here"]
    assert run(["export", "json", "--from", str(file), "--variant", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["scene"] == old["variants"][0]["scene"]


def test_without_a_name_it_is_the_scene_that_was_asked_for_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["scene", "the first encounter", "--seed", "3", "--json"]) == 0
    asked = json.loads(capsys.readouterr().out)
    assert run(["export", "json", "--to", str(tmp_path / "last.json")]) == 0
    assert read_back(tmp_path / "last.json", capsys)["scene"] == asked["scene"]
    assert run(["scene", "--lock", "title,foes", "--json"]) == 0
    rewritten = json.loads(capsys.readouterr().out)["scene"]
    for part in ("title", "foes"):
        assert texts_of(rewritten[part]) == texts_of(asked["scene"][part])


def texts_of(part: Any) -> Any:
    """Return a part of a scene without the numbers of its citations, which are other ones in another scene."""
    if isinstance(part, list):
        return [texts_of(each) for each in part]
    return {name: value for name, value in part.items() if name != "sources"} if isinstance(part, dict) else part
