"""A circuit breaker: a dependency that keeps failing is left alone for a while, then tried with one probe.

::

              threshold failures in a row             reset_time passed
    closed ─────────────────────────────────► open ─────────────────────► half_open
      ▲                                        ▲                            │    │
      │                                        └──────── probe fails ───────┘    │
      └───────────────────────────── probe succeeds ─────────────────────────────┘

The rules:

1. A caller takes a permit first and hands it back with what became of it. Open refuses at once; half-open
   gives out one permit and refuses the rest.
2. A result counts only in the generation that its permit came from: what was started before the breaker
   opened neither closes it nor opens it again.
3. A cancelled or refused call is neutral: it says nothing about the dependency, and frees the probe.
4. A probe that never reports back loses its permit after ``reset_time``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from fablewright.errors import CircuitOpen, ContractViolation

__all__ = ["Breaker", "Permit", "State", "Verdict"]


class State(enum.Enum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Verdict(enum.Enum):
    """What a finished call says about the dependency."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Permit:
    """The leave to make one call, valid for one generation of the breaker."""

    generation: int


class Breaker:
    """One dependency's breaker.

    Args:
        name: What it guards, for messages.
        threshold: Failures in a row that open it, at least 1.
        reset_time: Seconds it stays open before one probe is let through.
    """

    def __init__(self, name: str, *, threshold: int, reset_time: float) -> None:
        if threshold < 1 or not 0 <= reset_time < float("inf"):
            raise ContractViolation(f"The breaker of {name} needs a threshold of at least 1 and a finite reset time.")
        self.name = name
        self._threshold = threshold
        self._reset_time = reset_time
        self._state = State.CLOSED
        self._generation = 0
        self._failures = 0
        self._until = 0.0  # open: when a probe may go; half-open: when the probe is given up

    def __repr__(self) -> str:
        return f"<Breaker {self.name} {self._state.value} failures={self._failures}/{self._threshold}>"

    @property
    def state(self) -> State:
        """Where it stands; an open breaker becomes half-open only when somebody asks."""
        return self._state

    def admit(self, now: float) -> Permit:
        """Return a permit for one call.

        Raises:
            CircuitOpen: It is open, or half-open with its probe under way.
        """
        if self._state is not State.CLOSED:
            if now < self._until:
                raise CircuitOpen(self._why(now))
            self._enter(State.HALF_OPEN)
            self._until = now + self._reset_time
        return Permit(self._generation)

    def report(self, permit: Permit, verdict: Verdict, now: float) -> None:
        """Take in what became of a call."""
        if permit.generation != self._generation:
            return
        match (self._state, verdict):
            case (State.CLOSED, Verdict.SUCCESS):
                self._failures = 0
            case (State.CLOSED, Verdict.FAILURE):
                self._failures += 1
                if self._failures >= self._threshold:
                    self._open(now)
            case (State.HALF_OPEN, Verdict.SUCCESS):
                self._failures = 0
                self._enter(State.CLOSED)
            case (State.HALF_OPEN, Verdict.FAILURE):
                self._open(now)
            case (State.HALF_OPEN, Verdict.NEUTRAL):
                self._until = now  # nothing was learnt: the next caller may probe
            case _:
                pass

    def _why(self, now: float) -> str:
        if self._state is State.HALF_OPEN:
            return f"{self.name} failed and is being tried again right now."
        wait = self._until - now
        return f"{self.name} failed {self._threshold} times in a row and is left alone for another {wait:.0f} s."

    def _open(self, now: float) -> None:
        self._enter(State.OPEN)
        self._until = now + self._reset_time

    def _enter(self, state: State) -> None:
        self._state = state
        self._generation += 1
