"""The way to a NATS server with JetStream: connected at the first call, and again at the first after a loss."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Generic, TypeVar

from fablewright.adapters.nats_access import WaryClient, refusal_in  # isort: skip - as in nats_connection

import nats.errors
from nats.js.errors import APIError, ServiceUnavailableError
from nats.js.errors import Error as JetStreamError

from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from fablewright.adapters.nats_access import Access

__all__ = ["JetStreamLink"]

_log = logging.getLogger(__name__)

T = TypeVar("T")

_CONNECT = 5.0
_COPIES = 3


class JetStreamLink(Generic[T]):
    """See the top of the file.

    Args:
        servers: Where they are: ``nats://host:4222``.
        access: With which key they are entered, and how they are known.
        prepare: Makes what is missing on the server, and returns what the calls need.
        what: What to call what is kept there, for people: "The work queue".
        on_close: Called when the connection is over.

    Attributes:
        copies: How many servers are to keep what is made there: three where so many are named, else one.

    Raises:
        ConfigurationError: The key or the certificates cannot be used.
    """

    def __init__(
        self,
        servers: str | Sequence[str],
        access: Access,
        prepare: Callable[[JetStreamContext], Awaitable[T]],
        what: str,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._servers = [servers] if isinstance(servers, str) else list(servers)
        self.copies = _COPIES if len(self._servers) >= _COPIES else 1
        self._access = access.options()
        self._prepare = prepare
        self._what = what
        self._on_close = on_close
        self._connecting = asyncio.Lock()
        self._client: Client | None = None
        self._open: T | None = None

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[T]:
        """Yield what ``prepare`` has returned, connected.

        Raises:
            FablewrightError: The server cannot be reached, or does not answer.
        """
        used: T | None = None
        before = _cancellations()
        try:
            async with self._connecting:
                if self._open is None:
                    self._open = await self._connect()
            used = self._open
            yield used
            if _cancellations() > before:  # nats-py swallows what comes while it writes
                raise asyncio.CancelledError
        except (nats.errors.Error, JetStreamError, OSError, TimeoutError) as error:
            if used is not None and used is self._open:  # else somebody has connected again in the meantime
                await self.close()
            raise FablewrightError(f"{self._what} on NATS cannot be used: {_why(error)}.") from error

    def want_copies(self, name: str, found: int) -> None:
        """Say it if a stream is kept by fewer servers than it would be if it were made now."""
        if found < self.copies:
            said = "%s is on one server, though %d are named: `nats stream edit %s --replicas %d` changes that."
            _log.warning(said, self._what, len(self._servers), name, self.copies)

    async def close(self) -> None:
        """Close the connection; a later call opens it again. Closing twice is harmless."""
        client, self._client, self._open = self._client, None, None
        self._on_close()
        if client is not None:
            await client.close()

    async def _connect(self) -> T:
        async def ignore(_error: Exception) -> None:
            """What matters is raised by the call that it concerns."""

        client = WaryClient()
        try:
            await client.connect(
                self._servers,
                connect_timeout=_CONNECT,  # type: ignore[arg-type]  # it is waited for, whatever the annotation says
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0.2,  # type: ignore[arg-type]  # as above
                error_cb=ignore,
                name="fablewright work",
                **self._access,
            )
            prepared = await self._prepare(client.jetstream(timeout=_CONNECT))
        except BaseException:
            await client.close()
            raise
        self._client = client
        return prepared


def _cancellations() -> int:
    """Return how many cancellations of this task are under way."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _why(error: Exception) -> str:
    """Return what is wrong, and what to do about it."""
    refusal = refusal_in(error, key="work_key")
    match error:
        case _ if refusal:
            return f"the server {refusal}"
        case ServiceUnavailableError() | nats.errors.NoRespondersError():
            return "the server has no JetStream, or none for this key (the setting work_key); start it with -js"
        case TimeoutError() | nats.errors.TimeoutError():
            return (
                "the server does not answer, its disk is full, or this key (the setting work_key) may not use JetStream"
            )
        case nats.errors.NoServersError() | OSError():
            return "there is no server where the setting `work` says; start one there, with -js"
        case APIError():
            return f"the server says: {error.description}"
    return str(error) or type(error).__name__
