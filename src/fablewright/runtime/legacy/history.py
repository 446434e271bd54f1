"""What the old message bus has carried: the latest messages, and how many there were in all."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from fablewright.runtime.legacy.message import AgentMessage

__all__ = ["History"]


class _Noted(NamedTuple):
    message: AgentMessage
    is_late: bool


class History:
    """The latest messages, oldest first; written and read from any thread.

    Args:
        most: How many to keep.

    Attributes:
        total: How many messages there were.
        late: How many of them were responses that came after their request had ended.

    Raises:
        ContractViolation: ``most`` is negative.
    """

    def __init__(self, most: int) -> None:
        if most < 0:
            raise ContractViolation(f"A history holds 0 messages or more, not {most}.")
        self._noted: deque[_Noted] = deque(maxlen=most)
        self._lock = threading.Lock()
        self.total = self.late = 0

    def __repr__(self) -> str:
        return f"<History {len(self._noted)} of {self.total}>"

    def note(self, message: AgentMessage, *, is_late: bool) -> None:
        """Put a message into it."""
        with self._lock:
            self._noted.append(_Noted(message, is_late))
            self.total += 1
            self.late += is_late

    def messages(self) -> list[AgentMessage]:
        """Return the latest messages."""
        with self._lock:
            return [noted.message for noted in self._noted]

    def as_data(self, agent_id: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the latest messages as plain data; a late response has ``"late": True``.

        Args:
            agent_id: Only those that this agent sent or was sent.
            limit: How many at most.
        """
        with self._lock:
            noted = list(self._noted)
        if agent_id:
            noted = [one for one in noted if agent_id in {one.message.sender_id, one.message.receiver_id}]
        latest = noted[-limit:] if limit > 0 else []
        return [{**message.to_dict(), "late": True} if late else message.to_dict() for message, late in latest]
