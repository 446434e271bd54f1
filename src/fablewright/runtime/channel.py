"""The two ends of a reply in pieces: where a handler puts them in, and where its asker takes them out.

In one process the ends hold each other; else pieces and grants cross the network. The handler is held at its ``yield``
until there is room for one more: no more of them are made and not yet read than the asker has room for.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from fablewright.errors import ContractViolation, PeerLost
from fablewright.protocol.stream import Signal, StreamReader, StreamWriter
from fablewright.runtime.failure import AskedWrongly

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.outstanding import Waiter

__all__ = ["Channels", "Inlet", "Outlet", "Streamed"]


class Streamed(NamedTuple):
    """The reply to a request whose chunks went beside it: how many they are."""

    chunks: int


class Inlet:
    """The handler's end of one attempt's chunks.

    Args:
        limit: Chunks that may be under way.
        carry: Brings a chunk to the other end: its number, and itself.
    """

    def __init__(self, limit: int, carry: Callable[[int, object], None]) -> None:
        self._writer = StreamWriter(limit)
        self._carry = carry
        self._writing: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Inlet {self._writer!r}>"

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
        self._carry(self._writer.write(), value)

    def end(self) -> Streamed:
        """Say that this was all."""
        return Streamed(self._writer.end())

    def allow(self, granted: int) -> None:
        """Take in how many chunks are wanted in all.

        Raises:
            ContractViolation: It is more than its reader can have granted.
        """
        self._writer.allow(granted)
        _wake(self._writing)

    def close(self) -> None:
        """Take in that nobody wants any more."""
        self._writer.cancel()
        _wake(self._writing)


class Outlet:
    """The asker's end of one attempt's chunks.

    Args:
        limit: Chunks that may be under way.
        grant: Tells the other end how many chunks are wanted in all.
    """

    def __init__(self, limit: int, grant: Callable[[int], None]) -> None:
        self._reader: StreamReader[Any] = StreamReader(limit)
        self._grant = grant
        self._reading: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Outlet {self._reader!r}>"

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
            self._grant(self._reader.granted)
        return value

    def failed(self) -> bool:
        """Return whether it ended in an error before the first chunk."""
        return self._reader.error is not None and not self._reader.started

    def chunk(self, sequence: int, value: object) -> None:
        """Take in a chunk."""
        self._reader.chunk(sequence, value)
        _wake(self._reading)

    def settled(self, waiter: Waiter) -> None:
        """Take in the outcome of the request."""
        ask = waiter.envelope
        if waiter.replied:
            end = waiter.future.result()
            # Nothing that was sent comes after its end; so what is missing now is missing for ever.
            if isinstance(end, Streamed):
                self._reader.end(end.chunks)
                where = {"to": ask.to, "action": ask.action, "message_id": ask.message_id}
                self._reader.cut(PeerLost(f"Pieces of what {ask.to} said to {ask.action} were lost.", **where))
            else:
                self._reader.cut(ContractViolation(f"{ask.to} does not stream {ask.action}."))
        else:
            self._reader.cut(waiter.error())
        self.close()

    def close(self) -> None:
        """Wake who reads; what is here can still be read."""
        _wake(self._reading)


class Channels:
    """The ends of all streams that are read or written here, by the id of their request."""

    def __init__(self) -> None:
        self._outlets: dict[str, Outlet] = {}
        self._inlets: dict[str, Inlet] = {}

    def __len__(self) -> int:
        return len(self._outlets.keys() | self._inlets.keys())

    def __repr__(self) -> str:
        return f"<Channels read={len(self._outlets)} written={len(self._inlets)}>"

    def open(self, waiter: Waiter, room: int, grant: Callable[[int], None] | None) -> Outlet:
        """Return the asker's end for a request that was just sent; both are closed with its outcome.

        Args:
            waiter: The asker.
            room: Chunks that may be under way.
            grant: Tells the other end how many are wanted, if that is on another node.
        """
        message_id = waiter.envelope.message_id
        if grant is None:
            inlet = self._inlets[message_id] = Inlet(room, partial(self.chunk, message_id))
            grant = inlet.allow
        outlet = self._outlets[message_id] = Outlet(room, grant)

        def settled(_: object) -> None:
            del self._outlets[message_id]
            self.close_inlet(message_id)
            outlet.settled(waiter)

        waiter.future.add_done_callback(settled)
        return outlet

    def open_inlet(self, message_id: str, room: int, carry: Callable[[int, object], None]) -> None:
        """Have an end for the handler of another node's request; ``close_inlet`` it with its outcome."""
        self._inlets[message_id] = Inlet(room, carry)

    def close_inlet(self, message_id: str) -> None:
        """Take in that nobody wants any more of what a handler says, if it says it in pieces."""
        inlet = self._inlets.pop(message_id, None)
        if inlet is not None:
            inlet.close()

    def inlet_of(self, request: Envelope) -> Inlet:
        """Return where the handler of a request puts its pieces.

        Raises:
            AskedWrongly: It was not asked as a stream, or nobody reads it any more.
        """
        inlet = self._inlets.get(request.message_id)
        if inlet is None:
            raise AskedWrongly(f"{request.to} streams {request.action}: use `ask_stream`, and read it.")
        return inlet

    def chunk(self, message_id: str, sequence: int, value: object) -> None:
        """Take in a chunk that came over the network; of a stream that nobody reads it is nothing."""
        outlet = self._outlets.get(message_id)
        if outlet is not None:
            outlet.chunk(sequence, value)

    def allow(self, message_id: str, granted: int) -> None:
        """Take in a grant that came over the network; for a stream that nobody writes it is nothing.

        Raises:
            ContractViolation: It is more than its reader can have granted.
        """
        inlet = self._inlets.get(message_id)
        if inlet is not None:
            inlet.allow(granted)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
