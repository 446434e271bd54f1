"""A mailbox: the bounded queue in front of an agent.

::

                 no room: wait                   a place became free
    put ──┬──────────────────────► line ──────────────────────┐
          │                        (waiting_room places)      ▼
          └── room ────────────────────────────────────────► queue ── take ──► a handler, or expired
                                                             (capacity places)

The rules:

1. The queue never holds more than ``capacity`` envelopes that no free handler is about to take. What happens
   to one more is the overflow policy:
   ``reject``: ``MailboxFull`` at once, to the sender.
   ``drop_oldest``: the oldest of the lowest priority makes room and is handed back, for a dead letter. A
   newcomer below that priority would be dropped itself, so it is rejected.
   ``wait``: it joins the line, which has a bound too: ``MailboxFull`` when both are full.
2. Higher priority first; first in, first out within one. The line keeps the same order.
3. Nobody stands in line while there is room in the queue.
4. What is past its deadline is never handed out to be started: ``take`` sets it aside as expired when its
   turn comes, and clears the line of it at once, so that it keeps no living newcomer out.
5. What was withdrawn is gone at once and frees its place.
6. An envelope whose id waits here already is a duplicate made on the way: it changes nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from math import inf
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fablewright.errors import ContractViolation, MailboxFull

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.protocol.envelope import Envelope

__all__ = ["Mailbox", "Overflow"]

_CROWD = 256
"""Envelopes; what held more at once is made anew when it is empty."""

Overflow: TypeAlias = Literal["reject", "drop_oldest", "wait"]
"""What happens to one envelope too many."""


class Mailbox:
    """Envelopes that wait for a free handler.

    Args:
        owner: Name of the agent, for messages.
        capacity: The bound of the queue, at least 1.
        overflow: What happens to one envelope too many.
        waiting_room: The bound of the line, at least 1; only with ``wait``. As many as ``capacity`` when left out.

    Attributes:
        queue: Those that are taken next; its ``size`` may be looked at by who is in a hurry.

    Raises:
        ContractViolation: A bound below 1, an unknown policy, or a waiting room where nobody waits.
    """

    def __init__(
        self, owner: str, capacity: int, *, overflow: Overflow = "reject", waiting_room: int | None = None
    ) -> None:
        if capacity < 1:
            raise ContractViolation(f"The mailbox of {owner} needs room for at least 1 envelope, not {capacity}.")
        if overflow not in get_args(Overflow):
            known = ", ".join(get_args(Overflow))
            raise ContractViolation(f"The mailbox of {owner} cannot {overflow!r} on overflow; it can: {known}.")
        if waiting_room is not None and overflow != "wait":
            raise ContractViolation(f"The mailbox of {owner} has a waiting room, but its overflow is {overflow}.")
        if waiting_room is not None and waiting_room < 1:
            raise ContractViolation(f"The waiting room of {owner} needs at least 1 place, not {waiting_room}.")
        self.owner = owner
        self.capacity = capacity
        self.overflow = overflow
        self.waiting_room = 0 if overflow != "wait" else capacity if waiting_room is None else waiting_room
        self.queue = Lanes()
        self._line = Lanes()
        self._line_due = inf  # nobody in the line expires before this

    def __len__(self) -> int:
        return self.queue.size

    def __repr__(self) -> str:
        line = f" +{self._line.size}/{self.waiting_room} in line" if self.waiting_room else ""
        return f"<Mailbox {self.owner} {self.queue.size}/{self.capacity}{line}>"

    def __contains__(self, message_id: object) -> bool:
        if not self.queue.size:  # then nobody stands in line
            return False
        return message_id in self.queue or message_id in self._line

    @property
    def waiting(self) -> int:
        """How many stand in line for a place in the queue."""
        return self._line.size

    def put(self, envelope: Envelope, spare: int = 0) -> Envelope | None:
        """Queue an envelope, and return the one that was dropped for it, if any.

        Args:
            envelope: The newcomer.
            spare: Places beyond the capacity: of handlers that are free and about to take what waits.

        Raises:
            MailboxFull: There is no room.
        """
        if self.queue.size < self.capacity + spare:
            self.queue.push(envelope)
            return None
        return self._overflow(envelope)

    def take(self, now: float) -> tuple[Envelope | None, Sequence[Envelope]]:
        """Return the next envelope that may be started, and those found expired on the way to it."""
        expired: list[Envelope] | None = None
        if now >= self._line_due:
            expired = self._clear_line_of_expired(now)
        queue = self.queue
        while queue.size:
            envelope = queue.pop_first()
            if self._line.size and queue.size < self.capacity:
                queue.push(self._line.pop_first())
            if envelope.deadline is None or envelope.deadline > now:
                return envelope, expired or ()
            if expired is None:
                expired = []
            expired.append(envelope)
        return None, expired or ()

    def withdraw(self, message_id: str) -> bool:
        """Drop an envelope from the queue or the line; return whether it was there."""
        if not self.queue.size:  # then nobody stands in line
            return False
        if not self.queue.remove(message_id):
            return self._line.remove(message_id)
        if self._line.size and self.queue.size < self.capacity:
            self.queue.push(self._line.pop_first())
        return True

    def clear(self) -> list[Envelope]:
        """Empty the mailbox and return what was in it: the queue, then the line, each in its order."""
        rest = [*self.queue.in_order(), *self._line.in_order()]
        self.queue = Lanes()
        self._line = Lanes()
        return rest

    # -------------------------------------------------------------- inside

    def _overflow(self, envelope: Envelope) -> Envelope | None:
        if envelope.message_id in self:
            return None
        if self._line.size < self.waiting_room:
            self._line.push(envelope)
            if envelope.deadline is not None:
                self._line_due = min(self._line_due, envelope.deadline)
            return None
        if self.overflow == "drop_oldest" and envelope.priority >= self.queue.lowest():
            dropped = self.queue.pop_first_of_lowest()
            self.queue.push(envelope)
            return dropped
        waiting = self.queue.size + self._line.size
        raise MailboxFull(
            f"{self.owner} has {waiting} messages waiting already and takes no more for now.",
            to=self.owner,
            action=envelope.action,
            message_id=envelope.message_id,
        )

    def _clear_line_of_expired(self, now: float) -> list[Envelope]:
        # Looking through the whole line is dear, so it is done only when a deadline has passed that was seen
        # joining. It may have left since; then this finds the deadline that is really next.
        standing = self._line.in_order()
        expired = [e for e in standing if e.deadline is not None and e.deadline <= now]
        for envelope in expired:
            self._line.remove(envelope.message_id)
        self._line_due = min((e.deadline for e in standing if e.deadline is not None and e.deadline > now), default=inf)
        return expired


class Lanes:
    """Envelopes in the order in which they are taken: a lane for each priority that is here.

    No lane is empty, except the only one: so what has one priority throughout, as nearly everything has,
    never makes a lane nor searches for one.
    """

    __slots__ = ("_lanes", "_most", "_top", "_top_priority", "size")

    def __init__(self) -> None:
        self._top_priority = 0
        self._top: OrderedDict[str, Envelope] = OrderedDict()
        self._lanes = {0: self._top}
        self._most = 0  # that were here at once, since the lanes were made anew
        self.size = 0

    def __contains__(self, message_id: object) -> bool:
        if message_id in self._top:
            return True
        return len(self._lanes) > 1 and any(message_id in lane for lane in self._lanes.values())

    def push(self, envelope: Envelope) -> None:
        """Add an envelope as the last of its priority, unless its id is here already."""
        message_id = envelope.message_id
        lane = self._top
        if envelope.priority != self._top_priority or len(self._lanes) > 1:
            if message_id in self:
                return
            lane = self._lane(envelope.priority)
        elif message_id in lane:
            return
        lane[message_id] = envelope
        self.size = size = self.size + 1
        if size > self._most:  # noqa: PLR1730 - max() is a call, for every message
            self._most = size

    def pop_first(self) -> Envelope:
        """Take the first of the highest priority; there must be one."""
        _, envelope = self._top.popitem(False)  # noqa: FBT003 - `last=`; by keyword it costs a fifth more
        self.size = size = self.size - 1
        if not self._top and (size or self._most > _CROWD):
            self._forget(self._top_priority)
        return envelope

    def pop_first_of_lowest(self) -> Envelope:
        """Take the first of the lowest priority; there must be one."""
        lowest = self.lowest()
        _, envelope = self._lanes[lowest].popitem(last=False)
        self.size -= 1
        if not self._lanes[lowest]:
            self._forget(lowest)
        return envelope

    def remove(self, message_id: str) -> bool:
        """Take out an envelope by its id; return whether it was here."""
        for priority, lane in self._lanes.items():
            if lane.pop(message_id, None) is not None:
                self.size -= 1
                if not lane:
                    self._forget(priority)
                return True
        return False

    def lowest(self) -> int:
        """Return the lowest priority that is here; there must be one."""
        return min(self._lanes)

    def in_order(self) -> list[Envelope]:
        """Return all, in the order in which they would be taken."""
        return [
            envelope for priority in sorted(self._lanes, reverse=True) for envelope in self._lanes[priority].values()
        ]

    def _lane(self, priority: int) -> OrderedDict[str, Envelope]:
        if not self.size:
            self._lanes.clear()
        lane = self._lanes.setdefault(priority, OrderedDict())
        self._find_top()
        return lane

    def _forget(self, priority: int) -> None:
        if self.size:
            del self._lanes[priority]
            self._find_top()
        elif self._most > _CROWD:  # a dictionary never shrinks: after a crowd it would hold its room for ever
            self._top = OrderedDict()
            self._lanes = {self._top_priority: self._top}
            self._most = 0

    def _find_top(self) -> None:
        self._top_priority = max(self._lanes)
        self._top = self._lanes[self._top_priority]
