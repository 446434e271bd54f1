"""The benchmark of retrieval counts right, and runs over the sample campaign."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from benchmarks.retrieval import __main__ as command
from benchmarks.retrieval.figures import Figures, measure
from benchmarks.retrieval.known_items import known_items
from benchmarks.retrieval.questions import Cited, Question, read_questions

from fablewright.entry.assemble import sample_campaign
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import Passage

if TYPE_CHECKING:
    from pathlib import Path


def passage(text: str, file: str = "a.md") -> Passage:
    return Passage(text, file, (), 0, len(text))


def test_a_citation_is_found_in_its_file_only() -> None:
    found = [passage("the red fox", "b.md"), passage("the fox"), passage("the red fox")]
    assert Cited("a.md", "red fox").rank(found) == 3
    assert Cited("c.md", "red fox").rank(found) is None


def test_recall_and_covered_questions_are_counted() -> None:
    figures = Figures(ranks=[[1, 6], [None], [10, 2, 3]])
    assert figures.recall(5) == pytest.approx(3 / 6)
    assert figures.recall(10) == pytest.approx(5 / 6)
    assert figures.covered == pytest.approx(2 / 3)


def test_times_are_percentiles_in_milliseconds() -> None:
    figures = Figures(seconds=[n / 1000 for n in range(1, 101)], cpu=[0.5])
    assert (figures.milliseconds(50), figures.milliseconds(99)) == (51.0, 100.0)
    assert figures.milliseconds(50, cpu=True) == 500.0
    assert Figures().milliseconds(50) == 0.0


def test_questions_without_citations_count_for_time_only() -> None:
    asked: list[str] = []

    def search(words: str, limit: int) -> list[Passage]:
        asked.append(words)
        assert limit == 10
        return [passage("yes")]

    questions = [Question("1", "lookup", "one", (Cited("a.md", "yes"),)), Question("2", "abstain", "two", ())]
    by_kind = measure(questions, search, rounds=2)
    assert asked == ["one", "two", "one", "one", "two", "two"]
    assert by_kind["all"].ranks == by_kind["lookup"].ranks == [[1]]
    assert (len(by_kind["all"].seconds), len(by_kind["abstain"].seconds)) == (4, 2)


def test_questions_are_read_from_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "q.jsonl"
    row = {"id": "G1", "kind": "lookup", "prompt": "Who?", "must_cite": [{"file": "a.md", "passage": "he"}], "x": 1}
    file.write_text(json.dumps(row) + '\n\n{"prompt": "What?"}\n', encoding="utf-8")
    assert read_questions(file) == [
        Question("G1", "lookup", "Who?", (Cited("a.md", "he"),)),
        Question("2", "", "What?", ()),
    ]


def test_known_items_are_half_of_what_a_sentence_says_and_the_same_every_time() -> None:
    text = "The grey ferryman keeps a tin of pennies under the third plank of his leaking boat."
    [question] = known_items([passage(text), passage("Short.")], 9)
    assert question.cited == (Cited("a.md", text),)
    assert set(question.words.split()) < set(text.lower().rstrip(".").split())
    every = passages_of("x.md", (sample_campaign() / "Thole.md").read_text("utf-8"))
    assert known_items(every, 5, seed=3) == known_items(every, 5, seed=3) != known_items(every, 5, seed=4)


def test_the_command_prints_its_tables(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["retrieval", "--known-items", "12", "--rounds", "1", "--ablation"])
    command.main()
    out = capsys.readouterr().out
    assert "12 questions" in out
    rows = [line for line in out.splitlines() if line.startswith("| ")]
    assert any(row.startswith("| known item | 12 | ") for row in rows)
    assert any(row.startswith("| all steps | ") for row in rows)
    assert any(row.startswith("| without hop | ") for row in rows)
    assert any(row.startswith("| words alone | ") for row in rows)
