"""Dead letters: nothing that arrives too late, twice or for nobody disappears without a trace."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["DeadLetter", "Reason"]


class Reason(enum.Enum):
    """Why a message was of no use any more."""

    LATE = "late"  # a reply after the deadline
    AFTER_CANCEL = "after_cancel"  # a reply to an ask that was withdrawn
    DUPLICATE = "duplicate"  # a second reply
    AFTER_LOSS = "after_loss"  # a reply from a peer that had been given up
    UNKNOWN = "unknown"  # a reply to nothing that was asked here, or too long ago to remember
    EXPIRED = "expired"  # a request that nobody waited for any more when a handler could have started
    UNDELIVERABLE = "undeliverable"  # a tell to nobody, or into a full mailbox


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that found no taker.

    Attributes:
        message_id: Id of the request that it is, or that it answers.
        reason: Why it was of no use.
        at: When it was found so, in seconds of the local clock.
        body: What it carried; kept because a late answer may still be worth something.
    """

    message_id: str
    reason: Reason
    at: float
    body: object = None
