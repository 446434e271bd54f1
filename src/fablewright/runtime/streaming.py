"""Replies that come in pieces: what connects an asker's ``async for`` with a handler's ``yield``.

A stream is an ordinary request, with one deadline and one outcome; its reply is the number of chunks. The chunks
go beside it. The handler is held at its ``yield`` until there is room for one more: no more of them are made and not
yet read than the asker has room for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar

from fablewright.errors import Cancelled, ContractViolation
from fablewright.protocol.stream import Signal, StreamReader, StreamWriter
from fablewright.runtime.failure import AskedWrongly

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType
    from typing import Self

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.errand import Errand
    from fablewright.runtime.outstanding import Waiter

__all__ = ["Channel", "Channels", "Stream", "Streamed", "feed"]

T_co = TypeVar("T_co", covariant=True)


class Streamed(NamedTuple):
    """The reply to a request whose chunks went beside it: how many they are."""

    chunks: int


class Channel:
    """Both sides of one attempt's chunks.

    Args:
        limit: Chunks that may be under way.
        carry: Brings something to the other side.
    """

    def __init__(self, limit: int, carry: Callable[[Callable[[], None]], None]) -> None:
        self._reader: StreamReader[Any] = StreamReader(limit)
        self._writer = StreamWriter(limit)
        self._carry = carry
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Channel {self._reader!r} {self._writer!r}>"

    # -------------------------------------------------------------- the handler's side

    async def has_room(self) -> bool:
        """Wait until there is room for a chunk; return False when the asker wants no more."""
        while not self._writer.room and not self._writer.cancelled:
            self._writing = asyncio.get_running_loop().create_future()
            await self._writing
        return not self._writer.cancelled

    def write(self, value: object) -> None:
        """Send a chunk; there must be room.

        Raises:
            Cancelled: The asker wants no more.
        """
        self._carry(partial(self._arrive, self._writer.write(), value))

    def end(self) -> Streamed:
        """Say that this was all."""
        return Streamed(self._writer.end())

    def _allow(self, granted: int) -> None:
        self._writer.allow(granted)
        _wake(self._writing)

    # -------------------------------------------------------------- the asker's side

    async def ready(self) -> None:
        """Wait until there is something to read, or to raise."""
        while not self._reader.ready:
            self._reading = asyncio.get_running_loop().create_future()
            await self._reading

    async def read(self) -> object:
        """Return the next chunk, or ``Signal.END`` or ``Signal.CANCELLED``.

        Raises:
            FablewrightError: What the stream ended with instead.
        """
        await self.ready()
        value = self._reader.take()
        if value is Signal.FAILED and self._reader.error is not None:
            error, self._reader.error = self._reader.error, None  # raised once; kept, it would keep this frame
            try:
                raise error
            finally:
                del error
        if self._reader.credit():
            self._carry(partial(self._allow, self._reader.granted))
        return value

    def failed(self) -> bool:
        """Return whether it ended in an error before the first chunk."""
        return self._reader.error is not None and not self._reader.started

    def settled(self, waiter: Waiter) -> None:
        """Take in the outcome of the request."""
        if waiter.replied:
            end = waiter.future.result()
            if isinstance(end, Streamed):
                self._reader.end(end.chunks)
            # Nothing that was sent comes after its end; so what is missing now is missing for ever.
            self._reader.cut(ContractViolation(f"{waiter.envelope.to} does not stream {waiter.envelope.action}."))
        else:
            self._reader.cut(waiter.error())
        self.close()

    def close(self) -> None:
        """Want no more; what is here can still be read."""
        self._writer.cancel()
        _wake(self._writing)
        _wake(self._reading)

    def _arrive(self, sequence: int, value: object) -> None:
        self._reader.chunk(sequence, value)
        _wake(self._reading)


class Channels:
    """The channels of all streams that are read, by the id of their request."""

    def __init__(self) -> None:
        self._open: dict[str, Channel] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __repr__(self) -> str:
        return f"<Channels {len(self._open)}>"

    def open(self, waiter: Waiter, room: int) -> Channel:
        """Return a channel for a request that was just sent; it is closed with its outcome."""
        message_id = waiter.envelope.message_id
        channel = self._open[message_id] = Channel(room, _hand_over)

        def settled(_: object) -> None:
            del self._open[message_id]
            channel.settled(waiter)

        waiter.future.add_done_callback(settled)
        return channel

    def of(self, request: Envelope) -> Channel:
        """Return the channel of a request.

        Raises:
            AskedWrongly: It was not asked as a stream, or nobody reads it any more.
        """
        channel = self._open.get(request.message_id)
        if channel is None:
            raise AskedWrongly(f"{request.to} streams {request.action}: use `ask_stream`, and read it.")
        return channel


def _hand_over(deliver: Callable[[], None]) -> None:
    """Bring something to the other side, in one process."""
    deliver()


class Opener(Protocol):
    """What a stream needs of its bus."""

    def open_channel(self, to: str, errand: Errand, attempt: int, room: int) -> tuple[Waiter, Channel]: ...
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
        self._channel: Channel | None = None
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


async def feed(channel: Channel, chunks: AsyncIterator[object]) -> Streamed:
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


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
