"""Real notes: everything is read, every passage is where it says, and the questions find their passages."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_index import Ranking, SqliteIndex
from fablewright.gm.finding.finder import Finder
from fablewright.gm.finding.options import ALL_STEPS, STEPS, FindingOptions
from fablewright.gm.reading.indexing import refresh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def index(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(tmp_path_factory.mktemp("index") / "index.sqlite")
    reports = list(refresh(NotesFolder(shared / "corpus"), opened, now_ns=time.time_ns()))
    assert {report.outcome for report in reports} == {"read"}
    assert not [report for report in reports if report.remark or not report.passages]
    yield opened
    opened.close()


def ranks(index: SqliteIndex, shared: Path, options: FindingOptions) -> list[list[int]]:
    """For each question with something to cite the rank of each passage in a search of several steps; 99: none."""
    lines = (shared / "eval" / "gm_prompts_dev.jsonl").read_text(encoding="utf-8").splitlines()
    every = []
    for question in map(json.loads, lines):
        finding = index.look(lambda lookups, words=question["prompt"]: Finder(options).find(words, lookups))
        passages = index.passages([(one.passage, one.score) for one in finding.found[:10]])
        places = [
            [n for n, p in enumerate(passages, 1) if p.file == cited["file"] and cited["passage"] in p.text]
            for cited in question["must_cite"]
        ]
        every.append([min(found, default=99) for found in places])
    return [each for each in every if each]


def recall(index: SqliteIndex, shared: Path, depth: int) -> float:
    """Share of the passages to be cited that lie inside one of the first ``depth`` passages found by words."""
    lines = (shared / "eval" / "gm_prompts_dev.jsonl").read_text(encoding="utf-8").splitlines()
    found = total = 0
    for question in map(json.loads, lines):
        passages = index.search(question["prompt"], limit=depth, filters={})
        for cited in question["must_cite"]:
            total += 1
            found += any(p.file == cited["file"] and cited["passage"] in p.text for p in passages)
    return found / total


def test_every_passage_is_the_slice_that_it_says(index: SqliteIndex, shared: Path) -> None:
    for query in ["tower", "bandit", "the sea chest", "grappled", "magic armor", "tür"]:
        for passage in index.search(query, limit=200, filters={}):
            text = (shared / "corpus" / passage.file).read_bytes().decode("utf-8")
            assert text[passage.start : passage.end] == passage.text


def test_nothing_is_read_again_when_nothing_changed(index: SqliteIndex, shared: Path) -> None:
    reports = list(refresh(NotesFolder(shared / "corpus"), index, now_ns=time.time_ns()))
    assert {report.outcome for report in reports} == {"unchanged"}
    assert sum(report.passages for report in reports) == index.count()


def test_a_named_place_is_found(index: SqliteIndex) -> None:
    found = index.search("They start up the hill to the Lonely Torch. Give me the scene", limit=8, filters={})
    assert {"The Lonely Torch", "The Tangles"} <= {heading for p in found for heading in p.heading}
    assert found[0].file.startswith("night_blade/")


def test_recall_on_the_example_questions(index: SqliteIndex, shared: Path) -> None:
    # Measured 0.62 and 0.77; the bounds leave room for one passage of thirteen.
    assert recall(index, shared, 5) >= 0.53
    assert recall(index, shared, 10) >= 0.69


def test_a_search_in_all_steps_finds_what_a_game_master_means(index: SqliteIndex, shared: Path) -> None:
    # Measured 1.00 at both depths; on 155 questions of our own 0.78, 0.88 and 85 %. The bounds are what is promised.
    found = ranks(index, shared, ALL_STEPS)
    flat = [rank for each in found for rank in each]
    assert sum(rank <= 5 for rank in flat) / len(flat) >= 0.75
    assert sum(rank <= 10 for rank in flat) / len(flat) >= 0.85
    assert sum(max(each) <= 10 for each in found) / len(found) >= 0.60


def test_the_steps_find_what_words_alone_do_not(index: SqliteIndex, shared: Path) -> None:
    bare = [rank for each in ranks(index, shared, replace(ALL_STEPS, **dict.fromkeys(STEPS, False))) for rank in each]
    steps = [rank for each in ranks(index, shared, ALL_STEPS) for rank in each]
    assert sum(rank <= 5 for rank in steps) > sum(rank <= 5 for rank in bare) + 1


def test_the_steps_of_the_ranking_earn_their_place(index: SqliteIndex, shared: Path) -> None:
    usual = recall(index, shared, 10)
    index.ranking = Ranking(1, 1, stop_words=False, phrases=False, names=False, related=0)
    try:
        assert recall(index, shared, 10) < usual
    finally:
        index.ranking = Ranking()
