"""What the bus does around an ask: declared once per (agent, action), in one frozen object."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from fablewright.errors import (
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    InvalidInput,
    MailboxFull,
    PeerLost,
    RemoteError,
)
from fablewright.protocol.breaker import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BusOptions", "Policy", "verdict_of"]


@dataclass(frozen=True, slots=True)
class Policy:
    """How one action of one agent is asked.

    Attributes:
        retries: Attempts after the first; only for messages that say they are idempotent.
        backoff: Seconds; attempt ``n`` waits a random time up to ``backoff * 2 ** (n - 1)`` ("full jitter",
            as in Amazon's architecture blog of 2015) before it goes out.
        breaker_threshold: Failures in a row that open the circuit; None for no breaker.
        breaker_reset_time: Seconds that an open circuit stays open.
    """

    retries: int = 0
    backoff: float = 0.05
    breaker_threshold: int | None = None
    breaker_reset_time: float = 60.0

    def retry_delay(self, attempt: int, error: FablewrightError, draw: float) -> float | None:
        """Return how many seconds to wait before the next attempt, or None for no further one.

        Args:
            attempt: The attempt that failed, from 1.
            error: How it failed. Only a crash, a loss or a full mailbox may pass by itself.
            draw: A random number in [0, 1).
        """
        may_pass = isinstance(error, RemoteError | PeerLost | MailboxFull) and not _is_the_askers_fault(error)
        if attempt > self.retries or not may_pass:
            return None
        return draw * self.backoff * 2.0 ** (attempt - 1)


@dataclass(frozen=True, slots=True)
class BusOptions:
    """Everything about a bus that can be set.

    Attributes:
        default_timeout: Seconds that an ask waits when it does not say.
        policies: By (agent name, action); whatever is not named is asked once, without a breaker.
        dead_letters: How many dead letters to keep for inspection.
        draw: Source of the random numbers of the backoff, in [0, 1).
    """

    default_timeout: float = 10.0
    policies: Mapping[tuple[str, str], Policy] = field(default_factory=lambda: MappingProxyType({}))
    dead_letters: int = 1000
    draw: Callable[[], float] = random.random


def verdict_of(error: BaseException) -> Verdict:
    """Return what a failed call says about the health of the one that was called."""
    if _is_the_askers_fault(error) or (isinstance(error, DeadlineExceeded) and not error.started):
        return Verdict.NEUTRAL
    if isinstance(error, RemoteError | PeerLost | DeadlineExceeded | ContractViolation):
        return Verdict.FAILURE
    return Verdict.NEUTRAL


def _is_the_askers_fault(error: BaseException) -> bool:
    """Return whether the handler refused what it was asked: asking again, or asking another, changes nothing."""
    return isinstance(error, RemoteError) and isinstance(error.__cause__, InvalidInput)
