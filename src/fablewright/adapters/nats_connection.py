"""nats-py's client with the parts exchanged that a bus cannot have.

As it is, the client keeps what was published just before a loss of connection and sends it after the reconnect, when
nobody waits any more; it waits for a hung server to take what stands in the socket before it tries another; its pings
overtake what was published before them, so that an answered ``flush`` says nothing; and each subscription has a queue
and a task of its own, so that what comes is late before anybody has looked at it, and dropped when it is much. Here
what comes is handed over where it is read, and what goes out goes at once or not at all.

``tests/network/test_nats.py`` holds the parts of the client that are touched.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import struct
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from fablewright.adapters.nats_access import WaryClient  # isort: skip - it says so if the client is not installed

from nats.errors import Error as NatsError
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from fablewright.errors import ContractViolation, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nats.aio.subscription import Subscription

__all__ = ["Arrived", "Connection", "NatsError"]

_log = logging.getLogger(__name__)

_MOST_UNSENT = 8 * 1024 * 1024
"""Bytes that a server may be slow to take before it is given no more."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: what the system has not sent yet is dropped."""

_LINE = re.compile(rb"HMSG ([^ \r\n]+) (\d{1,10}) (?:([^ \r\n]+) )?(\d{1,10}) (\d{1,10})\r\n")
"""What stands before a message: subject, subscription, perhaps where answers go, size of its head, of it all."""

_AT_ONCE = 64
"""Parts, four to a message, that do not wait for the end of the loop's turn: who gets them can begin while we go on."""

_SUBJECTS = re.compile("[!-~]+ [!-~]*")
"""A subject and another one or none: nothing in them ends a word or a line."""

_HEAD, _NOBODY = "NATS/1.0", "503"
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_MOST_HEAD = 4096
"""Bytes of headers that are read; and kept, as most are the same few."""


class Arrived(NamedTuple):
    """A message as it came.

    Attributes:
        subject: Where it was sent.
        reply: Where its sender hears answers.
        headers: By name.
        body: Its bytes.
        is_nobody: Whether it is the server's word that nobody listens where something was sent.
    """

    subject: str
    reply: str
    headers: Mapping[str, str]
    body: bytes
    is_nobody: bool


_arrived: Callable[[tuple[object, ...]], Arrived] = partial(tuple.__new__, Arrived)


