"""A mailbox: the bounded queue in front of an agent.

The rules:

1. It never holds more than ``capacity`` envelopes; one more is ``MailboxFull`` at once, to the sender.
2. First in, first out.
3. What is past its deadline is never handed out to be started: ``take`` sets it aside as expired.
4. What was withdrawn is gone at once and frees its place.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, MailboxFull

if TYPE_CHECKING:
    from fablewright.protocol.envelope import Envelope

__all__ = ["Mailbox"]


class Mailbox:
    """Envelopes that wait for a free handler.

    Args:
        owner: Name of the agent, for messages.
        capacity: The bound, at least 1.
    """

    def __init__(self, owner: str, capacity: int) -> None:
        if capacity < 1:
            raise ContractViolation(f"The mailbox of {owner} needs room for at least 1 envelope, not {capacity}.")
        self.owner = owner
        self.capacity = capacity
        self._queue: OrderedDict[str, Envelope] = OrderedDict()

    def __len__(self) -> int:
        return len(self._queue)

    def __repr__(self) -> str:
        return f"<Mailbox {self.owner} {len(self._queue)}/{self.capacity}>"

    def put(self, envelope: Envelope) -> None:
        """Queue an envelope.

        Raises:
            MailboxFull: There is no room.
        """
        if len(self._queue) >= self.capacity:
            raise MailboxFull(
                f"{self.owner} has {self.capacity} messages waiting already and takes no more for now.",
                to=self.owner,
                action=envelope.action,
                message_id=envelope.message_id,
            )
        self._queue[envelope.message_id] = envelope

    def take(self, now: float) -> tuple[Envelope | None, list[Envelope]]:
        """Return the next envelope that may be started, and those found expired on the way to it."""
        expired: list[Envelope] = []
        while self._queue:
            _, envelope = self._queue.popitem(last=False)
            if envelope.deadline is None or envelope.deadline > now:
                return envelope, expired
            expired.append(envelope)
        return None, expired

    def withdraw(self, message_id: str) -> bool:
        """Drop a queued envelope; return whether it was there."""
        return self._queue.pop(message_id, None) is not None

    def clear(self) -> list[Envelope]:
        """Empty the mailbox and return what was in it."""
        rest = list(self._queue.values())
        self._queue.clear()
        return rest
