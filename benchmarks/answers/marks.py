"""How one answer does by what its question wants, and how all of them do together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.answers.checks import failed_checks, unknown_checks
from benchmarks.answers.said import said_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.answers.questions import Question
    from fablewright.gm.answer import Answer

__all__ = ["Marks", "Totals", "mark", "says", "totals"]


@dataclass(frozen=True, slots=True)
class Marks:
    """What one answer lacks; all is well when the lists are empty.

    Attributes:
        question: What was asked.
        answer: What was answered.
        uncited: Passages that lie in no citation.
        unsaid: What it should say and does not.
        wrongly_said: What it must not say and does.
        failed: Checks that it does not hold.
        unknown: Checks that nobody knows; they count as failed.
        bad_citations: Citations whose text does not stand in the file at that place.
        milliseconds: Until the answer was there.
    """

    question: Question
    answer: Answer
    uncited: tuple[str, ...]
    unsaid: tuple[str, ...]
    wrongly_said: tuple[str, ...]
    failed: tuple[str, ...]
    unknown: tuple[str, ...]
    bad_citations: tuple[str, ...]
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Totals:
    """Of many answers.

    Attributes:
        asked: How many.
        cited: Share of questions with passages to cite that have all of them.
        said: Share of all things to say that are said.
        violations: Things said that must not be.
        checked: Share of all checks that hold.
        unknown: Names of checks that nobody knows.
        bad_citations: Citations that point at text that is not there.
    """

    asked: int
    cited: float
    said: float
    violations: int
    checked: float
    unknown: tuple[str, ...]
    bad_citations: int


def mark(question: Question, answer: Answer, milliseconds: float = 0.0, bad_citations: tuple[str, ...] = ()) -> Marks:
    """Hold an answer to its question."""
    said = said_by(answer)
    return Marks(
        question,
        answer,
        uncited=tuple(each.words for each in question.cited if each.rank(answer.citations) is None),
        unsaid=tuple(wanted for wanted in question.said if not says(said, wanted)),
        wrongly_said=tuple(banned for banned in question.unsaid if says(said, banned)),
        failed=tuple(failed_checks(question.checks, answer)),
        unknown=tuple(unknown_checks(question.checks)),
        bad_citations=bad_citations,
        milliseconds=milliseconds,
    )


def says(text: str, wanted: str) -> bool:
    """Return whether a text says one of the ways of putting it: in any capitals, a number not as part of another."""
    plain = _plain(text)
    return any(re.search(_pattern(_plain(each)), plain) for each in wanted.split("|"))


def _pattern(words: str) -> str:
    before = r"(?<![\d,.])" if words[:1].isdigit() else ""
    after = r"(?![\d]|,\d)" if words[-1:].isdigit() else ""
    return f"{before}{re.escape(words)}{after}"


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").replace("“", '"').replace("”", '"').casefold().split())


def totals(marks: Sequence[Marks]) -> Totals:
    """Add up."""
    citing = [m for m in marks if m.question.cited]
    to_say = sum(len(m.question.said) for m in marks)
    to_check = sum(len(m.question.checks) for m in marks)
    return Totals(
        asked=len(marks),
        cited=_share(sum(not m.uncited for m in citing), len(citing)),
        said=_share(to_say - sum(len(m.unsaid) for m in marks), to_say),
        violations=sum(len(m.wrongly_said) for m in marks),
        checked=_share(to_check - sum(len(m.failed) for m in marks), to_check),
        unknown=tuple(sorted({name for m in marks for name in m.unknown})),
        bad_citations=sum(len(m.bad_citations) for m in marks),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
