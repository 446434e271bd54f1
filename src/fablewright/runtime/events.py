"""What happens on a bus, as records for whoever looks on: logs, traces, a page.

Nothing is recorded while nobody looks on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.protocol.envelope import Envelope

__all__ = ["Event", "Observer", "What"]

What: TypeAlias = Literal[
    "asked",  # a request was sent
    "joined",  # an ask waits for what another one gets, as they are equal; it ends as that does
    "told",  # a message that wants no reply was sent
    "started",  # a handler began
    "ended",  # a request has its outcome; the detail says which, and what went wrong
    "finished",  # a handler is over, however; it may have answered before, or have deferred
    "dead_letter",  # a message found no taker; the detail is the reason
    "retried",  # another attempt goes out; the detail is what the one before failed with
    "hedged",  # a second attempt goes out beside the first
    "refused",  # an ask was turned away before it was sent; the detail says why
    "cached",  # an ask was answered out of the cache; the detail says how old the reply is
    "breaker",  # a circuit breaker moved; the detail says from where to where, and why
    "crashed",  # an agent crashed; the detail is the cause
    "restarted",  # an agent was started again
    "blocked",  # a handler holds up the event loop; the detail says for how long and where
]
"""What happened."""


class Event(NamedTuple):
    """One thing that happened.

    Attributes:
        at: Seconds of the bus's clock; only differences mean anything.
        what: See ``What``.
        to: Name of the agent that it is about.
        action: Which of its actions; empty if it is about the agent as a whole.
        message_id: Of the message that it is about; empty if it is about none. Of ``retried`` and ``hedged``: of the
            attempt before.
        correlation_id: Of the story that the message belongs to.
        causation_id: Of the message whose handling sent this one.
        sender: Name of the agent that sent it; empty for a caller outside the bus.
        attempt: 1 for the first try.
        detail: More, for people.
        traceparent: W3C trace context of the message, if it has one.
    """

    at: float
    what: What
    to: str
    action: str = ""
    message_id: str = ""
    correlation_id: str = ""
    causation_id: str | None = None
    sender: str = ""
    attempt: int = 1
    detail: str = ""
    traceparent: str | None = None

    @classmethod
    def about(cls, message: Envelope, at: float, what: What, *, detail: str = "") -> Event:
        """Return what happened to a message."""
        ids = (message.message_id, message.correlation_id, message.causation_id, message.sender, message.attempt)
        return cls(at, what, message.to, message.action, *ids, detail, message.traceparent)


Observer: TypeAlias = "Callable[[Event], None]"
"""Called on the loop for each event; it must be quick, and what it raises is logged and ends its looking on."""
