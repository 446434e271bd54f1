"""Say how good the answers are that the assistant gives without a model.

Run it from the top of the checkout: `uv run python -m benchmarks.answers --questions FILE`. FILE is JSON lines with
`prompt` and what a good answer has: `must_cite` (a list of `file`, inside the corpus, and `passage`, words of it),
`must_mention` (`|` between other ways to say it), `must_not_mention`, `checks` (see checks.py), `party` (`size`,
`level`, `rules`) and `corpus` (the subfolders that are the notes). Each question is asked as free text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from benchmarks.answers.asking import ask_all
from benchmarks.answers.questions import read_questions
from benchmarks.answers.report import as_data, report, shown


def main() -> None:
    """Ask, judge and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.answers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--questions", type=Path, metavar="FILE", required=True, help="the questions")
    parser.add_argument("--corpus", type=Path, metavar="DIR", help="the notes (default: corpus beside FILE's folder)")
    parser.add_argument("--json", action="store_true", help="print the marks as JSON")
    parser.add_argument("--show", action="append", default=[], metavar="ID", help="print this answer; may be repeated")
    options = parser.parse_args()
    corpus = options.corpus or options.questions.resolve().parent.parent / "corpus"
    if not corpus.is_dir():
        parser.error(f"there are no notes at {corpus}: say where they are with --corpus")
    questions = [q for q in read_questions(options.questions) if not options.show or q.name in options.show]
    if not questions:
        parser.error("no such question")
    with tempfile.TemporaryDirectory() as work:
        marks = asyncio.run(ask_all(questions, corpus, Path(work)))
    if options.json:
        print(json.dumps(as_data(marks), indent=2))
    elif options.show:
        print("\n\n".join(map(shown, marks)))
    else:
        print(report(marks))


if __name__ == "__main__":
    main()
