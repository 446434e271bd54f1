"""``embedder``: the agent that makes vectors of texts, and the reader that has every passage embedded.

Questions and passages are two requests, so that each has its own policy: questions are kept and shared, because
the same ones come again within an evening; passages are kept in the index, and a whole campaign of them would only
push the questions out of the cache. Both come in batches, as every model wants them.

Passages are embedded beside everything else, a batch at a time and each stored at once: words are searched from the
beginning, vectors as they come. A run that is broken off is gone on with by the next one.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from fablewright.errors import ContractViolation, FablewrightError, InvalidInput
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, Spawn, batches
from fablewright.runtime.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fablewright.gm.reading.ports import Embedder, Purpose, Vector, VectorIndex
    from fablewright.runtime.context import Context
    from fablewright.runtime.threads import Threads

__all__ = ["Ask", "EmbedPassage", "EmbedQuery", "Embedding", "EmbeddingFollower", "embed_notes", "embedding_policies"]

_log = logging.getLogger(__name__)

_LOOKED_UP = 1000
_AT_ONCE = 32
"""Passages that are asked for together and stored together: one batch, so that a question is next in line."""

_PATIENCE = 120.0
"""Seconds for one batch of passages: a slow model on a slow machine, and nobody waits for it."""

_LONGEST = 8000
"""Characters; no model of ours reads more of a text than its first two thousand words."""

Ask: TypeAlias = "Callable[[EmbedPassage, float], Awaitable[Vector]]"
"""Asks ``embedder`` for a vector, for so many seconds at the most."""


@dataclass(frozen=True, slots=True)
class EmbedQuery(Request[bytes]):
    """Make a vector of what is sought; the reply is a ``Vector``."""

    action: ClassVar[str] = "embed_query"
    idempotent: ClassVar[bool] = True
    text: str


@dataclass(frozen=True, slots=True)
class EmbedPassage(Request[bytes]):
    """Make a vector of what may be found; the reply is a ``Vector``."""

    action: ClassVar[str] = "embed_passage"
    idempotent: ClassVar[bool] = True
    text: str


def embedding_policies(*, retries: int = 2) -> Mapping[tuple[str, str], Policy]:
    """Return what stands around the two requests.

    Args:
        retries: How often one that failed is tried again.
    """
    breaker, retry = BreakerRules(), RetryRules(retries)
    return {
        (Embedding.name, EmbedQuery.action): Policy(
            cache=CacheRules(ttl=4 * 3600.0, max_bytes=4 * 1024 * 1024), share=True, retry=retry, breaker=breaker
        ),
        (Embedding.name, EmbedPassage.action): Policy(share=True, retry=retry, breaker=breaker),
    }


class Embedding(Agent):
    """Answers with vectors.

    Args:
        embedder: What makes them.
    """

    name = "embedder"
    concurrency = 4

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @batches(EmbedQuery, max_size=32, max_wait=0.002)
    async def embed_query(self, requests: Sequence[EmbedQuery], ctx: Context) -> list[bytes | Exception]:  # noqa: ARG002 - the shape of a handler
        """Embed questions."""
        return await self._embed([request.text for request in requests], "query")

    @batches(EmbedPassage, max_size=_AT_ONCE, max_wait=0.01)
    async def embed_passage(self, requests: Sequence[EmbedPassage], ctx: Context) -> list[bytes | Exception]:  # noqa: ARG002 - as above
        """Embed passages."""
        return await self._embed([request.text for request in requests], "passage")

    async def on_stop(self) -> None:
        """Let go of the embedder's connections and threads."""
        await self._embedder.close()

    async def _embed(self, texts: Sequence[str], purpose: Purpose) -> list[bytes | Exception]:
        """Return a vector for each text; a blank one fails alone, and no model is asked about it."""
        wanted = {at: text[:_LONGEST] for at, text in enumerate(texts) if text.strip()}
        results: list[bytes | Exception] = [InvalidInput("There is nothing to embed in an empty text.") for _ in texts]
        if wanted:
            vectors = await self._embedder.embed(list(wanted.values()), purpose)
            if len(vectors) != len(wanted):
                raise ContractViolation(f"{self._embedder.model} made {len(vectors)} vectors of {len(wanted)} texts.")
            for at, vector in zip(wanted, vectors, strict=True):
                results[at] = vector
        return results


async def embed_notes(
    index: VectorIndex, model: str, ask: Ask, threads: Threads, *, on_progress: Callable[[int], None] = lambda _: None
) -> int:
    """Embed all passages that have no vector yet, a batch at a time, each stored at once.

    Args:
        index: Where they wait; read and written on a thread.
        model: Whose vectors are wanted; see ``Embedder.model``.
        ask: How ``embedder`` is asked.
        threads: Where the index is used.
        on_progress: Told after each batch how many vectors have been made so far.

    Returns:
        How many vectors were made.

    Raises:
        FablewrightError: The embedder or the index failed; what was stored before stays.
    """
    made = 0
    while True:
        waiting = await threads.run(lambda: index.unembedded(model, limit=_LOOKED_UP))
        keys = [key for key, text in waiting.items() if text.strip()]
        if not keys:
            return made
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            vectors = await asyncio.gather(*(ask(EmbedPassage(waiting[key]), _PATIENCE) for key in some))
            await threads.run(index.store, model, dict(zip(some, vectors, strict=True)))
            made += len(some)
            on_progress(made)


class EmbeddingFollower(Agent):
    """``embedding_follower``: has the passages of an index embedded as they come.

    Args:
        index: The passages.
        model: Whose vectors are wanted.
        ask: How ``embedder`` is asked.
        threads: Where the index is used.
        version: Of the index; another number means that there may be new passages.
        look_every: Seconds between two looks at that number.
    """

    name = "embedding_follower"

    def __init__(
        self,
        index: VectorIndex,
        model: str,
        ask: Ask,
        threads: Threads,
        *,
        version: Callable[[], int],
        look_every: float = 0.5,
    ) -> None:
        self._index = index
        self._model = model
        self._ask = ask
        self._threads = threads
        self._version = version
        self._look_every = look_every

    async def on_start(self, spawn: Spawn) -> None:
        """Begin to follow the index."""
        spawn(self._follow())

    async def _follow(self) -> None:
        """Embed what is new, then wait for the index to change; a model that fails is asked again, ever more rarely."""
        done: int | None = None
        pause = self._look_every
        while True:
            try:
                version = await self._threads.run(self._version)
                if version != done:
                    made = await embed_notes(self._index, self._model, self._ask, self._threads)
                    # Storing has changed the version too, and so may a reader have: only a quiet look is the last.
                    done, pause = None if made else version, self._look_every
            except FablewrightError as error:
                _log.warning("Passages cannot be embedded now: %s", error)
                pause = min(60.0, pause * 2)
            await asyncio.sleep(pause)
