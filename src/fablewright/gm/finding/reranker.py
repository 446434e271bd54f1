"""Whoever reads question and passages together and orders them better: a port, and how much its word counts.

None is needed, none comes along. A reranker sees texts only: it cannot know that a scene calls for the house rules.
So what was offered without a word of the question keeps its place; of the rest the two orders are added up by rank,
and neither has the last word.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeAlias

from fablewright.gm.reading.embedded_text import embedded_text

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage

__all__ = ["RERANKED", "Rerank", "Reranker", "ranks_of", "reordered", "reranked_text"]

RERANKED = 30
"""Passages that are looked at: of what stands further down, next to nothing would come to the top."""

_LONGEST = 2000
"""Characters; what models read of a passage is about 500 words, and many servers refuse more than theirs takes."""

_FLAT, _WEIGHT = 10, 2.0
"""What is added to each rank, as in ``by_rank``, and how much the reranker's counts beside the search's: its first
comes to the top from the third place, and to the fourth from the twentieth."""

Rerank: TypeAlias = Callable[[str, Sequence[str]], Awaitable[Sequence[float]]]
"""Scores texts for a question, as :meth:`Reranker.rerank` does."""


class Reranker(Protocol):
    """Scores texts for a question, without blocking the loop."""

    async def warm_up(self) -> None:
        """Load what is slow to load, so that the first search need not wait for it."""
        ...

    async def rerank(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return a score for each text, in their order; higher is better, whatever the scale.

        Raises:
            FablewrightError: It cannot be reached or understood; the passages then stay in the order they had.
        """
        ...

    async def close(self) -> None:
        """Let go of connections and threads; closing twice is harmless."""
        ...


def reranked_text(passage: Passage) -> str:
    """Return what is judged of a passage: its headings and words, and the header of a table it is in the middle of."""
    text = f"{passage.table_header}\n{passage.text}" if passage.table_header else passage.text
    return embedded_text(passage.heading, text)[:_LONGEST]


def ranks_of(scores: Sequence[float]) -> list[int]:
    """Return the rank of each score, from 1; equals in their order."""
    ranks = [0] * len(scores)
    for rank, at in enumerate(sorted(range(len(scores)), key=lambda at: -scores[at]), 1):
        ranks[at] = rank
    return ranks


def reordered(passages: Sequence[Passage], scores: Mapping[int, float]) -> list[Passage]:
    """Return passages in the order of the search and of a reranker together.

    The scores that the search gave are dealt out anew from the top, so that whoever compares them sees the distances
    that a search has.

    Args:
        passages: Best first.
        scores: The reranker's, by where a passage stands in ``passages``; what has none keeps its place.
    """
    places = sorted(scores)
    ranks = ranks_of([scores[at] for at in places])
    together = {
        at: 1 / (_FLAT + own) + _WEIGHT / (_FLAT + rank)
        for own, (at, rank) in enumerate(zip(places, ranks, strict=True), 1)
    }
    turned = list(passages)
    for place, at in zip(places, sorted(places, key=lambda at: -together[at]), strict=True):
        turned[place] = passages[at]
    return [replace(passage, score=held.score) for passage, held in zip(turned, passages, strict=True)]
