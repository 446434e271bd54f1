"""The marks for people: a row a question, what each answer lacks, and one line for all."""

from __future__ import annotations

import os
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.answers.marks import totals
from benchmarks.answers.said import said_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.answers.marks import Marks, Totals

__all__ = ["as_data", "report", "shown"]


def report(marks: Sequence[Marks]) -> str:
    """Return what to print."""
    rows = [f"| {m.question.name} | {m.question.kind} | {_grade(m)} | {m.milliseconds:.0f} |" for m in marks]
    lacking = [f"- {m.question.name}: {line}" for m in marks for line in _lacking(m)]
    kinds: dict[str, list[Marks]] = defaultdict(list)
    for m in marks:
        kinds[m.question.kind].append(m)
    summed = [("all", totals(marks)), *((kind, totals(own)) for kind, own in sorted(kinds.items()))]
    return "\n".join(
        [
            "| question | kind | cited, said, not said, checks | ms |",
            "|---|---|---|---|",
            *rows,
            *(["", *lacking] if lacking else []),
            "",
            "| kind | questions | all cited | said | said wrongly | checks |",
            "|---|---|---|---|---|---|",
            *(_row(kind, total) for kind, total in summed),
            "",
            *_foot(marks),
        ]
    )


def shown(m: Marks) -> str:
    """Return one question with its answer and what is cited for it."""
    places = [f"  [{n}] {p.place} ({p.start}-{p.end})" for n, p in enumerate(m.answer.citations)]
    head = f"{m.question.name}: {m.question.words}\n[{m.answer.want}, {m.answer.status}]"
    return "\n".join([head, said_by(m.answer), *places, *(f"  lacks {line}" for line in _lacking(m))])


def as_data(marks: Sequence[Marks]) -> dict[str, object]:
    """Return the same as plain data."""
    total = totals(marks)
    return {
        "all": {name: getattr(total, name) for name in total.__slots__},
        "questions": [
            {
                "id": m.question.name,
                "kind": m.question.kind,
                "want": m.answer.want,
                "status": m.answer.status,
                "uncited": m.uncited,
                "unsaid": m.unsaid,
                "wrongly_said": m.wrongly_said,
                "failed": m.failed,
                "unknown": m.unknown,
                "bad_citations": m.bad_citations,
                "citations": len(m.answer.citations),
                "words": len(said_by(m.answer).split()),
                "milliseconds": round(m.milliseconds, 1),
            }
            for m in marks
        ],
    }


def _grade(m: Marks) -> str:
    return " ".join(
        "–" if not there else "no" if bad else "yes"
        for there, bad in (
            (m.question.cited, m.uncited),
            (m.question.said, m.unsaid),
            (m.question.unsaid, m.wrongly_said),
            (m.question.checks, m.failed),
        )
    )


def _lacking(m: Marks) -> Iterator[str]:
    yield from (f"does not cite {words!r}" for words in m.uncited)
    yield from (f"does not say {words!r}" for words in m.unsaid)
    yield from (f"says {words!r}" for words in m.wrongly_said)
    yield from (f"check {name} is not known" for name in m.unknown)
    yield from (f"check {name}: wanted {m.question.checks[name]!r}" for name in m.failed if name not in m.unknown)
    yield from (f"cites what is not there: {place}" for place in m.bad_citations)


def _row(kind: str, total: Totals) -> str:
    return (
        f"| {kind} | {total.asked} | {total.cited:.0%} | {total.said:.0%} | {total.violations} | {total.checked:.0%} |"
    )


def _foot(marks: Sequence[Marks]) -> Iterator[str]:
    total = totals(marks)
    if total.unknown:
        yield f"Checks that nobody knows, counted as failed: {', '.join(total.unknown)}."
    times = sorted(m.milliseconds for m in marks)
    most = max((len(m.answer.citations) for m in marks), default=0)
    late = times[min(len(times) - 1, int(0.95 * len(times)))] if times else 0.0
    middle = times[len(times) // 2] if times else 0.0
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    yield (
        f"Citations that are not there: {total.bad_citations}; at most {most} in one answer. "
        f"An answer took {middle:.0f} ms, 95 % at most {late:.0f} ms{load}."
    )
