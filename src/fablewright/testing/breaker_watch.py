"""What a circuit breaker may let through, seen from outside: by what was sent, and how it ended.

A breaker decides by reports that come a turn of the loop after the outcome, in an order that nobody outside sees.
So this is no second breaker, but what holds in any order:

* ``failures`` attempts failed in a row, each sent and settled after the last success: the breaker is open, or
  half-open. It stays so until something succeeds.
* For each such stretch of ``reset`` seconds, no more than ``permits`` attempts that failed or are not over
  may go out. (A cancelled, refused or expired one may have given its permit back.)
* Nobody is refused before ``failures`` attempts have failed, expired or broken off at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fablewright.testing.scenario import Rule

__all__ = ["Attempt", "BreakerWatch"]

_TICK = 1 / 128


class Attempt(Protocol):
    """What is looked at of an attempt."""

    @property
    def sent(self) -> float:
        """When it was sent, in seconds."""
        ...

    @property
    def holds_permit(self) -> bool:
        """Whether it is not over, or failed: whatever else it may have come to gives a permit back."""
        ...


class BreakerWatch:
    """Watches one breaker.

    Args:
        rule: How it was set.
    """

    def __init__(self, rule: Rule) -> None:
        self._failures = rule.failures
        self._permits = rule.permits
        self._reset = rule.reset * _TICK
        self._row: list[Attempt] = []  # that failed one after the other
        self._failed_at = -1.0  # when the row became long enough
        self._succeeded_at = -1.0
        self._bad = 0  # attempts that failed or expired, ever
        self._probes: list[Attempt] = []

    def sent(self, attempt: Attempt) -> str:
        """Take note of an attempt that goes out; return what is wrong with that, in words, or nothing."""
        if len(self._row) < self._failures or attempt.sent <= self._failed_at:
            return ""
        begins = attempt.sent - self._reset
        self._probes = [probe for probe in self._probes if probe.sent > begins]
        self._probes.append(attempt)
        counted = sum(probe.holds_permit for probe in self._probes)
        if counted <= self._permits:
            return ""
        return f"is one of {counted} let through in {self._reset:g} s after {len(self._row)} failures in a row"

    def ended(self, attempt: Attempt, at: float, *, failed: bool) -> None:
        """Take note of an outcome that speaks of the agent's health: a reply, or a failure that is not the asker's."""
        if not failed:
            self._succeeded_at = at
            self._row.clear()
            self._probes.clear()
            return
        self._bad += 1
        if attempt.sent > self._succeeded_at:
            self._row.append(attempt)
            if len(self._row) == self._failures:
                self._failed_at = at

    def cancelled(self, attempt: Attempt) -> None:
        """Take note that an attempt's asker was cancelled before it got to know the outcome: that is neutral."""
        if attempt in self._row:
            self._row.remove(attempt)
        if attempt in self._probes:
            self._probes.remove(attempt)

    def expired(self) -> None:
        """Take note of an attempt that got no answer in time."""
        self._bad += 1

    @property
    def may_refuse(self) -> bool:
        """Whether it had a reason to open, ever."""
        return self._bad >= self._failures
