"""``scene`` and ``ask`` on the sample campaign and on folders of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fablewright.entry.assemble import sample_campaign
from fablewright.entry.cli import run

pytestmark = pytest.mark.usefixtures("data_dir")


def test_a_scene_out_of_the_sample_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scene", "generate", "scenario", "for", "the", "first", "encounter"]) == 0
    out, err = capsys.readouterr()
    assert "First encounter: the Small Change robs the queue [1]" in out
    assert "┃ The fog smells of cold pennies." in out
    assert "First encounter.md" in out
    assert "\x1b" not in out
    assert err == ""


def test_json_is_one_object_whose_citations_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scene", "the first encounter", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["status"], content["used_rag"], content["missing"]) == ("answered", True, [])
    assert content["citations"]
    for each in content["citations"]:
        text = (sample_campaign() / each["file"]).read_bytes().decode("utf-8")
        assert text[each["start"] : each["end"]] == each["text"]
        assert isinstance(each["heading"], list)
    assert set(content["timings"]) == {"retrieve_ms", "compose_ms", "total_ms"}


def test_a_question(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "Who is Ambrose Teal?", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["status"] == "answered"
    assert content["scene"] is None
    assert any("Tenor" in line["text"] for line in content["answer"])


def test_that_the_notes_do_not_say_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ask", "xyzzy plugh frobnicate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "abstained"


def test_a_scene_without_notes_says_so_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["scene", "a bridge in the fog", "--notes", str(tmp_path / "empty"), "--seed", "1"]) == 0
    out, err = capsys.readouterr()
    assert "* invented, not in your notes" in out
    assert err.splitlines()[0].startswith(f"Nothing readable was found in {tmp_path / 'empty'}: notes are .docx, ")


def test_the_same_seed_invents_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for _ in range(2):
        assert run(["scene", "a bridge in the fog", "--no-rag", "--seed", "7", "--json"]) == 0
        pages.append(json.loads(capsys.readouterr().out)["scene"])
    assert pages[0] == pages[1]


def test_a_fight_as_json_is_data(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["encounter", "--party", "4x3-1x3", "--theme", "undead", "--difficulty", "deadly", "--rules", "2014"]
    assert run([*arguments, "--seed", "2", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["want"], content["status"]) == ("encounter", "answered")
    foes = content["scene"]["foes"]
    assert foes
    assert all(foe["count"] > 0 and foe["xp"] > 0 and foe["origin"] == "by_rule" for foe in foes)
    assert "for three level-3 characters: deadly (2014 rules)" in content["scene"]["balance"][0]["text"]
    assert run([*arguments, "--seed", "2", "--absent", "1", "--json"]) == 0
    assert "for two level-3" in capsys.readouterr().out


def test_a_person_is_a_card_with_a_secret_for_the_gm(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["npc", "a nervous ferryman", "--no-rag", "--seed", "7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(", nervous ferryman*")
    assert lines[2] == "─" * len(lines[1])
    labels = [line.split()[0] for line in lines[3:] if line.startswith("  ") and line[2] != " "]
    assert labels == ["Look", "Manner", "Wants", "Bond", "Secret", "Numbers"]
    assert any(line.startswith("  Secret   GM only: ") for line in lines)


def test_wishes_that_cannot_be_met_are_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    for wish, said in (
        ("--habitat", "There is no habitat 'teapot': say"),
        ("--role", "There is no role 'teapot': say"),
        ("--theme", "No creature fits the theme 'teapot': name"),
        ("--difficulty", "know the difficulties low, moderate, high, not 'teapot'"),
        ("--absent", "'teapot' is not NUMBERxLEVEL"),
    ):
        assert run(["encounter", wish, "teapot"]) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert said in err


def test_the_party_is_the_one_that_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["scene", "the first encounter", "--party", "3x9"]) == 0
    assert "three level-9 characters" in " ".join(capsys.readouterr().out.split())


def test_a_bad_file_among_the_notes_keeps_no_other_from_being_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "binary.md").write_bytes(bytes(range(256)) * 40)
    (notes / "latin.md").write_bytes("# Café\n\nThe café of the gulls is shut.\n".encode("latin-1"))
    (notes / "gate.md").write_text("# The Salt Gate\n\nThe Salt Gate opens at low tide only.\n", encoding="utf-8")
    assert run(["ask", "When does the Salt Gate open?", "--notes", str(notes)]) == 0
    out, err = capsys.readouterr()
    assert "The Salt Gate opens at low tide only. [1]" in out
    assert err.startswith("One of your notes was skipped: binary.md: ")
    assert err.count("\n") == 1


def test_what_notes_do_to_a_terminal_is_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    evil = "# The Salt Gate\n\nThe Salt Gate is [bold red]shut[/bold red] \x1b[31mand\x1b]0;owned\x07 rusty.\n"
    (notes / "gate.md").write_text(evil, encoding="utf-8")
    assert run(["ask", "Is the Salt Gate shut?", "--notes", str(notes)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "shut" in out


def test_settings_come_from_the_file_in_the_working_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "elsewhere" / "camp"
    notes.mkdir()
    (notes / "gate.md").write_text("# The Salt Gate\n\nThe Salt Gate opens at low tide only.\n", encoding="utf-8")
    Path("fablewright.toml").write_text('notes = ["camp"]\n', encoding="utf-8")
    assert run(["ask", "When does the Salt Gate open?"]) == 0
    assert "gate.md" in capsys.readouterr().out
