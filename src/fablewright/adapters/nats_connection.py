"""nats-py's client, but a lost connection is let go of at once, with all that had not been sent over it.

As it is, the client keeps what was published just before the loss and sends it after the reconnect, when nobody waits
any more; it waits for a hung server to take what stands in the socket, before it tries another; and its pings overtake
what was published before them, so that an answered ``flush`` says nothing. ``tests/network/test_nats.py`` holds the
parts of it that are touched here.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.errors import MissingExtra, Unreachable

try:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.errors import Error as NatsError
except ImportError as error:
    raise MissingExtra("nats-py is not installed; run: pip install 'fablewright[nats]'") from error

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Arrived", "Connection", "NatsError"]

_MOST_UNSENT = 8 * 1024 * 1024
"""Bytes that a server may be slow to take before it is given no more."""

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""Of SO_LINGER: what the system has not sent yet is dropped."""


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Arrived(Msg):
    """A message, and when it came, in seconds of the loop's clock: it may stand in a queue before it is looked at."""

    at: float = field(default_factory=_now)


class Connection(Client):
    """A connection to a NATS server that never sends anything late."""

    msg_class = Arrived

    def put(self, subject: str, body: bytes, reply: str, headers: Mapping[str, str] | None) -> None:
        """Publish at once, or not at all.

        Raises:
            Unreachable: There is no connection, or the server takes no more.
        """
        if not self.is_connected:
            raise Unreachable("there is no connection to the NATS server")
        if self.pending_data_size > _MOST_UNSENT:
            raise Unreachable("the NATS server takes no more at present")
        # Without a buffer of its own the client's coroutine has nothing to wait for: one step is all of it.
        publishing = self.publish(subject, body, reply, None if headers is None else dict(headers))
        try:
            publishing.send(None)
        except StopIteration:
            return
        except NatsError as error:
            raise Unreachable(f"the NATS client says {error}") from error
        finally:
            publishing.close()
        raise Unreachable("the NATS client does not take it at once")

    def let_go(self) -> None:
        """Drop the connection, and all that was not sent over it."""
        self._pending, self._pending_data_size = [], 0
        writer = getattr(self._transport, "_io_writer", None)
        if writer is not None:
            wire = writer.get_extra_info("socket")
            if wire is not None and wire.fileno() >= 0:
                wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()

    async def _send_ping(self, future: asyncio.Future[bool] | None = None) -> None:
        if self._pending and self._transport is not None:
            unsent, self._pending, self._pending_data_size = self._pending, [], 0
            self._transport.writelines(unsent)
        await super()._send_ping(future)

    async def _process_op_err(self, e: Exception) -> None:
        if self.is_connected:
            self.let_go()
        await super()._process_op_err(e)
