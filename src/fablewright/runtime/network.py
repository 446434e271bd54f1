"""The port to other nodes: what crosses a network, and what it looks like on the way.

A node is one process with one bus. Nobody compares clocks: a deadline travels as the time that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from fablewright.errors import FablewrightError
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Ended, Withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Chunk", "Codec", "Grant", "Parcel", "RequestOf", "Unreadable"]


class Chunk(NamedTuple):
    """A piece of a streamed reply; see ``protocol.stream`` for its number."""

    message_id: str
    sequence: int
    value: object


class Grant(NamedTuple):
    """How many pieces the reader of a stream allows in all."""

    message_id: str
    granted: int


Parcel: TypeAlias = Envelope | Ended | Withdraw | Chunk | Grant
"""What crosses."""

RequestOf: TypeAlias = "Callable[[str], object]"
"""Returns the request of that id, which this node waits for or answers; None: there is none (any more)."""


class Unreadable(FablewrightError):
    """What came over the network is no parcel: forged, too large, too deep, or of a version that is not known.

    Attributes:
        message_id: Which message or request it is about; empty where not even that can be read.
        reply_to: Where whoever asked waits; empty when nobody does, or where it cannot be read.
    """

    def __init__(self, reason: str, *, message_id: str = "", reply_to: str = "") -> None:
        super().__init__(reason)
        self.message_id = message_id
        self.reply_to = reply_to


class Codec(Protocol):
    """Makes bytes of parcels, and parcels of bytes."""

    def encode(self, parcel: Parcel, now: float, request_of: RequestOf) -> tuple[dict[str, str], bytes]:
        """Return headers and body.

        Args:
            parcel: What is to travel.
            now: The local clock, in seconds: a deadline travels as what is left of it.
            request_of: Knows the requests that are answered here: a reply is written as its request declares it.

        Raises:
            ContractViolation: It holds something that cannot travel, or is too large.
        """
        ...

    def decode(self, headers: Mapping[str, str], body: bytes, now: float, request_of: RequestOf) -> Parcel:
        """Return the parcel.

        Args:
            headers: What came beside the body.
            body: What came.
            now: When it came, on the local clock: deadlines count from here.
            request_of: Knows the requests that were asked here: a reply to another one is none.

        Raises:
            Unreadable: It is none.
        """
        ...
