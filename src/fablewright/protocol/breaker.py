"""A circuit breaker: a dependency that keeps failing is left alone for a while, then tried with a few probes.

::

              too many failures or slow calls          the open time is over, and somebody asks
    closed ─────────────────────────────────► open ─────────────────────────────────► half_open
      ▲                                        ▲                                        │    │
      │                                        └────── a probe fails or is slow ────────┘    │
      └────────────────────────────── every probe succeeds ──────────────────────────────────┘

    any state ── force_open ──► forced_open ── release ──► open, its time over
    any state ── force_closed ─► forced_closed ── release ─► closed

The rules:

1. A caller takes a permit first and hands it back once with what became of the call. Open refuses at once.
   Half-open lets ``permits`` probes through and refuses the rest at once.
2. Closed opens after ``failures`` in a row, or when of at least ``least_calls`` calls of the last ``window``
   a share of ``failure_rate`` failed or of ``slow_rate`` took longer than ``slow_after``.
3. Half-open closes when as many probes as there are permits succeeded, and opens when one fails or is slow.
4. A result counts only in the generation that its permit came from, and each move begins a new one: what was
   started before the breaker opened neither closes it nor opens it again.
5. A cancelled or refused call is neutral: it says nothing about the dependency, and gives a probe's permit back.
6. A probe that does not report within ``probe_timeout`` loses its permit to the next caller. What it reports
   at that moment or later counts for nothing.
7. Each opening that follows a failed probe lasts ``growth`` times as long as the one before, up to
   ``longest_reset``. Closing, or a forced state, starts again from ``reset_time``.
8. While its state is forced nothing is counted. After ``force_open`` it has to pass its probes first.
9. News that the dependency is well ends the open time at once: the next caller is a probe, and proves it.

There is no timer: time comes in as ``now``, in seconds of a clock that does not go back.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from fablewright.errors import CircuitOpen, ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Breaker", "BreakerRules", "Moved", "Permit", "State", "Verdict"]

_BUCKETS = 10  # a window forgets a tenth of itself at a time
_MOVES_KEPT = 64  # when nobody takes them, the oldest go
_SHORTEST = 0.001  # seconds; a clock that counts 1e9 of them as a float still tells this apart


class State(enum.Enum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    FORCED_OPEN = "forced_open"
    FORCED_CLOSED = "forced_closed"


class Verdict(enum.Enum):
    """What a finished call says about the dependency."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


