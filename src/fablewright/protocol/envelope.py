"""The envelope: what travels, around every message, between asker and answerer.

It is data through and through. In particular ``reply_to`` is an address and never a future, so that
the same envelope can cross a process boundary.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping  # noqa: TC003 - a NamedTuple looks its annotations up
from types import MappingProxyType
from typing import NamedTuple

from fablewright.errors import ContractViolation

__all__ = ["LONGEST_TIMEOUT", "Envelope", "Kind", "shrink", "valid_timeout"]

LONGEST_TIMEOUT = 24 * 3600.0
"""Seconds. A longer time-out is taken for a mistake (milliseconds, an absolute time) and refused."""


class Kind(enum.Enum):
    """What an envelope is for."""

    ASK = "ask"  # wants exactly one reply by its deadline
    TELL = "tell"  # wants none


class Envelope(NamedTuple):
    """A message on its way.

    Attributes:
        message_id: Unique over all nodes: the node's prefix and a counter.
        kind: Ask or tell.
        sender: Name of the agent that sent it; empty for a caller outside the bus.
        to: Name of the agent that shall handle it.
        action: Which of that agent's handlers.
        body: The message itself.
        correlation_id: Id of the first message of the story that this one belongs to.
        causation_id: Id of the message whose handling sent this one; None for the first.
        reply_to: Address that the reply goes to; None for a tell.
        deadline: Absolute, in seconds of the local clock: nothing is started after it. On the wire it
            travels as what remains of it, so that clocks need not agree. None (tells only): no deadline.
        attempt: 1 for the first try.
        priority: Higher goes first; 0 unless the message says otherwise.
        path: Names of the agents that wait for this answer, the first asker first; empty when none does.
        idempotency_key: What tells the answerer that two envelopes are one request.
        traceparent: W3C trace context, passed on unread.
        headers: Whatever else travels.
    """

    message_id: str
    kind: Kind
    sender: str
    to: str
    action: str
    body: object
    correlation_id: str
    causation_id: str | None = None
    reply_to: str | None = None
    deadline: float | None = None
    attempt: int = 1
    priority: int = 0
    path: tuple[str, ...] = ()
    idempotency_key: str | None = None
    traceparent: str | None = None
    headers: Mapping[str, str] = MappingProxyType({})


def valid_timeout(seconds: float) -> float:
    """Return ``seconds`` if it is a sane time-out.

    Raises:
        ContractViolation: It is no number, NaN, negative, infinite, or over ``LONGEST_TIMEOUT``.
    """
    try:
        sane = 0 <= seconds <= LONGEST_TIMEOUT  # NaN is neither below nor above anything
    except (TypeError, ArithmeticError):  # a Decimal that is no number raises
        sane = False
    if not sane:
        raise ContractViolation(f"A time-out lies between 0 and {LONGEST_TIMEOUT:.0f} seconds, not {seconds!r}.")
    return float(seconds)


def shrink(*, now: float, timeout: float, parent: float | None, keep: float = 0.0) -> float:
    """Return the deadline of a child request: its own time-out, never later than its parent's deadline.

    Args:
        now: The local clock, in seconds.
        timeout: What the asker is willing to wait, in seconds.
        parent: Deadline of the request that is being handled, if any.
        keep: Seconds of the parent's time that the asker wants left for itself after the child.

    Raises:
        ContractViolation: ``timeout`` or ``keep`` is no sane number of seconds; see ``valid_timeout``.
    """
    own = now + valid_timeout(timeout)
    kept = 0.0 if keep == 0 else valid_timeout(keep)
    return own if parent is None else max(now, min(own, parent - kept))
