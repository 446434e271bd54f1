"""Retries and hedges: whether one more attempt goes out, and when.

The rules:

1. A retry goes out only while all of these hold: attempts are left, the failure may pass by itself, the request
   is idempotent, nothing of the answer has been streamed to the asker yet, the budget of the target has tokens
   to spare, and the retry would start before the deadline.
2. It waits first: a random part of a time that grows with each attempt up to a bound ("full jitter"; Marc
   Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
3. Everybody who asks one target shares one budget (gRPC's retry throttling, gRFC A6): a bucket that starts full.
   A failed attempt takes one token, a success gives a fraction of one back, and retries go out only while the
   bucket is more than half full. So in an outage the load on the target stays what it was.
4. A hedge is a second attempt while the first still runs: after the 95th percentile of the times that answers
   took, so that one request in twenty has one. No failure has paid for it, so it takes its token when it goes out,
   and goes only if that too leaves the bucket more than half full.

Hence over any stretch of time: retries and hedges < half the bucket + ``ratio`` for each success in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import LONGEST_TIMEOUT

__all__ = ["FEWEST_SAMPLES", "MOST_RETRIES", "FailedAttempt", "RetryBudget", "RetryRules", "hedge_delay", "retry_delay"]

MOST_RETRIES = 10
"""A longer row, or a steeper growth, is taken for a mistake."""

FEWEST_SAMPLES = 50
"""Answers timed before their 95th percentile is trusted: then at least two of them were slower."""

_UNIT = 1000  # tokens are counted in thousandths, as in gRPC: ten times a tenth is exactly one


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often, and after how long, a request that failed is tried again.

    Attributes:
        retries: Attempts after the first, 0 to ``MOST_RETRIES``.
        backoff: Seconds, at most, before the first retry.
        growth: What that is multiplied by for each further one, 1 to 10.
        longest_backoff: Seconds that it never exceeds; no less than ``backoff``.

    Raises:
        ContractViolation: One of them is outside its bounds, or no number.
    """

    retries: int = 2
    backoff: float = 0.05
    growth: float = 2.0
    longest_backoff: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= MOST_RETRIES:
            raise ContractViolation(f"A request is retried 0 to {MOST_RETRIES} times, not {self.retries}.")
        if not 0 <= self.backoff <= self.longest_backoff <= LONGEST_TIMEOUT:
            raise ContractViolation(
                f"A backoff of {self.backoff} s up to {self.longest_backoff} s is none: "
                f"0 <= backoff <= longest_backoff <= {LONGEST_TIMEOUT:.0f} s."
            )
        if not 1 <= self.growth <= 10:
            raise ContractViolation(f"A backoff grows by a factor of 1 to 10, not {self.growth}.")

    def delay(self, attempt: int, draw: float) -> float:
        """Return how many seconds to wait after the failure of an attempt.

        Args:
            attempt: The attempt that failed, from 1.
            draw: A random number in [0, 1).
        """
        return draw * min(self.longest_backoff, self.backoff * self.growth ** (attempt - 1))


class RetryBudget:
    """The retries and hedges that one target may still be sent, for all who ask it together.

    Args:
        tokens: Size of the bucket, over 2, at most 1000: of 2, the first failure would leave no more than half.
        ratio: Tokens that a success gives back, 0.001 to 1. Thousandths count, what is finer is rounded.

    Raises:
        ContractViolation: One of them is outside its bounds, or no number.
    """

    __slots__ = ("_left", "_most", "_ratio")

    def __init__(self, tokens: float = 10.0, ratio: float = 0.1) -> None:
        if not 2 < tokens <= 1000:
            raise ContractViolation(f"A retry budget holds more than 2 and at most 1000 tokens, not {tokens}.")
        if not 0.001 <= ratio <= 1:
            raise ContractViolation(f"A success gives back 0.001 to 1 token, not {ratio}.")
        self._most = round(tokens * _UNIT)
        self._ratio = round(ratio * _UNIT)
        self._left = self._most

    def __repr__(self) -> str:
        return f"<RetryBudget {self.tokens:g}/{self._most / _UNIT:g}>"

    @property
    def tokens(self) -> float:
        """Tokens in the bucket."""
        return self._left / _UNIT

    @property
    def allows(self) -> bool:
        """Whether a retry may go out after a failure that was taken in."""
        return 2 * self._left > self._most

    def failed(self) -> None:
        """Take in that an attempt failed, first or not, in a way that may pass by itself.

        What is the asker's own fault, or was cancelled by it, does not count: it says nothing about the target.
        """
        self._left = max(0, self._left - _UNIT)

    def succeeded(self) -> None:
        """Take in that an attempt was answered."""
        self._left = min(self._most, self._left + self._ratio)

    def spend(self) -> bool:
        """Take a token for a hedge that is about to go out; return False, and take none, if it may not."""
        if 2 * (self._left - _UNIT) <= self._most:
            return False
        self._left -= _UNIT
        return True


class FailedAttempt(NamedTuple):
    """What there is to know about an attempt that failed.

    Attributes:
        attempt: Which one it was, from 1.
        transient: Whether the failure may pass by itself.
        idempotent: Whether the request may be handled twice without harm.
        streamed: Whether the asker has seen a part of the answer already.
    """

    attempt: int
    transient: bool
    idempotent: bool
    streamed: bool = False


def retry_delay(
    rules: RetryRules, budget: RetryBudget, failure: FailedAttempt, *, now: float, deadline: float, draw: float
) -> float | None:
    """Return how many seconds to wait before the next attempt, or None for no further one.

    Args:
        rules: How this request is retried.
        budget: The target's; it has taken in this failure already.
        failure: The attempt that failed.
        now: The local clock, in seconds.
        deadline: When the whole request ends, on the same clock.
        draw: A random number in [0, 1).
    """
    may = failure.attempt <= rules.retries and failure.transient and failure.idempotent and not failure.streamed
    if not may or not budget.allows:
        return None
    delay = rules.delay(failure.attempt, draw)
    return delay if now + delay < deadline else None


def hedge_delay(
    p95: float | None, samples: int, budget: RetryBudget, *, idempotent: bool, remaining: float
) -> float | None:
    """Return after how many seconds without an answer a second attempt may go out, or None for none.

    When the time comes, ``budget.spend()`` has the last word.

    Args:
        p95: Seconds, the 95th percentile of the times that answers of this target took; None if unknown.
        samples: How many answers that was measured over.
        budget: The target's.
        idempotent: Whether the request may be handled twice without harm.
        remaining: Seconds to the deadline.
    """
    if not idempotent or samples < FEWEST_SAMPLES or not budget.allows:
        return None
    return p95 if p95 is not None and 0 < p95 < remaining else None