_CLOSED, _SUCCESS = State.CLOSED, Verdict.SUCCESS  # a member looked up in its Enum costs 0.05 us, and each call does it


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, for how long, and what closes it. Beside each: its name in resilience4j.

    Attributes:
        failures: Failures in a row that open it; None to count none. (None there; Envoy: consecutive_5xx.)
        reset_time: Seconds it stays open at first. (waitDurationInOpenState)
        growth: Factor on that after each failed probe; 1.0 for always the same. (enableExponentialBackoff)
        longest_reset: Seconds that it never grows beyond. (exponentialMaxWaitDurationInOpenState)
        permits: Probes let through in half-open. (permittedNumberOfCallsInHalfOpenState)
        probe_timeout: Seconds after which a probe that did not report loses its permit; ``reset_time`` when
            None. Should be longer than the calls' own time-out. (None there.)
        window: Seconds that the two rates look back; forgotten in tenths, so at least 0.9 of it counts.
            (slidingWindowSize)
        least_calls: Calls in the window below which no rate is judged. (minimumNumberOfCalls)
        failure_rate: Share of failed calls that opens it, in (0, 1]; None for no such rule. (failureRateThreshold)
        slow_after: Seconds beyond which a success counts as slow. (slowCallDurationThreshold)
        slow_rate: Share of slow calls that opens it, in (0, 1]; set with ``slow_after`` or not at all.
            (slowCallRateThreshold)

    Raises:
        ContractViolation: A value makes no sense; the message says which and what would.
    """

    failures: int | None = 5
    reset_time: float = 60.0
    growth: float = 1.0
    longest_reset: float = 600.0
    permits: int = 1
    probe_timeout: float | None = None
    window: float = 60.0
    least_calls: int = 20
    failure_rate: float | None = None
    slow_after: float | None = None
    slow_rate: float | None = None

    def __post_init__(self) -> None:
        span = f"a finite number of seconds, at least {_SHORTEST:g}"
        share = "None, or a share above 0 and up to 1"
        self._check("failures", "None, or at least 1", self.failures is None or self.failures >= 1)
        self._check("reset_time", span, _is_span(self.reset_time))
        self._check("growth", "a finite factor, at least 1", 1 <= self.growth < math.inf)
        self._check("longest_reset", span, _is_span(self.longest_reset))
        grows_in_vain = self.growth > 1 and self.longest_reset < self.reset_time
        self._check("longest_reset", f"at least its reset_time of {self.reset_time:g}", not grows_in_vain)
        self._check("permits", "at least 1", self.permits >= 1)
        self._check("probe_timeout", f"None, or {span}", self.probe_timeout is None or _is_span(self.probe_timeout))
        self._check("window", span, _is_span(self.window))
        self._check("least_calls", "at least 1", self.least_calls >= 1)
        self._check("failure_rate", share, self.failure_rate is None or _is_share(self.failure_rate))
        self._check("slow_after", f"None, or {span}", self.slow_after is None or _is_span(self.slow_after))
        self._check("slow_rate", share, self.slow_rate is None or _is_share(self.slow_rate))
        both_or_neither = (self.slow_after is None) == (self.slow_rate is None)
        self._check("slow_rate", "set together with its slow_after, or neither of them", both_or_neither)

    def _check(self, field: str, must_be: str, holds: bool) -> None:  # noqa: FBT001 - the condition, as in assert
        if not holds:
            raise ContractViolation(f"A breaker's {field} must be {must_be}; it is {getattr(self, field)}.")


class Permit(NamedTuple):
    """The leave to make one call, given at ``at`` and valid for one generation of the breaker."""

    generation: int
    at: float
    probe: int = 0  # which probe of its generation it is, from 1; 0 for none


# A NamedTuple's own constructor is a Python function; every call through a closed breaker has one of these.
_permit: Callable[[tuple[int, float, int]], Permit] = partial(tuple.__new__, Permit)


class Moved(NamedTuple):
    """A breaker went from one state to another."""

    at: float
    breaker: str
    before: State
    after: State
    cause: str


class Breaker:
    """One dependency's breaker. It belongs to one thread.

    Attributes:
        name: What it guards, for messages.
        last_cause: What the last call that counted against it said; empty before the first.
        has_moves: Whether ``take_moves`` has anything to hand over.
    """

    __slots__ = (
        "_generation",
        "_in_a_row",
        "_moves",
        "_passed",
        "_probes",
        "_probes_made",
        "_reset",
        "_rules",
        "_state",
        "_until",
        "_why",
        "_window",
        "has_moves",
        "last_cause",
        "name",
    )

    def __init__(self, name: str, rules: BreakerRules) -> None:
        self.name = name
        self.last_cause = ""
        self.has_moves = False
        self._moves: deque[Moved] = deque(maxlen=_MOVES_KEPT)
        self._rules = rules
        self._state = State.CLOSED
        self._generation = 0
        self._in_a_row = 0  # closed: failures since the last success
        rated = rules.failure_rate is not None or rules.slow_rate is not None
        self._window = _Window(rules.window) if rated else None
        self._reset = rules.reset_time  # how long the next opening lasts
        self._until = 0.0  # open: when a probe may go
        self._why = ""  # not closed: what opened it
        self._probes: dict[int, float] = {}  # half-open: those under way and their deadlines, oldest first
        self._probes_made = 0
        self._passed = 0

    def __repr__(self) -> str:
        return (
            f"<Breaker {self.name} {self._state.value} failures={self._in_a_row}"
            f" probes={len(self._probes)} passed={self._passed}>"
        )

    @property
    def state(self) -> State:
        """Where it stands; an open breaker becomes half-open only when somebody asks."""
        return self._state

    # -------------------------------------------------------------- calls

    def admit(self, now: float) -> Permit:
        """Return a permit for one call.

        Raises:
            CircuitOpen: It is open, or half-open with all its probes under way.
        """
        if self._state is _CLOSED:
            return _permit((self._generation, now, 0))
        wait = self.retry_after(now)
        if wait > 0:
            raise CircuitOpen(self._refusal(wait))
        if self._state is State.FORCED_CLOSED:
            return Permit(self._generation, now)
        if self._state is State.OPEN:
            self._enter(State.HALF_OPEN, now, "its open time was over")
        return self._probe(now)

    def report(self, permit: Permit, verdict: Verdict, now: float, cause: str = "") -> None:
        """Take in what became of a call; ``cause`` says in a few words why it failed."""
        if permit.generation != self._generation:
            return
        if self._state is _CLOSED:
            if verdict is _SUCCESS and self._window is None:
                self._in_a_row = 0
            elif verdict is not Verdict.NEUTRAL:
                self._count(verdict, now - permit.at, now, cause)
        elif self._state is State.HALF_OPEN:
            self._judge(permit, verdict, now, cause)

    def retry_after(self, now: float) -> float:
        """Return the seconds until a caller may be admitted: 0 if now, infinity while it is forced open.

        In half-open a place may come free sooner, when a probe reports.
        """
        if self._state is State.OPEN:
            return max(0.0, self._until - now)
        if self._state is State.HALF_OPEN and self._is_full():
            return max(0.0, self._probes[self._oldest_probe()] - now)
        return math.inf if self._state is State.FORCED_OPEN else 0.0

    def is_well(self, now: float) -> None:
        """Take news of the dependency from somewhere else; unless it is open, that is nothing new."""
        if self._state is State.OPEN:
            self._until = min(self._until, now)

    # -------------------------------------------------------------- by hand

    def force_open(self, now: float) -> None:
        """Refuse everybody until ``release``."""
        if self._state is not State.FORCED_OPEN:
            self._why = "was switched off by hand"
            self._enter(State.FORCED_OPEN, now, "by hand")

    def force_closed(self, now: float) -> None:
        """Admit everybody, whatever becomes of it, until ``release``."""
        if self._state is not State.FORCED_CLOSED:
            self._enter(State.FORCED_CLOSED, now, "by hand")

    def release(self, now: float) -> None:
        """End a forced state: what was forced open is probed by the next caller, what was forced closed is closed."""
        if self._state is State.FORCED_OPEN:
            self._until = now
            self._enter(State.OPEN, now, "released")
        elif self._state is State.FORCED_CLOSED:
            self._enter(State.CLOSED, now, "released")

    # -------------------------------------------------------------- looking

    def take_moves(self) -> list[Moved]:
        """Hand over the moves since the last time, oldest first; the latest 64 if they were more."""
        moves = list(self._moves)
        self._moves.clear()
        self.has_moves = False
        return moves

    # -------------------------------------------------------------- inside

    def _count(self, verdict: Verdict, took: float, now: float, cause: str) -> None:
        """Closed: take in a call, and open if it was one too many."""
        rules = self._rules
        slow = False
        if verdict is Verdict.FAILURE:
            self._in_a_row += 1
            self.last_cause = cause
        else:
            self._in_a_row = 0
            slow = self._was_slow(took)
        if self._window is not None:
            self._window.add(now, failed=verdict is Verdict.FAILURE, slow=slow)
        if self._in_a_row == rules.failures:
            self._open(now, f"failed {_times(self._in_a_row)}")
        elif self._window is not None and self._window.calls >= rules.least_calls:
            calls, failed, slow_ones = self._window.calls, self._window.failed, self._window.slow
            # Divided, not multiplied: 7 / 100 is exactly the 0.07 that somebody wrote, 0.07 * 100 is over 7.
            if rules.failure_rate is not None and failed / calls >= rules.failure_rate:
                self._open(now, f"failed in {failed} of {calls} calls")
            elif rules.slow_rate is not None and slow_ones / calls >= rules.slow_rate:
                self._open(now, f"was slow in {slow_ones} of {calls} calls")

    def _was_slow(self, took: float) -> bool:
        limit = self._rules.slow_after
        if limit is None or took <= limit:
            return False
        self.last_cause = f"took {took:.2f} s"
        return True

    def _probe(self, now: float) -> Permit:
        """Half-open: give out a permit, the oldest probe's if none is left, for then that one is overdue."""
        if self._is_full():
            del self._probes[self._oldest_probe()]
        self._probes_made += 1
        rules = self._rules
        self._probes[self._probes_made] = now + (rules.probe_timeout or rules.reset_time)
        return Permit(self._generation, now, self._probes_made)

    def _judge(self, permit: Permit, verdict: Verdict, now: float, cause: str) -> None:
        """Half-open: take in what became of a probe."""
        deadline = self._probes.pop(permit.probe, None)
        if deadline is None or now >= deadline or verdict is Verdict.NEUTRAL:
            return
        if verdict is Verdict.FAILURE:
            self.last_cause = cause
            self._open(now, "failed when it was tried again")
        elif self._was_slow(now - permit.at):
            self._open(now, "was slow when it was tried again")
        else:
            self._passed += 1
            if self._passed == self._rules.permits:
                self._enter(State.CLOSED, now, "every probe succeeded")

    def _is_full(self) -> bool:
        return self._passed + len(self._probes) == self._rules.permits

    def _oldest_probe(self) -> int:
        return next(iter(self._probes))

    def _open(self, now: float, why: str) -> None:
        self._why = f"{why} (last: {self.last_cause})" if self.last_cause else why
        self._until = now + self._reset
        self._reset = max(self._rules.reset_time, min(self._reset * self._rules.growth, self._rules.longest_reset))
        self._enter(State.OPEN, now, self._why)

    def _enter(self, state: State, now: float, cause: str) -> None:
        """Move: what was counted or given out before counts no more."""
        if state not in {State.OPEN, State.HALF_OPEN}:
            self._reset = self._rules.reset_time
        self._moves.append(Moved(now, self.name, self._state, state, cause))
        self.has_moves = True
        self._state = state
        self._generation += 1
        self._in_a_row = 0
        self._window = _Window(self._rules.window) if self._window is not None else None
        self._probes.clear()
        self._probes_made = self._passed = 0

    def _refusal(self, wait: float) -> str:
        if self._state is State.FORCED_OPEN:
            return f"{self.name} {self._why} and stays off until it is released."
        seconds = math.ceil(wait)
        if self._state is State.HALF_OPEN:
            return f"{self.name} {self._why} and is being tried again right now; ask again in {seconds} s or before."
        return f"{self.name} {self._why} and is left alone for another {seconds} s."


