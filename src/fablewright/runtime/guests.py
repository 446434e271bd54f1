"""Requests of other nodes that are handled here: whose they are, and what goes back to them.

A request is a guest's from its arrival until it has its outcome, its time is over, or its asker wants no answer any
more. Meanwhile its asker is reminded of it now and then: so it knows that we live.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, Unreachable
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.runtime.abroad import room_of
from fablewright.runtime.failure import BrokenContract
from fablewright.runtime.network import Chunk
from fablewright.runtime.receiving import Ends, Receiving

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.dead_letter import Reason
    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.channel import Channels
    from fablewright.runtime.network import Network
    from fablewright.runtime.outstanding import Outstanding

__all__ = ["Guests"]

_log = logging.getLogger(__name__)

_MOST_ABSENT = 2
"""Reminders that an asker may miss: it may have lost its connection for a moment."""


class _Guest:
    """One request of another node.

    Attributes:
        node: The asker's address.
        to: The agent that handles it.
        body: What is asked.
        absent: How often its asker was not there when it was to be reminded.
        is_old: Whether it was there when askers were last reminded.
        on_withdrawn: Called when nobody waits for the answer any more.
    """

    __slots__ = ("absent", "body", "is_old", "node", "on_withdrawn", "to")

    def __init__(self, node: str, to: str, body: object) -> None:
        self.node = node
        self.to = to
        self.body = body
        self.absent = 0
        self.is_old = False
        self.on_withdrawn: Callable[[], None] | None = None


class Guests:
    """The answering end of one node.

    Args:
        network: Carries what goes back.
        bus: The bus that handles it.
        outstanding: Gets the outcomes of requests that are no guest's, but this bus's own.
        channels: The ends of streams.
    """

    def __init__(self, network: Network, bus: Ends, outstanding: Outstanding, channels: Channels) -> None:
        self._network = network
        self._bus = bus
        self._outstanding = outstanding
        self._channels = channels
        self.linger_of = bus.linger_of
        self._receiving = Receiving(self, self.send_back)
        self._guests: dict[str, _Guest] = {}

    def __len__(self) -> int:
        return len(self._guests)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._guests

    def __repr__(self) -> str:
        return f"<Guests {len(self._guests)}>"

    # -------------------------------------------------------------- what comes

    def arrive(self, envelope: Envelope) -> None:
        """Take a message to an agent that lives here."""
        self._receiving.arrive(envelope)

    def recall(self, withdrawn: Withdraw) -> None:
        """Take word that a request's asker waits no more; it may be under way here, or on its way, or neither."""
        self._receiving.recall(withdrawn)
        self._forget(withdrawn.message_id)

    def gone(self, node: str) -> None:
        """Take word that a node is not there: if that lasts, nobody has a use for what it asked."""
        for message_id, guest in list(self._guests.items()):
            if guest.node == node:
                guest.absent += 1
                if guest.absent > _MOST_ABSENT:
                    self.recall(Withdraw(message_id, guest.to))

    def when_withdrawn(self, message_id: str, told: Callable[[], None]) -> None:
        """Have ``told`` called once if nobody waits for the answer to a deferred request any more."""
        guest = self._guests.get(message_id)
        if guest is not None:
            guest.on_withdrawn = told

    def request_of(self, message_id: str) -> object:
        """Return what is asked in a request that is under way here; None for another one."""
        guest = self._guests.get(message_id)
        return None if guest is None else guest.body

    # -------------------------------------------------------------- what goes back

    def replied(self, now: float, message_id: str, reply: object) -> None:
        """Take a reply of a handler, to whomever."""
        if message_id in self._guests:
            self.send_back(Ended(now, message_id, Outcome.REPLIED, reply))
        else:
            self._outstanding.replied(now, message_id, reply)

    def send_back(self, ended: Ended) -> None:
        """Take an outcome of a request, whoever asked."""
        guest = self._guests.get(ended.message_id)
        if guest is None:
            self._outstanding.take_in(ended)
            return
        self._receiving.end(ended)
        self._channels.close_inlet(ended.message_id)
        try:
            self._network.send(ended, guest.node)
        except Unreachable as error:  # its asker hears nothing of it any more, and gives it up
            _log.warning("The outcome of %s is lost: %s", ended.message_id, error)
        except ContractViolation as error:
            broken = BrokenContract(f"The answer of {guest.to} cannot travel: {error}")
            self._network.send(ended._replace(outcome=Outcome.FAILED, value=broken), guest.node)
        finally:
            del self._guests[ended.message_id]

    def remind(self) -> None:
        """Tell askers what of theirs is under way, but for what has just come."""
        by_node: dict[str, list[str]] = {}
        for message_id, guest in self._guests.items():
            if guest.is_old:
                by_node.setdefault(guest.node, []).append(message_id)
            guest.is_old = True
        for node, message_ids in by_node.items():
            self._network.remind(node, message_ids)

    def send_home(self, why: str) -> None:
        """Answer all of them at once: there will be no other answer."""
        for message_id in list(self._guests):
            self.send_back(Ended(self.now(), message_id, Outcome.PEER_LOST, why))
        self._receiving.stop()

    # -------------------------------------------------------------- what the receiving end needs

    def now(self) -> float:
        """Return the bus's time in seconds."""
        return self._bus.now()

    def arrived(self, envelope: Envelope) -> None:
        """Hand a message over to its agent, for the first time.

        Raises:
            Rejected: It is not taken.
        """
        message_id, node = envelope.message_id, envelope.reply_to
        if node is not None:
            self._guests[message_id] = _Guest(node, envelope.to, envelope.body)
            room = room_of(envelope)
            if room:

                def carry(sequence: int, value: object) -> None:
                    self._network.send(Chunk(message_id, sequence, value), node)

                self._channels.open_inlet(message_id, room, carry)
        self._bus.arrived(envelope)

    def withdraw(self, message_id: str, to: str) -> None:
        """Stop the work on a request whose time is over."""
        self._forget(message_id)
        self._bus.withdraw(message_id, to)

    def bury(self, envelope: Envelope, reason: Reason) -> None:
        """Keep a message that found no taker."""
        self._bus.bury(envelope, reason)

    def _forget(self, message_id: str) -> None:
        guest = self._guests.pop(message_id, None)
        if guest is None:
            return
        self._channels.close_inlet(message_id)
        if guest.on_withdrawn is not None:
            guest.on_withdrawn()
