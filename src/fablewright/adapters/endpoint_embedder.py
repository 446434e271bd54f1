"""Vectors from a server: any that speaks OpenAI's protocol, or Ollama's own.

What a server may do to us is bounded, see ``endpoint``. Its reply is data of a fixed shape or an error.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import msgspec

from fablewright.adapters.endpoint import Endpoint, Server
from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError
from fablewright.gm.reading.embedded_text import vector_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.ports import Purpose, Vector
    from fablewright.runtime.threads import Threads

__all__ = ["EndpointEmbedder"]

_MOST_BYTES = 32 * 1024 * 1024
"""32 texts of 4,096 dimensions, written as generously as JSON can be, are a third of this."""

_PREFIXES = {
    "nomic-embed": ("search_query: ", "search_document: "),
    "e5-": ("query: ", "passage: "),
    "bge-": ("Represent this sentence for searching relevant passages: ", ""),
    "mxbai-embed": ("Represent this sentence for searching relevant passages: ", ""),
    "arctic-embed": ("Represent this sentence for searching relevant passages: ", ""),
}
"""What models want before a question and before a passage, by a part of their names, as their makers say."""

_DEFAULTS = {"openai": "https://api.openai.com/v1", "ollama": "http://127.0.0.1:11434"}


class _OpenAiItem(msgspec.Struct):
    embedding: list[float]
    index: int


class _OpenAiReply(msgspec.Struct):
    data: list[_OpenAiItem]


class _OllamaReply(msgspec.Struct):
    embeddings: list[list[float]]


class EndpointEmbedder:
    """An :class:`~fablewright.gm.reading.ports.Embedder` over HTTP.

    Args:
        protocol: ``openai`` (``POST URL/embeddings``) or ``ollama`` (``POST URL/api/embed``).
        model: The model's name, as the server knows it.
        url: Where the server is; empty for OpenAI's own, or for Ollama on this machine.
        key: Sent as a bearer token; empty: none is sent.
        timeout: Seconds for one call, from the first byte sent to the last received.
        max_bytes: What a reply may have.
        threads: Where the client is made: that reads the certificates, and takes a while.

    Raises:
        ConfigurationError: There is no model, or the URL is none of HTTP.
    """

    def __init__(
        self,
        protocol: Literal["openai", "ollama"],
        model: str,
        *,
        url: str = "",
        key: str = "",
        timeout: float = 30.0,
        max_bytes: int = _MOST_BYTES,
        threads: Threads | None = None,
    ) -> None:
        if not model:
            raise ConfigurationError("An embedding server needs to be told a model: set embedding_model.")
        self._protocol = protocol
        self._name = model
        self._endpoint = Endpoint(
            (url or _DEFAULTS[protocol]).rstrip("/") + ("/embeddings" if protocol == "openai" else "/api/embed"),
            Server("embedding server", model, key, "FABLEWRIGHT_EMBEDDING_KEY"),
            timeout=timeout,
            max_bytes=max_bytes,
            threads=threads,
        )
        found = (prefixes for part, prefixes in _PREFIXES.items() if part in model.lower())
        self._prefixes: dict[Purpose, str] = dict(zip(("query", "passage"), next(found, ("", "")), strict=True))

    def __repr__(self) -> str:
        return f"<EndpointEmbedder {self.model}>"

    @property
    def model(self) -> str:
        """The protocol and the model. The same model behind another URL makes the same vectors."""
        return f"{self._protocol}:{self._name}"

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        """Return a vector for each text, in one call.

        Raises:
            FablewrightError: The server cannot be reached, takes too long, refuses, or says something else.
        """
        if not texts:
            return []
        content = {"model": self._name, "input": [self._prefixes[purpose] + text for text in texts]}
        rows = self._read(await self._endpoint.post(msgspec.json.encode(content)))
        if len(rows) != len(texts):
            raise FablewrightError(f"The embedding server sent {len(rows)} vectors for {len(texts)} texts.")
        try:
            return [vector_of(row) for row in rows]
        except (ContractViolation, OverflowError) as error:
            raise FablewrightError("The embedding server sent numbers that are no vector.") from error

    async def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        await self._endpoint.close()

    def _read(self, raw: bytes) -> list[list[float]]:
        try:
            if self._protocol == "ollama":
                return msgspec.json.decode(raw, type=_OllamaReply).embeddings
            items = msgspec.json.decode(raw, type=_OpenAiReply).data
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise FablewrightError("The embedding server sent something else than embeddings.") from error
        rows = {item.index: item.embedding for item in items}
        return [rows.get(at, [math.nan]) for at in range(len(items))]  # a missing index is no vector, and is said so
