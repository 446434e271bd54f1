"""A way through for TCP that goes wrong as it is told: slow, in drops, cut, or silent.

::

    async with FaultProxy("127.0.0.1", 4222) as proxy:
        network = NatsNetwork(f"nats://{proxy.address}", codec)
        proxy.become("blackhole")
        proxy.become("clear")

What it holds up is in order and complete when it goes on, as it is with TCP; what is cut is lost.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fablewright.errors import ContractViolation
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["WAYS", "FaultProxy", "Way"]

Way: TypeAlias = Literal[
    "clear",  # as if it were not there
    "latency",  # each piece waits for a while
    "trickle",  # a few bytes at a time
    "blackhole",  # connections are there, and nothing comes through
    "reset",  # connections are cut, and new ones too
]
"""What becomes of bytes."""

WAYS: tuple[Way, ...] = get_args(Way)

_PIECE = 64 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: the other end is told of a reset."""


class FaultProxy:
    """Stands on a free port of this machine before a server.

    Args:
        host: The server's.
        port: The server's; it need not be there yet.
        latency: Seconds that a piece waits where there is latency, in each direction.
        drop: Bytes that come through at a time where it trickles,
        every: and the seconds between two of them.

    Attributes:
        address: Where it is, as ``127.0.0.1:4222``, once it has started.
        way: What becomes of bytes now.
    """

    def __init__(self, host: str, port: int, *, latency: float = 0.2, drop: int = 64, every: float = 0.05) -> None:
        self.address = ""
        self.way: Way = "clear"
        self._target = host, port
        self._latency = latency
        self._drop, self._every = drop, every
        self._changed = asyncio.Event()
        self._supervisor = Supervisor()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def __repr__(self) -> str:
        return f"<FaultProxy {self.address} {self.way} connections={len(self._writers) // 2}>"

    @property
    def sockets(self) -> int:
        """How many it has open for its connections: two for each that has reached the server."""
        return len(self._writers)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._taken, "127.0.0.1", 0)
        self.address = "{}:{}".format(*self._server.sockets[0].getsockname())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self._cut()
        await self._supervisor.stop()
        await asyncio.sleep(0)  # the transports say that they are closed

    def become(self, way: Way) -> None:
        """Go on in another way; for what is under way too.

        Raises:
            ContractViolation: There is no such way.
        """
        if way not in WAYS:
            raise ContractViolation(f"A way is one of {', '.join(WAYS)}, not {way!r}.")
        self.way = way
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        if way == "reset":
            self._cut()

    # -------------------------------------------------------------- inside

    def _taken(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.way == "reset":
            _reset(writer)
            return
        self._writers.add(writer)
        self._supervisor.start(self._join(reader, writer), name="a connection through the fault proxy")

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes both ways until one end has gone."""
        beyond: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError):
                answers, beyond = await asyncio.open_connection(*self._target)
                self._writers.add(beyond)
                back = self._supervisor.start(self._carry(answers, writer), name="what the server sends")
                await self._carry(reader, beyond)
                await back
        finally:
            for each in (writer, beyond):
                if each is not None:
                    self._writers.discard(each)
                    _reset(each)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry bytes one way; whoever hears of an end tells the other side."""
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                await self._pass_on(piece, writer)
        writer.close()

    async def _pass_on(self, piece: bytes, writer: asyncio.StreamWriter) -> None:
        if self.way == "latency":
            await self._wait(self._latency)
        while piece:
            while self.way == "blackhole":
                await self._changed.wait()
            size = len(piece)
            if self.way == "trickle":
                size = self._drop
                await self._wait(self._every)
            writer.write(piece[:size])
            await writer.drain()
            piece = piece[size:]

    async def _wait(self, seconds: float) -> None:
        """Wait, or until another way is gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _cut(self) -> None:
        for writer in self._writers:
            _reset(writer)


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection at once: what was not sent is dropped."""
    wire: socket.socket | None = writer.get_extra_info("socket")
    if wire is not None and wire.fileno() >= 0:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
