"""Which embedder the settings mean, and the index embedded with it in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.entry.interrupt import unless_interrupted
from fablewright.gm.embedding import Embedding, EmbedPassage, embed_notes, embedding_policies
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.config import Settings
    from fablewright.gm.embedding import Ask
    from fablewright.gm.reading.ports import Embedder, Vector, VectorIndex

__all__ = ["asking", "embed_now", "open_embedder"]


def open_embedder(settings: Settings, threads: Threads) -> Embedder | None:
    """Return the embedder of the settings; None without one. Nothing is loaded or connected yet.

    Raises:
        ConfigurationError: It needs a model, or its URL is none.
    """
    match settings.embedder:
        case "minilm":
            from fablewright.adapters.minilm_embedder import MiniLmEmbedder  # noqa: PLC0415 - only where it is wanted

            return MiniLmEmbedder(threads=threads)
        case "sentence-transformers":
            from fablewright.adapters.sentence_transformers_embedder import (  # noqa: PLC0415 - as above
                SentenceTransformersEmbedder,
            )

            return SentenceTransformersEmbedder(settings.embedding_model)
        case "openai" | "ollama":
            from fablewright.adapters.endpoint_embedder import EndpointEmbedder  # noqa: PLC0415 - as above

            return EndpointEmbedder(
                settings.embedder,
                settings.embedding_model,
                url=settings.embedding_url,
                key=settings.embedding_key.reveal(),
                threads=threads,
            )
        case "none":
            return None


def asking(bus: Bus) -> Ask:
    """Return how passages are embedded by way of a bus."""

    async def ask(request: EmbedPassage, timeout: float) -> Vector:
        return await bus.ask(Embedding.name, request, timeout=timeout)

    return ask


async def embed_now(settings: Settings, index: VectorIndex, on_progress: Callable[[int], None]) -> int:
    """Embed all passages that have no vector yet; return how many were made, 0 without an embedder.

    Raises:
        Interrupted: Ctrl-C; what was made so far is in the index.
        FablewrightError: The embedder or the index failed.
    """
    threads = Threads(name="embedding")
    embedder = open_embedder(settings, threads)
    if embedder is None:
        return 0
    bus = Bus(BusOptions(policies=embedding_policies(), watchdog=None))
    bus.register(Embedding(embedder))
    try:
        async with bus:
            work = embed_notes(index, embedder.model, asking(bus), threads, on_progress=on_progress)
            return await unless_interrupted(work)
    finally:
        threads.close()
