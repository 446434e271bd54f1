"""The port to other nodes: what crosses a network, who carries it, and what it looks like on the way.

A node is one process with one bus. A message whose agent is on its own bus never comes here. What does come may be
carried to a replica of the agent that the network chooses; it arrives once, late, or not at all, and from one node to
another in the order in which it was sent. Nobody compares clocks: a deadline travels as the time that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from fablewright.errors import FablewrightError
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Ended, Withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Chunk", "Codec", "Far", "Grant", "Network", "Parcel", "RequestOf", "Unreadable"]


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
"""What crosses. An envelope to nobody (``to`` is empty) is an event, for every node."""

RequestOf: TypeAlias = "Callable[[str], object]"
"""Returns the request of that id, which this node waits for, or which it answers; None: there is none (any more)."""


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

    def encode(self, parcel: Parcel, now: float, request_of: RequestOf) -> tuple[Mapping[str, str], bytes]:
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


class Far(Protocol):
    """What a network needs of the node that it is there for; all is called on the node's loop."""

    def arrived(self, parcel: Parcel, sender: str) -> None:
        """Take what came; ``sender`` is the address of the node that sent it, empty where it does not matter."""
        ...

    def asked(self, message_id: str) -> object:
        """Return the request of that id that this node waits for; None: there is none (any more)."""
        ...

    def answering(self, message_id: str) -> object:
        """Return the request of that id that this node handles for another one; None: there is none (any more)."""
        ...

    def garbled(self, what: Unreadable) -> None:
        """Take word that something came which cannot be read."""
        ...

    def reminded(self, message_ids: Sequence[str]) -> None:
        """Take word that these requests of this node are under way elsewhere."""
        ...

    def unserved(self, message_id: str) -> None:
        """Take word that no node serves the agent that a message went to."""
        ...

    def back(self) -> None:
        """Take word that the network is there again after it was not."""
        ...

    def gone(self, node: str) -> None:
        """Take word that a node is not there any more."""
        ...


class Network(Protocol):
    """The way to agents on other nodes, for one node."""

    @property
    def unreadable(self) -> int:
        """How much came so far that was no parcel, or not one for where it came; all of it was dropped."""
        ...

    async def join(self, node: str, far: Far) -> None:
        """Come in under an address; from now on whatever is sent to it arrives."""
        ...

    async def serve(self, agent: str) -> None:
        """Have messages to an agent brought here, or to one of its replicas on other nodes."""
        ...

    async def withhold(self, agent: str) -> None:
        """Have no more messages to an agent brought here; what is on its way still comes. Twice is harmless."""
        ...

    async def leave(self) -> None:
        """Send what is still to be sent, go, and leave nothing behind. It takes two seconds at most."""
        ...

    def send(self, parcel: Parcel, node: str = "") -> None:
        """Send something on its way; returns at once.

        Args:
            parcel: What to send.
            node: To which node. Without one an envelope goes to whoever serves its agent, a withdrawal to all who do,
                and an event to every other node.

        Raises:
            Unreachable: The network is not there now, or takes no more; nothing was sent, and nothing will be later.
            ContractViolation: It is too large to travel, or holds something that cannot.
        """
        ...

    def remind(self, node: str, message_ids: Sequence[str]) -> None:
        """Send a node word that these requests of its are under way here; what does not get through is lost."""
        ...
