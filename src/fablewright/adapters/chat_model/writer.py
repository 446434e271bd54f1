"""Prose from any server with OpenAI's protocol, through Haystack's ``OpenAIChatGenerator``.

What a server may do to us is bounded: one deadline for the whole call, whatever the pace of its bytes, a cap on those
bytes, no other host than the one that was named. The key is sent there and never shown. Haystack and its client are
imported late and on a thread: that takes seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fablewright.adapters.chat_model.client import generator_for, raise_ours
from fablewright.errors import ConfigurationError, FablewrightError
from fablewright.runtime.supervisor import Supervisor
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from haystack.components.generators.chat import OpenAIChatGenerator
    from haystack.dataclasses import StreamingChunk

    from fablewright.gm.writing.ports import Endpoint, ModelServer, Prompt

__all__ = ["ChatWriter", "KnownServer"]

_MOST_BYTES = 4 * 1024 * 1024
"""Of one reply: 500 tokens, each with half a kilobyte of its server's words around it, are a tenth."""
_TEMPERATURE = 0.4  # low: to hold to the notes is worth more here than to surprise
_GRACE = 1.0  # seconds that a call has to close its connection
_NOT_UNDERSTOOD = (400, 422)


class KnownServer:
    """A :class:`~fablewright.gm.writing.ports.ModelServer` of which all is known.

    Args:
        endpoint: Where it is.

    Raises:
        ConfigurationError: The URL is none of HTTP.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        if not endpoint.url.startswith(("http://", "https://")):
            raise ConfigurationError("The URL of a model's server begins with http:// or https://; see model_url.")
        self._endpoint = endpoint

    async def model(self) -> str:
        """Return the model's name."""
        return self._endpoint.model

    async def endpoint(self) -> Endpoint:
        """Return where it is."""
        return self._endpoint

    async def was_silent(self) -> None:
        """Do nothing: the server is not ours."""

    async def close(self) -> None:
        """Do nothing, as above."""


class ChatWriter:
    """A :class:`~fablewright.gm.writing.ports.Writer` over HTTP.

    Args:
        server: Serves the model; closed with this object.
        timeout: Seconds for one call, from the first byte sent to the last received.
        most_bytes: What a reply may have.
        threads: Where Haystack is imported.
    """

    def __init__(
        self,
        server: ModelServer,
        *,
        timeout: float = 30.0,
        most_bytes: int = _MOST_BYTES,
        threads: Threads | None = None,
    ) -> None:
        self._server = server
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._threads = threads or Threads(1, name="model")
        self._own_threads = threads is None
        self._calls = Supervisor()
        self._loading = asyncio.Lock()
        self._generator: OpenAIChatGenerator | None = None
        self._endpoint: Endpoint | None = None
        self._takes_schema = True

    async def name(self) -> str:
        """Return what to call the model; empty when there is none."""
        return await self._server.model()

    async def write(
        self, prompt: Prompt, *, schema: Mapping[str, object], most_tokens: int
    ) -> AsyncGenerator[str, None]:
        """Yield what the model writes; see the port.

        Raises:
            FablewrightError: The server cannot be reached, takes too long, refuses, or says something else.
        """
        pieces: asyncio.Queue[str | FablewrightError | None] = asyncio.Queue()  # what is in it is bounded in bytes

        async def call() -> None:
            try:
                async with asyncio.timeout(self._timeout):
                    await self._call(prompt, schema, most_tokens, pieces)
            except TimeoutError:
                pieces.put_nowait(FablewrightError(f"The model did not finish within {self._timeout:.3g} s."))
            except FablewrightError as error:
                pieces.put_nowait(error)
            finally:
                pieces.put_nowait(None)

        came = False
        task = self._calls.start(call(), name="call of a model")
        try:
            while (piece := await pieces.get()) is not None:
                if isinstance(piece, FablewrightError):
                    raise piece
                came = True
                yield piece
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE)
            if not came:
                await self._server.was_silent()

    async def close(self) -> None:
        """Close connections, and end the server if it is ours; closing twice is harmless."""
        await self._calls.stop()
        await self._forget()
        await self._server.close()
        if self._own_threads:
            self._threads.close()

    # -------------------------------------------------------------- one call

    async def _call(
        self,
        prompt: Prompt,
        schema: Mapping[str, object],
        most_tokens: int,
        pieces: asyncio.Queue[str | FablewrightError | None],
    ) -> None:
        try:
            generator, endpoint = await self._ready()
        except OSError as error:
            raise FablewrightError("The model's server cannot be found; is model_url right?") from error
        from haystack.dataclasses import ChatMessage  # noqa: PLC0415 - loaded by now, on a thread

        async def take(chunk: StreamingChunk) -> None:
            if chunk.content:
                pieces.put_nowait(chunk.content)

        messages = [ChatMessage.from_system(prompt.system), ChatMessage.from_user(prompt.user)]
        try:
            try:
                options = self._options(endpoint, schema, most_tokens)
                await generator.run_async(messages, streaming_callback=take, generation_kwargs=options)
            except Exception as error:
                if not self._takes_schema or getattr(error, "status_code", 0) not in _NOT_UNDERSTOOD:
                    raise
                self._takes_schema = False  # an older server: it is told the shape in words, too
                options = self._options(endpoint, schema, most_tokens)
                await generator.run_async(messages, streaming_callback=take, generation_kwargs=options)
        except FablewrightError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a server sends may break anywhere in its client
            raise_ours(error, endpoint)

    def _options(self, endpoint: Endpoint, schema: Mapping[str, object], most_tokens: int) -> dict[str, Any]:
        """Return the options of a call; OpenAI's own take no temperature, no bound of that name and no lengths."""
        form = {"name": "scene", "strict": True, "schema": schema}
        if (urlsplit(endpoint.url).hostname or "").endswith("openai.com"):
            options: dict[str, Any] = {"max_completion_tokens": most_tokens}
            form["schema"] = _without_lengths(schema)
        else:
            options = {"max_tokens": most_tokens, "temperature": _TEMPERATURE}
        if self._takes_schema:
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        return options

    async def _ready(self) -> tuple[OpenAIChatGenerator, Endpoint]:
        """Return the generator for where the server is now: one of ours that was started again is elsewhere."""
        endpoint = await self._server.endpoint()
        # Here first, because the loop would look it up on a thread that is waited for at exit, however long it hangs.
        parts = urlsplit(endpoint.url)
        await self._threads.run(socket.getaddrinfo, parts.hostname, parts.port or parts.scheme)
        async with self._loading:
            if self._generator is None or endpoint != self._endpoint:
                await self._forget()
                self._generator = await self._threads.run(generator_for, endpoint, self._most_bytes, self._threads)
                self._endpoint = endpoint
                await self._generator.warm_up_async()
                # Its client would find out about our system for a header, on a thread that is waited for at exit.
                self._generator.async_client._platform = "Unknown"  # type: ignore[union-attr] # noqa: SLF001 - as said
            return self._generator, endpoint

    async def _forget(self) -> None:
        generator, self._generator = self._generator, None
        if generator is not None:
            with contextlib.suppress(Exception):  # connections to a server that is gone may not close cleanly
                await generator.close_async()


def _without_lengths(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a schema without bounds on texts, which OpenAI's strict mode refuses."""
    if isinstance(schema, Mapping):
        return {name: _without_lengths(value) for name, value in schema.items() if name != "maxLength"}
    return schema
