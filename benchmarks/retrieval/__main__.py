"""Say how well passages are found in a folder of notes, and how fast.

Run it from the top of the checkout: `uv run python -m benchmarks.retrieval --corpus DIR --questions FILE`. FILE is
JSON lines with `id`, `kind`, `prompt` and `must_cite`, a list of `file` (inside DIR) and `passage` (words of it): a
question is covered when each of its passages lies in one of the first ten that are found, in that file. Without
--questions the questions are built from the notes themselves: see known_items.py.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.retrieval.ablation import variants
from benchmarks.retrieval.figures import Figures, Search, measure
from benchmarks.retrieval.known_items import known_items
from benchmarks.retrieval.questions import Question, read_questions
from benchmarks.retrieval.tables import ablation_table, kinds_table, throughput_table
from benchmarks.retrieval.throughput import throughput
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.entry.assemble import sample_campaign
from fablewright.gm.finding.finder import Finder
from fablewright.gm.finding.options import ALL_STEPS, FindingOptions
from fablewright.gm.reading.indexing import refresh

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.retrieval",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="the notes (default: the sample campaign)")
    parser.add_argument("--questions", type=Path, metavar="FILE", help="the questions (default: built from the notes)")
    parser.add_argument("--known-items", type=int, default=200, metavar="N", help="how many to build (default 200)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is timed (default 3)")
    parser.add_argument("--ablation", action="store_true", help="say what each step of a search brings")
    parser.add_argument("--throughput", action="store_true", help="compare 100 askers on the bus with one by one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        index = SqliteIndex(Path(folder) / "index.sqlite")
        _read(index, options.corpus or sample_campaign())
        questions = read_questions(options.questions) if options.questions else _built(index, options.known_items)
        print(f"{len(questions)} questions\n")
        print(kinds_table(measure(questions, _search(index, ALL_STEPS), rounds=options.rounds)))
        if options.ablation:
            print("\n" + ablation_table((name, _all(index, questions, steps)) for name, steps in variants()))
        if options.throughput:
            print("\n" + throughput_table(throughput(index, [question.words for question in questions])))
        index.close()


def _read(index: SqliteIndex, corpus: Path) -> None:
    started = time.perf_counter()
    reports = list(refresh(NotesFolder([corpus]), index, now_ns=time.time_ns()))
    took = time.perf_counter() - started
    skipped = sum(report.outcome == "skipped" for report in reports)
    print(f"{len(reports) - skipped} files, {index.count():,} passages, read in {took:.1f} s; {skipped} skipped")


def _built(index: SqliteIndex, count: int) -> list[Question]:
    numbers = [(number, 0.0) for number in range(1, index.count() + 1)]
    return known_items(index.passages(numbers), count)


def _search(index: SqliteIndex, steps: FindingOptions) -> Search:
    finder = Finder(steps)

    def search(question: str, limit: int) -> list[Passage]:
        finding = index.look(lambda lookups: finder.find(question, lookups))
        return index.passages([(one.passage, one.score) for one in finding.found[:limit]])

    return search


def _all(index: SqliteIndex, questions: list[Question], steps: FindingOptions) -> Figures:
    return measure(questions, _search(index, steps))["all"]


if __name__ == "__main__":
    main()
