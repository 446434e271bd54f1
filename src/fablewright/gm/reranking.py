"""``reranker``: the agent that has found passages read together with the question, where there is a model for it.

It stands behind the bus like the embedder: equal questions are kept and shared, and a server that fails is left alone
for a while, so that it does not cost every search its time-out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import ContractViolation
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, Spawn, handles
from fablewright.runtime.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.finding.reranker import Reranker
    from fablewright.runtime.context import Context

__all__ = ["RerankTexts", "Reranking", "reranking_policies"]


@dataclass(frozen=True, slots=True)
class RerankTexts(Request[tuple[float, ...]]):
    """Score texts for a question; the reply has a score for each, higher is better."""

    action: ClassVar[str] = "rerank_texts"
    idempotent: ClassVar[bool] = True
    question: str
    texts: tuple[str, ...]


def reranking_policies() -> Mapping[tuple[str, str], Policy]:
    """Return what stands around a request. It is not tried again: the search would wait twice for it."""
    rules = BreakerRules(failures=3, reset_time=30.0)
    kept = CacheRules(ttl=4 * 3600.0, max_bytes=8 * 1024 * 1024)
    return {(Reranking.name, RerankTexts.action): Policy(cache=kept, share=True, breaker=rules)}


class Reranking(Agent):
    """Answers with scores.

    Args:
        reranker: What makes them.
    """

    name = "reranker"
    concurrency = 4

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker

    @handles(RerankTexts)
    async def rerank_texts(self, request: RerankTexts, ctx: Context) -> tuple[float, ...]:  # noqa: ARG002 - the shape of a handler
        """Score texts.

        Raises:
            ContractViolation: The reranker has no finite score for each.
        """
        scores = tuple(await self._reranker.rerank(request.question, request.texts))
        if len(scores) != len(request.texts) or not all(map(math.isfinite, scores)):
            raise ContractViolation(f"The reranker made {len(scores)} scores of {len(request.texts)} texts.")
        return scores

    async def on_start(self, spawn: Spawn) -> None:
        """Load what the first search would have to wait for, beside everything else."""
        spawn(self._reranker.warm_up())

    async def on_stop(self) -> None:
        """Let go of the reranker's connections and threads."""
        await self._reranker.close()
