"""Words and meaning together: two searches at once, whose lists are added up by rank.

Ranks, because scores of words and cosines have nothing in common (reciprocal rank fusion). The words count four times
as much as the vectors: measured on questions of game masters, small models on their own find far less than words do.
Vectors only ever add: whoever is late, fails or has none yet is left out, and the words answer alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.ports import Retriever, Vector, VectorIndex
    from fablewright.runtime.threads import Threads

__all__ = ["EmbedQuestion", "HybridRetriever", "fused"]

_log = logging.getLogger(__name__)

EmbedQuestion: TypeAlias = Callable[[str], Awaitable["Vector"]]

_DEEP = 50
"""Passages of either list that are looked at: what stands further down changes no first ten."""

_FLAT = 10
"""Added to each rank; the smaller, the more the first few count. Measured: better than the usual 60 here."""


def fused(lists: Sequence[tuple[Sequence[Passage], float]]) -> list[Passage]:
    """Return the passages of several ranked lists, each with a weight, best first; equals in the order of the lists."""
    scores: dict[tuple[str, int], float] = {}
    passages: dict[tuple[str, int], Passage] = {}
    for found, weight in lists:
        for rank, passage in enumerate(found, 1):
            place = passage.file, passage.start
            passages.setdefault(place, passage)
            scores[place] = scores.get(place, 0.0) + weight / (_FLAT + rank)
    return [replace(passages[place], score=scores[place]) for place in sorted(scores, key=lambda p: -scores[p])]


class HybridRetriever:
    """A :class:`~fablewright.gm.reading.ports.Retriever` over another one and the vectors of an index.

    Args:
        words: Finds passages by their words.
        index: Finds passages by their vectors.
        model: Whose vectors.
        embed: Makes the vector of a question.
        threads: Where the index is searched.
        weight: How much a rank by meaning counts, where one by words counts 1.
        patience: Seconds that a question may wait for its vector.
    """

    def __init__(
        self,
        words: Retriever,
        index: VectorIndex,
        model: str,
        embed: EmbedQuestion,
        threads: Threads,
        *,
        weight: float = 0.25,
        patience: float = 2.0,
    ) -> None:
        self._words = words
        self._index = index
        self._model = model
        self._embed = embed
        self._threads = threads
        self._weight = weight
        self._patience = patience

    async def warm_up(self) -> None:
        """Load what finds by words, and the model."""
        await asyncio.gather(self._words.warm_up(), self._nearest("warm up", 1, {}))

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        """Return at most ``max_docs`` passages, best first.

        Raises:
            FablewrightError: The words cannot be searched; see the other retriever.
        """
        deep = max(_DEEP, max_docs)
        said, meant = await asyncio.gather(
            self._words.retrieve(query, max_docs=deep, filters=filters), self._nearest(query, deep, filters)
        )
        return fused([(said, 1.0), (meant, self._weight)])[:max_docs] if meant else said[:max_docs]

    async def _nearest(self, query: str, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        try:
            async with asyncio.timeout(self._patience):
                vector = await self._embed(query)
                return await self._threads.run(
                    lambda: self._index.nearest(self._model, vector, limit=limit, filters=filters)
                )
        except TimeoutError:
            _log.warning("No vector of the question came in %g s: words alone are searched.", self._patience)
        except FablewrightError as error:
            _log.warning("Words alone are searched: %s", error)
        return []