class _Bucket:
    """What was counted in one tenth of a window."""

    __slots__ = ("calls", "failed", "slot", "slow")

    def __init__(self, slot: float) -> None:
        self.slot = slot
        self.calls = self.failed = self.slow = 0


class _Window:
    """Counts over the last ``length`` seconds, in at most ten buckets; a call costs O(1), amortised."""

    __slots__ = ("_buckets", "_width", "calls", "failed", "slow")

    def __init__(self, length: float) -> None:
        self._width = length / _BUCKETS
        self._buckets: deque[_Bucket] = deque()
        self.calls = self.failed = self.slow = 0

    def add(self, now: float, *, failed: bool, slow: bool) -> None:
        slot = now // self._width
        if not self._buckets or slot > self._buckets[-1].slot:
            self._buckets.append(_Bucket(slot))
            while self._buckets[0].slot <= slot - _BUCKETS:
                gone = self._buckets.popleft()
                self.calls -= gone.calls
                self.failed -= gone.failed
                self.slow -= gone.slow
        latest = self._buckets[-1]
        latest.calls += 1
        latest.failed += failed
        latest.slow += slow
        self.calls += 1
        self.failed += failed
        self.slow += slow


def _is_span(seconds: float) -> bool:
    return _SHORTEST <= seconds < math.inf


def _is_share(rate: float) -> bool:
    return 0 < rate <= 1


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times in a row"
