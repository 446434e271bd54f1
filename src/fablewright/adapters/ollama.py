"""Finds Ollama where it runs on this machine, and a model that it has; standard library only, within half a second.

Ollama speaks OpenAI's protocol under ``/v1``, so that whoever is told where it is can go on from there.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fablewright.errors import FablewrightError
from fablewright.gm.writing.ports import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Ollama", "ollama_url"]

_PATIENCE = 0.5
"""Seconds; a server on this machine that does not even list its models by then is not there."""
_MOST_BYTES = 1_000_000
_NO_WRITERS = ("embed", "bge-", "minilm", "e5-", "rerank", "guard")
"""Parts of the names of models that make vectors or marks, and no prose."""


def ollama_url(environ: Mapping[str, str] = os.environ) -> str:
    """Return where Ollama is: where ``OLLAMA_HOST`` says, as its own programs read it, or at its usual place."""
    said = environ.get("OLLAMA_HOST", "").strip() or "127.0.0.1:11434"
    parts = urlsplit(said if "://" in said else f"http://{said}")
    host = parts.hostname or "127.0.0.1"
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - that is where it listens; asked it is here
        host = "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or (443 if parts.scheme == 'https' else 11434)}"


class Ollama:
    """A :class:`~fablewright.gm.writing.ports.ModelServer`: there is one if Ollama answers and has a model.

    It is looked for with each question until it is found, since it may be started later.

    Args:
        model: Which model; empty: the one that was changed last of those that write.
        url: Where Ollama is.
    """

    def __init__(self, model: str = "", *, url: str = "") -> None:
        self._model = model
        self._url = (url or ollama_url()).rstrip("/")

    async def model(self) -> str:
        """Return the model's name; empty when nobody answers, or has none that writes."""
        if not self._model:
            self._model = _writer_of(await self._models())
        return self._model

    async def endpoint(self) -> Endpoint:
        """Return where to ask.

        Raises:
            FablewrightError: Ollama does not run, or has no model.
        """
        name = await self.model()
        if not name:
            raise FablewrightError(f"Ollama does not answer at {self._url}, or has no model that writes.")
        return Endpoint(f"{self._url}/v1", name)

    async def was_silent(self) -> None:
        """Do nothing: Ollama is not ours."""

    async def close(self) -> None:
        """Do nothing, as above."""

    async def _models(self) -> bytes:
        """Return what Ollama says of its models, or as much of it as came in time; nothing if it does not run."""
        parts = urlsplit(self._url)
        writer: asyncio.StreamWriter | None = None
        received = bytearray()
        try:
            async with asyncio.timeout(_PATIENCE):
                secure = parts.scheme == "https" or None
                reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=secure)
                # 1.0: the reply then comes in one stretch, and ends with the connection.
                writer.write(f"GET /api/tags HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n".encode())
                while len(received) < _MOST_BYTES and (part := await reader.read(65_536)):
                    received += part
        except (OSError, ValueError):  # a time-out is an OSError
            return b""
        finally:
            if writer is not None:
                writer.close()
        return bytes(received)


def _writer_of(reply: bytes) -> str:
    """Return the first model that writes, out of a reply of HTTP; empty where there is none or it is something else."""
    try:
        names = [str(model["name"]) for model in json.loads(reply.partition(b"\r\n\r\n")[2])["models"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return next((name for name in names if not any(part in name.lower() for part in _NO_WRITERS)), "")
