"""Vectors from a server: any that speaks OpenAI's protocol, or Ollama's own.

What a server may do to us is bounded: one deadline for the whole call, whatever the pace of its bytes, and a cap on
those bytes. Its reply is data of a fixed shape or an error. The key is sent and never shown.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Literal

import msgspec

from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError
from fablewright.gm.reading.embedded_text import vector_of
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

    from fablewright.gm.reading.ports import Purpose, Vector

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
        base = (url or _DEFAULTS[protocol]).rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise ConfigurationError("The URL of an embedding server begins with http:// or https://.")
        self._protocol = protocol
        self._name = model
        self._address = base + ("/embeddings" if protocol == "openai" else "/api/embed")
        self._key = key
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._threads = threads or Threads(1, name="embedding")
        self._own_threads = threads is None
        self._client: httpx.AsyncClient | None = None
        self._loading = asyncio.Lock()
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
        try:
            async with asyncio.timeout(self._timeout):
                raw = await self._post(msgspec.json.encode(content))
        except TimeoutError as error:
            raise FablewrightError(f"The embedding server did not answer in {self._timeout:g} s.") from error
        rows = self._read(raw)
        if len(rows) != len(texts):
            raise FablewrightError(f"The embedding server sent {len(rows)} vectors for {len(texts)} texts.")
        try:
            return [vector_of(row) for row in rows]
        except (ContractViolation, OverflowError) as error:
            raise FablewrightError("The embedding server sent numbers that are no vector.") from error

    async def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        if self._own_threads:
            self._threads.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, body: bytes) -> bytes:
        async with self._loading:
            if self._client is None:
                self._client = await self._threads.run(_client)
        import httpx  # noqa: PLC0415 - loaded above, on a thread

        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self._key}"} if self._key else {})
        received = bytearray()
        try:
            async with self._client.stream("POST", self._address, content=body, headers=headers) as response:
                async for part in response.aiter_bytes():
                    received += part
                    if len(received) > self._max_bytes:
                        raise FablewrightError(f"The embedding server sent more than {self._max_bytes:,} bytes.")
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reason = type(error).__name__
            raise FablewrightError(f"The embedding server cannot be reached ({reason}); is it running?") from error
        if status != 200:
            raise self._refused(status)
        return bytes(received)

    def _refused(self, status: int) -> FablewrightError:
        if status in {401, 403}:
            return ConfigurationError("The embedding server refused the key; set FABLEWRIGHT_EMBEDDING_KEY.")
        if status == 404:
            return ConfigurationError(
                f"The embedding server does not know the model {self._name}, or the URL is wrong."
            )
        return FablewrightError(f"The embedding server answered with status {status}.")

    def _read(self, raw: bytes) -> list[list[float]]:
        try:
            if self._protocol == "ollama":
                return msgspec.json.decode(raw, type=_OllamaReply).embeddings
            items = msgspec.json.decode(raw, type=_OpenAiReply).data
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise FablewrightError("The embedding server sent something else than embeddings.") from error
        rows = {item.index: item.embedding for item in items}
        return [rows.get(at, [math.nan]) for at in range(len(items))]  # a missing index is no vector, and is said so


def _client() -> httpx.AsyncClient:
    import httpx  # noqa: PLC0415 - a tenth of a second that a run without a server need not pay

    # Redirects are not followed: the key is for the server that was named. One deadline stands around each call.
    return httpx.AsyncClient(timeout=None, follow_redirects=False)  # noqa: S113 - as said
