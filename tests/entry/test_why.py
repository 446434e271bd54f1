from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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


def test_models_that_are_set_take_their_steps_or_it_is_said_why_not(
    notes: Path, models: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {"EMBEDDER": "openai", "EMBEDDING_MODEL": "tiny", "EMBEDDING_URL": models.url}
    settings |= {"RERANKER": "jina", "RERANKING_MODEL": "small", "RERANKING_URL": models.url}
    for name, value in settings.items():
        monkeypatch.setenv(f"FABLEWRIGHT_{name}", value)
    assert run(["index", str(notes)]) == 0
    capsys.readouterr()
    models.likes = "Farmer 20"
    whole: Any = told("Who owns the mill?", notes, capsys)
    steps = {each["step"]: each for each in whole["steps"]}
    assert steps["dense"]["looked_for"] == "openai:tiny"
    assert steps["rerank"]["passages"] == 30
    by_name = {each["heading"][-1]: each for each in whole["passages"]}
    assert by_name["Hob Tanner"]["rank"] == 1  # the reranker does not have the last word
    liked = by_name["Farmer 20"]
    assert liked["rank"] <= 6
    assert {"step": "rerank", "rank": 1, "placed": True}.items() <= liked["found_by"][-1].items()
    monkeypatch.setenv("FABLEWRIGHT_EMBEDDING_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("FABLEWRIGHT_RERANKING_URL", "http://127.0.0.1:9")
    assert run(["why", "Who owns the mill?", "--notes", str(notes)]) == 0
    out, err = capsys.readouterr()
    assert "used: it answers the question" in out
    assert err == (
        "This search goes without meaning: The embedding server cannot be reached (ConnectError); is it running?\n"
        "This search goes without the reranker: The reranking server cannot be reached (ConnectError); is it running?\n"
    )
