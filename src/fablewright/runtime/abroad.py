"""Requests of this bus that are handled on other nodes, and how it is noticed that nobody is at them any more.

Whoever handles a request sends word of it once a second. If there is no word for three seconds, the answer is not
waited for any longer: its node died or was cut off, or the request or its outcome was lost. Seconds are counted by
looking once in each, so that a loop which was held up here gives nobody up before it has read what came meanwhile.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, UnknownRecipient, Unreachable
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Kind
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.failure import BrokenContract
from fablewright.runtime.network import Grant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.channel import Channels
    from fablewright.runtime.network import Chunk, Network, Unreadable
    from fablewright.runtime.outstanding import Outstanding
    from fablewright.runtime.receiving import Ends

__all__ = ["Abroad", "room_of"]

_log = logging.getLogger(__name__)

_MOST_MISSED = 3
"""Looks at which there was no word of a request; one more, and it is given up."""

_MOST_TOLD = 256
"""Messages that want no reply, remembered so that one can be buried that nobody takes."""

_MOST_UNSENT = 1024
"""Withdrawals that are kept until there is a network again."""

_ROOM = "fw-room"
_MOST_ROOM = 4096
"""Pieces of a stream that may be under way between two nodes."""


def room_of(envelope: Envelope) -> int:
    """Return for how many pieces the asker of a stream has room; 0 if it asked for none, or for what makes no sense."""
    room = envelope.headers.get(_ROOM, "") if envelope.headers else ""
    return int(room) if room.isascii() and room.isdigit() and len(room) < 5 and int(room) <= _MOST_ROOM else 0


class Abroad:
    """The asking end of one node.

    Args:
        network: Carries what is asked.
        bus: The bus that asks.
        outstanding: Who waits there.
        channels: The ends of streams.
    """

    def __init__(self, network: Network, bus: Ends, outstanding: Outstanding, channels: Channels) -> None:
        self._network = network
        self._bus = bus
        self._outstanding = outstanding
        self._channels = channels
        self._missed: dict[str, int] = {}  # by request: looks since there was word of it
        self._writers: dict[str, str] = {}  # by request: the node that streams its reply
        self._told: dict[str, Envelope] = {}
        self._unsent: dict[str, Withdraw] = {}

    def __len__(self) -> int:
        return len(self._missed)

    def __repr__(self) -> str:
        return f"<Abroad {len(self._missed)}>"

    def send(self, envelope: Envelope, room: int) -> None:
        """Send a message to whichever node has its agent.

        Args:
            envelope: The message.
            room: For how many pieces of a reply there is room; 0: it is to come in one.

        Raises:
            Unreachable: The network is not there now.
            ContractViolation: The message is too large to travel, or holds something that cannot.
        """
        if room > _MOST_ROOM:
            raise ContractViolation(
                f"A stream over a network has room for {_MOST_ROOM} pieces at the most, not {room}."
            )
        if room:
            envelope = envelope._replace(headers={**envelope.headers, _ROOM: str(room)})
        try:
            self._network.send(envelope)
        except Unreachable as error:
            to, action, message_id = envelope.to, envelope.action, envelope.message_id
            raise Unreachable(f"{to} cannot be reached: {error}", to=to, action=action, message_id=message_id) from None
        if envelope.kind is Kind.ASK:
            self._missed[envelope.message_id] = 0
        else:
            self._told[envelope.message_id] = envelope
            if len(self._told) > _MOST_TOLD:
                del self._told[next(iter(self._told))]

    def request_of(self, message_id: str) -> object:
        """Return what was asked in a request that this bus waits for; None for another one."""
        waiter = self._outstanding.of(message_id)
        return None if waiter is None else waiter.envelope.body

    def withdraw(self, withdrawn: Withdraw) -> bool:
        """Send word that nobody waits for a request any more; return whether it was sent to another node at all."""
        if not self._end(withdrawn.message_id):
            return False
        self._try_to_send(withdrawn)
        return True

    def grant(self, message_id: str, granted: int) -> None:
        """Let whoever streams a reply go on; it is not known before the first piece has come."""
        node = self._writers.get(message_id)
        if node is not None:
            self._try_to_send(Grant(message_id, granted), node)

    def leave(self) -> None:
        """Send word that nobody waits for anything any more."""
        for message_id in list(self._missed):
            waiter = self._outstanding.of(message_id)
            if waiter is not None:
                self.withdraw(Withdraw(message_id, waiter.envelope.to))

    # -------------------------------------------------------------- what comes back

    def ended(self, ended: Ended) -> None:
        """Take an outcome."""
        _, message_id, outcome, value = ended
        self._end(message_id)
        if outcome is Outcome.REPLIED:
            self._outstanding.replied(self._bus.now(), message_id, value)
        else:
            self._outstanding.take_in(ended._replace(now=self._bus.now()))

    def chunk(self, chunk: Chunk, sender: str) -> None:
        """Take a piece of a streamed reply."""
        message_id, sequence, value = chunk
        if message_id in self._missed:
            self._missed[message_id] = 0
            self._writers[message_id] = sender
        self._channels.chunk(message_id, sequence, value)

    def reminded(self, message_ids: Sequence[str]) -> None:
        """Take word that requests are under way."""
        for message_id in message_ids:
            if message_id in self._missed:
                self._missed[message_id] = 0

    def unserved(self, message_id: str) -> None:
        """Take word that no node takes a message."""
        told = self._told.pop(message_id, None)
        if told is not None:
            self._bus.bury(told, Reason.UNDELIVERABLE)
        waiter = self._outstanding.of(message_id)
        if waiter is not None:
            to, action = waiter.envelope.to, waiter.envelope.action
            refused = UnknownRecipient(f"No agent named {to} answers now.", to=to, action=action, message_id=message_id)
            self.ended(Ended(self._bus.now(), message_id, Outcome.REJECTED, refused))

    def garbled(self, what: Unreadable) -> None:
        """Take word that an answer came which cannot be read."""
        waiter = self._outstanding.of(what.message_id)
        if waiter is not None and what.message_id in self._missed:
            broken = BrokenContract(f"The answer of {waiter.envelope.to} cannot be read: {what}")
            self.ended(Ended(self._bus.now(), what.message_id, Outcome.FAILED, broken))

    def back(self) -> None:
        """Send what could not be sent while there was no network: that nobody waits for answers any more."""
        unsent, self._unsent = self._unsent, {}
        for withdrawn in unsent.values():
            self._try_to_send(withdrawn)

    def look(self) -> None:
        """Give up what there was no word of for too long."""
        for message_id, missed in list(self._missed.items()):
            self._missed[message_id] = missed + 1
            if missed >= _MOST_MISSED:
                self._give_up(message_id)

    # -------------------------------------------------------------- inside

    def _give_up(self, message_id: str) -> None:
        waiter = self._outstanding.of(message_id)
        if waiter is None:  # it lingers, and nobody is at it
            self._end(message_id)
            return
        to = waiter.envelope.to
        self.withdraw(Withdraw(message_id, to))  # should it be under way after all
        why = f"there was no word of {to} for {_MOST_MISSED} s"
        self._outstanding.take_in(Ended(self._bus.now(), message_id, Outcome.PEER_LOST, why))

    def _end(self, message_id: str) -> bool:
        self._writers.pop(message_id, None)
        return self._missed.pop(message_id, None) is not None

    def _try_to_send(self, parcel: Withdraw | Grant, node: str = "") -> None:
        try:
            self._network.send(parcel, node)
        except Unreachable as error:
            _log.debug("%r was not sent: %s", parcel, error)
            if isinstance(parcel, Withdraw) and len(self._unsent) < _MOST_UNSENT:
                self._unsent[parcel.message_id] = parcel