class Connection(WaryClient):
    """A connection to a NATS server that is never late."""

    def __init__(self) -> None:
        super().__init__()
        self._takers: dict[int, Callable[[Arrived], None]] = {}
        self._unsent: list[bytes] = []
        self._ps = _Reader(self)

    # -------------------------------------------------------------- out

    def put(self, subject: str, body: bytes, reply: str = "", headers: Mapping[str, str] = _NO_HEADERS) -> None:
        """Publish at once, or not at all.

        Raises:
            Unreachable: There is no connection, or the server takes no more.
            ContractViolation: It is too large for the server, or a name in it would end a line.
        """
        if not self._unsent:  # what goes in one turn of the loop meets the same server
            self._check()
        head = _head_of(tuple(headers.items()))
        size = len(head) + len(body)
        if size > self._max_payload:
            raise ContractViolation(f"It takes {size} bytes; the NATS server takes {self._max_payload} at the most.")
        where = f"{subject} {reply}"
        if not _SUBJECTS.fullmatch(where):
            raise ContractViolation(f"Nothing can be sent to {subject!r}, to be answered to {reply!r}.")
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._write)
        self._unsent += (f"HPUB {where} {len(head)} {size}\r\n".encode(), head, body, b"\r\n")
        if len(self._unsent) >= _AT_ONCE:
            self._write()

    def _check(self) -> None:
        """Look whether the server can be given more.

        Raises:
            Unreachable: There is no connection, or the server takes no more.
        """
        transport = self._stream
        if transport is None or not self.is_connected:
            raise Unreachable("there is no connection to the NATS server")
        if transport.get_write_buffer_size() > _MOST_UNSENT:
            raise Unreachable("the NATS server takes no more at present")

    def _write(self) -> None:
        """Give the transport what was put since the last time."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._stream is not None and self.is_connected:
            self._stream.write(b"".join(unsent))

    @property
    def _stream(self) -> asyncio.WriteTransport | None:
        writer = getattr(self._transport, "_io_writer", None)
        return None if writer is None else writer.transport

    # -------------------------------------------------------------- in

    async def listen(self, subject: str, taker: Callable[[Arrived], None], queue: str = "") -> Subscription:
        """Have ``taker`` called with what is sent to a subject; with a queue, one of all who listen under that gets it.

        Raises:
            NatsError: The connection is closed.
        """
        self._takers[self._sid + 1] = taker  # the first message may come before the subscription is returned
        return await self.subscribe(subject, queue)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes) -> None:
        self.take(sid, subject, reply, bytes(headers or b""), bytes(data))

    def take(self, sid: int, subject: bytes, reply: bytes, head: bytes, body: bytes) -> None:
        """Hand over one message to whoever listens."""
        taker = self._takers.get(sid)
        if taker is None:
            return
        try:
            # What has a longer head comes from nobody that we know.
            is_nobody, headers = _read_head(head) if len(head) <= _MOST_HEAD else (False, _NO_HEADERS)
            taker(_arrived((subject.decode(), reply.decode(), headers, body, is_nobody)))
        except Exception:  # noqa: BLE001 - one message must not end the reading of all others
            _log.exception("Something that came to %r could not be taken", subject)

    # -------------------------------------------------------------- losing it

    def let_go(self) -> None:
        """Drop the connection, and all that was not sent over it."""
        self._pending, self._pending_data_size, self._unsent = [], 0, []
        bare = getattr(self._transport, "_bare_io_writer", None)  # below TLS, which may have ended already
        if bare is not None:
            wire = bare.transport.get_extra_info("socket")
            if wire is not None and wire.fileno() >= 0:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            bare.transport.abort()

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        unsent, self._pending, self._pending_data_size = self._pending, [], 0
        if unsent and self._transport is not None:
            self._transport.writelines(unsent)
        self._write()
        await super()._send_ping(future)

    async def _process_err(self, err_msg: str) -> None:
        """Take a server's complaint: what is not about one subject ends the connection, and a new one is tried.

        The client would close for good, though a key that is not taken now may be taken in a minute.
        """
        if "permissions violation" in err_msg.lower():
            await super()._process_err(err_msg)
        else:
            await self._process_op_err(NatsError(f"nats: {err_msg.strip(chr(39))}"))

    async def _process_op_err(self, e: Exception) -> None:
        if self.is_connected:
            self.let_go()
        await super()._process_op_err(e)


class _Reader(Parser):
    """nats-py's parser, which looks at each message with three patterns and a coroutine; one is enough for ours."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._take = connection.take

    async def parse(self, data: bytes = b"") -> None:
        """Take in bytes, and hand over what is whole."""
        if self.buf or self.state != AWAITING_CONTROL_LINE:
            await super().parse(data)
            return
        at = 0
        while line := _LINE.match(data, at):
            subject, sid, reply, head_size, size = line.groups(b"")
            begin = line.end()
            body, end = begin + int(head_size), begin + int(size)
            if end + 2 > len(data):
                break
            self._take(int(sid), subject, reply, data[begin:body], data[body:end])
            at = end + 2
        if at < len(data):
            await super().parse(data[at:])


# Nearly all messages of a node have the same few heads: the version, and the time that is left.


@lru_cache(maxsize=1024)
def _head_of(headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return what stands between a message's line and its body.

    Raises:
        ContractViolation: A header would end its line.
    """
    lines = [f"{name}: {value}" for name, value in headers]
    if any(not line.isprintable() for line in lines):
        raise ContractViolation(f"A header cannot be sent: {headers!r}.")
    return "\r\n".join((_HEAD, *lines, "", "")).encode()


@lru_cache(maxsize=1024)
def _read_head(head: bytes) -> tuple[bool, Mapping[str, str]]:
    """Return whether the server says that nobody listens, and the headers by name."""
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    named = dict(line.split(": ", 1) for line in lines if ": " in line)
    return first.startswith(f"{_HEAD} {_NOBODY}"), MappingProxyType(named)
