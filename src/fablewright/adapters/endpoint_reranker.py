"""Scores from a server that reads question and passages together: a cross-encoder, behind ``/rerank``.

Jina's protocol is what most servers speak: Jina's and Cohere's own, and of those that run on a machine of one's own
vLLM, llama.cpp's server (``--rerank``), Infinity and LocalAI. Text Embeddings Inference has one that is a little
different. What a server may do to us is bounded, see ``endpoint``; its reply is data of a fixed shape or an error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from fablewright.adapters.endpoint import Endpoint, Server
from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.runtime.threads import Threads

__all__ = ["EndpointReranker"]

_MOST_BYTES = 4 * 1024 * 1024
"""Some servers send all the texts back with their scores: thirty of two thousand characters are far below this."""


class _JinaItem(msgspec.Struct):
    index: int
    relevance_score: float


class _JinaReply(msgspec.Struct):
    results: list[_JinaItem]


class _TeiItem(msgspec.Struct):
    index: int
    score: float


class EndpointReranker:
    """A :class:`~fablewright.gm.finding.reranker.Reranker` over HTTP.

    Args:
        protocol: ``jina`` or ``tei``; both are ``POST URL/rerank``.
        model: The model's name, as the server knows it; ``tei`` serves one only and needs none.
        url: Where the server is, with ``/v1`` or the like where it wants that.
        key: Sent as a bearer token; empty: none is sent.
        timeout: Seconds for one call, from the first byte sent to the last received.
        max_bytes: What a reply may have.
        threads: See ``Endpoint``.

    Raises:
        ConfigurationError: There is no URL, or none of HTTP; or no model where one is needed.
    """

    def __init__(
        self,
        protocol: Literal["jina", "tei"],
        model: str,
        *,
        url: str,
        key: str = "",
        timeout: float = 1.5,
        max_bytes: int = _MOST_BYTES,
        threads: Threads | None = None,
    ) -> None:
        if not url:
            raise ConfigurationError("A reranking server needs an address: set reranking_url.")
        if protocol == "jina" and not model:
            raise ConfigurationError("A reranking server needs to be told a model: set reranking_model.")
        self._protocol = protocol
        self._model = model
        self._endpoint = Endpoint(
            url.rstrip("/") + "/rerank",
            Server("reranking server", model, key, "FABLEWRIGHT_RERANKING_KEY"),
            timeout=timeout,
            max_bytes=max_bytes,
            threads=threads,
        )

    def __repr__(self) -> str:
        return f"<EndpointReranker {self._protocol}:{self._model}>"

    async def warm_up(self) -> None:
        """Load the client; nothing is sent."""
        await self._endpoint.warm_up()

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """Return a score for each text, in one call.

        Raises:
            FablewrightError: The server cannot be reached, takes too long, refuses, or says something else.
        """
        if not texts:
            return []
        content: dict[str, Any] = {"query": question}
        if self._protocol == "tei":
            content |= {"texts": list(texts), "truncate": True}
        else:
            content |= {"model": self._model, "documents": list(texts)}
        scores = self._read(await self._endpoint.post(msgspec.json.encode(content)))
        if len(scores) != len(texts) or scores.keys() != set(range(len(texts))):
            raise FablewrightError(f"The reranking server sent {len(scores)} scores for {len(texts)} texts.")
        if not all(map(math.isfinite, scores.values())):
            raise FablewrightError("The reranking server sent numbers that are no scores.")
        return [scores[at] for at in range(len(texts))]

    async def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        await self._endpoint.close()

    def _read(self, raw: bytes) -> dict[int, float]:
        try:
            if self._protocol == "tei":
                return {item.index: item.score for item in msgspec.json.decode(raw, type=list[_TeiItem])}
            return {item.index: item.relevance_score for item in msgspec.json.decode(raw, type=_JinaReply).results}
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise FablewrightError("The reranking server sent something else than scores.") from error
