"""Why a search found what it found: for each passage the steps that have it, and why it was used or dropped.

It takes the same steps as a search does, the reranker's included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from fablewright.gm.finding.reranker import RERANKED, ranks_of, reordered
from fablewright.gm.questions.question import answer_question

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.finding.finder import Finder, Finding, QueryVector
    from fablewright.gm.finding.lookups import LookupIndex
    from fablewright.gm.finding.ranked import Found
    from fablewright.gm.reading.notes import Passage

__all__ = ["Explained", "Explanation", "Reason", "Searched", "Step", "explain", "search"]


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


class Searched(NamedTuple):
    """A search and the first passages of it, best first."""

    question: str
    finding: Finding
    first: Sequence[tuple[Found, Passage]]

    @property
    def judged(self) -> dict[int, Passage]:
        """Return those that a reranker reads, by where they stand; what was only offered is not its business."""
        return {at: passage for at, (one, passage) in enumerate(self.first[:RERANKED]) if not one.is_offered}


def search(
    question: str, index: LookupIndex, finder: Finder, *, most: int, vector: QueryVector | None = None
) -> Searched:
    """Search for a question.

    Args:
        question: A person's words.
        index: The passages.
        finder: The steps.
        most: How many passages are wanted.
        vector: What the question means, where there is a model.
    """
    finding = index.look(lambda lookups: finder.find(question, lookups, vector=vector))
    shown = finding.found[: max(most, RERANKED)]
    # One by one: what is gone since the search leaves nobody in another's place.
    pairs = [(one, passage) for one in shown for passage in index.passages([(one.passage, one.score)])]
    return Searched(question, finding, pairs)


def explain(searched: Searched, *, used: int, dropped: int, reranked: Sequence[float] = ()) -> Explanation:
    """Say why a search found what it found.

    Args:
        searched: The search.
        used: How many passages are handed on.
        dropped: How many of those after them are explained too.
        reranked: What a reranker makes of ``searched.judged``; empty without one.
    """
    finding = searched.finding
    reasons = {(passage.file, passage.start): _reasons(one) for one, passage in searched.first}
    for passage, rank in zip(searched.judged.values(), ranks_of(reranked), strict=False):
        reasons[passage.file, passage.start].append(Reason("rerank", rank, 0.0, placed=True))
    scores = dict(zip(searched.judged, reranked, strict=False))
    passages = reordered([passage for _, passage in searched.first], scores)[: used + dropped]
    _, cited = answer_question(searched.question, passages[:used])
    steps = [Step(each.step, each.note, len(each.scores)) for each in finding.lists]
    if reranked:
        steps.append(Step("rerank", "", len(reranked)))
    return Explanation(
        searched.question,
        tuple(kind.name for kind in finding.kinds),
        tuple(steps),
        tuple(
            Explained(rank, passage, tuple(why), rank <= used, _why(passage, why, cited, rank, used))
            for rank, passage in enumerate(passages, 1)
            if (why := reasons[passage.file, passage.start])
        ),
        max(0, len(finding.found) - used),
    )


def _reasons(one: Found) -> list[Reason]:
    """Return the steps that have a passage: those that gave it a place first, then by what they counted."""
    every = [Reason(each.step, rank, counted, each.places) for each, rank, counted in one.parts]
    every.sort(key=lambda reason: (not reason.placed, -reason.counted))
    return _best_of_each(every)


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
    if all(reason.placed for reason in reasons if reason.step != "rerank"):
        return "used: such a question calls for it"
    return "used"
