"""Why a search found what it found: for each passage the steps that have it, and why it was used or dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.questions.question import answer_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.finding.finder import Finder, QueryVector
    from fablewright.gm.finding.lookups import LookupIndex
    from fablewright.gm.reading.notes import Passage

__all__ = ["Explained", "Explanation", "Reason", "Step", "explain"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step found.

    Attributes:
        name: The step.
        looked_for: What it looked for, if that is not the question itself.
        count: How many passages it has.
    """

    name: str
    looked_for: str
    count: int


@dataclass(frozen=True, slots=True)
class Reason:
    """That a step has a passage.

    Attributes:
        step: The step.
        rank: The passage's rank there, from 1.
        counted: What that counted.
        placed: Whether the step gave it a place instead.
    """

    step: str
    rank: int
    counted: float
    placed: bool


@dataclass(frozen=True, slots=True)
class Explained:
    """One passage.

    Attributes:
        rank: From 1.
        passage: With its score.
        reasons: The steps that have it, what counts most first.
        used: Whether it is handed on to whoever answers.
        why: In words, why it is used or dropped.
    """

    rank: int
    passage: Passage
    reasons: tuple[Reason, ...]
    used: bool
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """A whole search.

    Attributes:
        question: As it was asked.
        kinds: Of what kinds it is taken to be.
        steps: What each step found.
        passages: Best first: those that are used, and as many that were dropped as were asked for.
        dropped: How many were dropped altogether.
    """

    question: str
    kinds: tuple[str, ...]
    steps: tuple[Step, ...]
    passages: tuple[Explained, ...]
    dropped: int


def explain(
    question: str, index: LookupIndex, finder: Finder, *, used: int, dropped: int, vector: QueryVector | None = None
) -> Explanation:
    """Search and say why.

    Args:
        question: A person's words.
        index: The passages.
        finder: The steps.
        used: How many passages are handed on.
        dropped: How many of those after them are explained too.
        vector: What the question means, where there is a model.
    """
    finding = index.look(lambda lookups: finder.find(question, lookups, vector=vector))
    shown = finding.found[: used + dropped]
    passages = index.passages([(one.passage, one.score) for one in shown])
    _, cited = answer_question(question, passages[:used])
    steps = [Step(each.step, each.note, len(each.scores)) for each in finding.lists]
    explained: list[Explained] = []
    for rank, (one, passage) in enumerate(zip(shown, passages, strict=False), 1):
        reasons = [Reason(each.step, at, counted, each.places) for each, at, counted in one.parts]
        reasons.sort(key=lambda reason: (not reason.placed, -reason.counted))
        why = _why(passage, reasons, cited, rank, used)
        explained.append(Explained(rank, passage, tuple(_best_of_each(reasons)), rank <= used, why))
    return Explanation(
        question,
        tuple(kind.name for kind in finding.kinds),
        tuple(steps),
        tuple(explained),
        max(0, len(finding.found) - used),
    )


def _best_of_each(reasons: Sequence[Reason]) -> list[Reason]:
    """Return for each step the reason that counts: of several clauses the best one."""
    best: dict[str, Reason] = {}
    for reason in reasons:
        best.setdefault(reason.step, reason)
    return list(best.values())


def _why(passage: Passage, reasons: Sequence[Reason], cited: Sequence[Passage], rank: int, used: int) -> str:
    if rank > used:
        return f"dropped: after the first {used}"
    if passage in cited:
        return "used: it answers the question"
    if all(reason.placed for reason in reasons):
        return "used: such a question calls for it"
    return "used"
