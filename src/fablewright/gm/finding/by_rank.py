"""Lists of passages added up by rank, for an index in which nothing but words and vectors can be searched.

Ranks, because scores of words and cosines have nothing in common (reciprocal rank fusion, Cormack and others, 2009).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["by_rank"]

_FLAT = 10
"""Added to each rank; the smaller, the more the first few count. Measured: better than the usual 60 here."""


def by_rank(lists: Sequence[tuple[Sequence[Passage], float]]) -> list[Passage]:
    """Return the passages of several ranked lists, each with a weight, best first; equals in the order of the lists."""
    scores: dict[tuple[str, int], float] = {}
    passages: dict[tuple[str, int], Passage] = {}
    for found, weight in lists:
        for rank, passage in enumerate(found, 1):
            place = passage.file, passage.start
            passages.setdefault(place, passage)
            scores[place] = scores.get(place, 0.0) + weight / (_FLAT + rank)
    return [replace(passages[place], score=scores[place]) for place in sorted(scores, key=lambda p: -scores[p])]
