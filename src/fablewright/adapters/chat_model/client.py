"""Haystack's generator, with a client that goes nowhere else and takes no more than it may; and what its errors mean.

Haystack and OpenAI's client are imported late, by whoever calls ``generator_for`` on a thread: that takes seconds.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx
    from haystack.components.generators.chat import OpenAIChatGenerator

    from fablewright.gm.writing.ports import Endpoint
    from fablewright.runtime.threads import Threads

__all__ = ["generator_for", "raise_ours"]

_LATE = (
    "anyio._backends._asyncio",
    "anyio.streams.tls",
    "h11",
    "haystack.dataclasses.chat_message",
    "httpcore",
    "jiter",
    "openai.resources.chat.chat",
    "openai.resources.chat.completions.completions",
)
"""What the client would import with its first call, on the event loop."""


def generator_for(endpoint: Endpoint, most_bytes: int, threads: Threads) -> OpenAIChatGenerator:
    """Import Haystack's generator and make one; blocks."""
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")  # it is read while Haystack is imported
    import httpx  # noqa: PLC0415 - see the head of this file
    from haystack.components.generators.chat import OpenAIChatGenerator  # noqa: PLC0415 - as above
    from haystack.utils import Secret  # noqa: PLC0415 - as above

    from fablewright.adapters.guarded_http import GuardedTransport  # noqa: PLC0415 - it imports httpx

    for name in _LATE:
        with contextlib.suppress(ImportError):  # another version may have it elsewhere, and import it when it wants
            importlib.import_module(name)
    host = urlsplit(endpoint.url).hostname or ""
    return OpenAIChatGenerator(
        api_key=Secret.from_token(endpoint.key or "none"),  # its client insists on one
        model=endpoint.model,
        api_base_url=endpoint.url,
        timeout=86_400.0,  # the deadline of the call stands around it
        max_retries=0,
        http_client_kwargs={
            "follow_redirects": False,  # the key and the notes are for the server that was named
            "timeout": None,
            "headers": {"accept-encoding": "identity"},  # see below
            "trust_env": host not in {"127.0.0.1", "localhost", "::1"},  # no proxy is to be asked for this machine
            "transport": GuardedTransport(
                verify=httpx.create_ssl_context() if endpoint.url.startswith("https") else False, threads=threads
            ),
            "event_hooks": {"response": [_bounded(most_bytes)]},
        },
    )


def _bounded(most_bytes: int) -> Any:  # noqa: ANN401 - the shape of a hook is httpx's own affair
    """Return a hook that lets a reply end in an error once it is too large, or packed so that it might be."""
    import httpx  # noqa: PLC0415 - loaded by now

    class Bounded(httpx.AsyncByteStream):
        def __init__(self, stream: httpx.AsyncByteStream) -> None:
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            received = 0
            async for part in self._stream:
                received += len(part)
                if received > most_bytes:
                    raise FablewrightError(f"The model's server sent more than {most_bytes:,} bytes.")
                yield part

        async def aclose(self) -> None:
            await self._stream.aclose()

    async def bound(response: httpx.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise FablewrightError("The model's server sent a packed reply, which was not asked for.")
        response.stream = Bounded(response.stream)  # type: ignore[arg-type] # an asynchronous client's is one

    return bound


def raise_ours(error: Exception, endpoint: Endpoint) -> NoReturn:
    """Raise what a client's error means to a person. What the server says is not repeated: it may say anything."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, FablewrightError):
        cause = cause.__cause__ or cause.__context__
    if cause is not None:
        raise cause
    import openai  # noqa: PLC0415 - loaded by now

    status = error.status_code if isinstance(error, openai.APIStatusError) else 0
    if status in {401, 403}:
        raise ConfigurationError("The model's server refused the key; set FABLEWRIGHT_MODEL_KEY.") from error
    if status == 404:
        raise ConfigurationError(
            f"The server does not know the model {endpoint.model}, or model_url is wrong."
        ) from error
    if status == 429:
        raise FablewrightError("The model's server has too much to do, or your quota is used up.") from error
    if 300 <= status < 400:
        raise ConfigurationError("The model's server sends us elsewhere; set model_url to where it is.") from error
    if status:
        raise FablewrightError(f"The model's server answered with status {status}.") from error
    if isinstance(error, openai.APIConnectionError):
        raise FablewrightError("The model's server cannot be reached, or broke off; is it running?") from error
    raise FablewrightError("The model's server sent something else than OpenAI's protocol.") from error
