"""Replies that come in pieces: what connects an asker's ``async for`` with a handler's ``yield``.

A stream is an ordinary request, with one deadline and one outcome; its reply is the number of chunks. The chunks
go beside it, through a ``channel``.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from fablewright.errors import Cancelled, ContractViolation
from fablewright.protocol.stream import Signal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType
    from typing import Self

    from fablewright.runtime.channel import Inlet, Outlet, Streamed
    from fablewright.runtime.errand import Errand
    from fablewright.runtime.outstanding import Waiter

__all__ = ["Stream", "feed"]

T_co = TypeVar("T_co", covariant=True)


class Opener(Protocol):
    """What a stream needs of its bus."""

    def open_channel(self, to: str, errand: Errand, attempt: int, room: int) -> tuple[Waiter, Outlet]: ...
    async def try_to_stream(self, to: str, errand: Errand, once: Callable[[Errand, int], Any]) -> None: ...


class Stream(Generic[T_co]):
    """The chunks of one reply, as they come; leave it early, and the handler is stopped.

    ::

        async with bus.ask_stream("teller", Tell("a tale"), timeout=30) as words:
            async for word in words:
                ...

    The request goes out with the first ``anext``. There is one reader: a second one beside it would get the half.
    """

    def __init__(self, bus: Opener, to: str, errand: Errand, room: int) -> None:
        self._bus = bus
        self._to = to
        self._errand = errand
        self._room = room
        self._waiter: Waiter | None = None
        self._channel: Outlet | None = None
        self._is_read = False
        self._closed = False
        if room < 1:
            raise ContractViolation(f"A stream has room for at least 1 piece, not {room}.")

    def __repr__(self) -> str:
        return f"<Stream {self._errand.request.action} {self._channel!r}>"

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T_co:
        if self._is_read:
            raise ContractViolation("Somebody is reading this stream already; each reader needs a stream of its own.")
        if self._closed:
            raise StopAsyncIteration
        self._is_read = True
        try:
            if self._channel is None:
                await self._bus.try_to_stream(self._to, self._errand, self._once)
            value: Any = Signal.END if self._channel is None else await self._channel.read()
        except BaseException:
            self._close()
            raise
        finally:
            self._is_read = False
        if isinstance(value, Signal):
            self._close()
            raise StopAsyncIteration
        return value  # type: ignore[no-any-return]  # what the handler yields is T by its declaration

    async def aclose(self) -> None:
        """Want no more; the handler is stopped. Twice is harmless."""
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __del__(self) -> None:
        if self._waiter is not None and not self._closed:
            self._waiter.leave()

    async def _once(self, errand: Errand, attempt: int) -> None:
        """Make one attempt, up to the first chunk; later nothing is tried again."""
        if self._closed:  # while its reader waited for another try
            raise Cancelled(f"{errand.request.action} was withdrawn before {self._to} answered.")
        self._waiter, self._channel = self._bus.open_channel(self._to, errand, attempt, self._room)
        await self._channel.ready()
        if self._channel.failed():
            channel, self._channel = self._channel, None
            await channel.read()

    def _close(self) -> None:
        self._closed = True
        if self._waiter is not None:
            self._waiter.give_up()
        if self._channel is not None:
            self._channel.close()


async def feed(channel: Inlet, chunks: AsyncIterator[object]) -> Streamed:
    """Send all that a handler yields; return how many chunks that was. The generator is closed in any case."""
    try:
        while await channel.has_room():
            try:
                chunk = await anext(chunks)
            except StopAsyncIteration:
                break
            channel.write(chunk)
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
    return channel.end()
