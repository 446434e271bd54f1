"""A port for whoever reads question and passages together and orders them better. None is needed, none comes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["Reranker"]


class Reranker(Protocol):
    """Scores passages for a question, without blocking the loop."""

    async def rerank(self, question: str, passages: Sequence[Passage]) -> Sequence[float]:
        """Return a score for each passage, in their order; higher is better.

        Raises:
            FablewrightError: It cannot be reached or understood; the passages then stay in the order they had.
        """
        ...
