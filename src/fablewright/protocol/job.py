"""A job: work that was accepted, and has exactly one outcome, whoever dies on the way.

::

               wanted                    finished
    waiting ───────────► leased ─────────────────────► done
       ▲                  │  │
       │   broke, tries   │  │ broke, or its lease is over and it is wanted again: no tries left
       ├── are left ──────┤  └────────────────────────► failed
       │   given back     │
       └──────────────────┘
    waiting, leased ── withdrawn ──► cancelled

The rules:

1. A job that waits is leased to whoever wants it first. A lease has a number, one more than the one before, and an
   end. Each lease is a try.
2. A lease that is over is lost: whoever wants the job next is granted a new one. When all tries are used the job
   fails instead, because nobody finished it. How long a lease lasts is said by who takes it, and stands with it: who
   looks may have been set up otherwise. One that ends later than it lasts from now was granted under a clock that has
   been set back since, and is over too: else its job would wait as long as the clock was wrong.
3. The first to finish writes the result; all who come later are told that they are late and write nothing. Who lost
   her lease may still be first: her result is as good as any, and the work need not be done twice.
4. A job that broke waits for its next try, or fails when there is none left. A job that is given back waits, and that
   try does not count. Only the latest lease can do either: somebody else may be at work by now.
5. Done, failed and cancelled are final. Whoever finishes after that is late.

Nothing here reads a clock: a fact brings ``now``, in seconds of one that all who share the jobs agree on.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TypeAlias

from fablewright.errors import ContractViolation

__all__ = [
    "Broke",
    "Effect",
    "Fact",
    "Finished",
    "GivenBack",
    "Job",
    "JobRules",
    "State",
    "Wanted",
    "Withdrawn",
    "step",
]

UNFINISHED = "nobody who began it came to an end"


class State(enum.Enum):
    """Where a job stands."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing changes any more."""
        return self in _FINAL


_FINAL = frozenset((State.DONE, State.FAILED, State.CANCELLED))


class Effect(enum.Enum):
    """What is to be done, or told to who brought the fact."""

    GRANT = "grant"  # the lease is hers: its number and end are the job's
    WRITE = "write"  # the result is to be stored, together with the job
    LATE = "late"  # nothing is to be done: it is over, or somebody else's
    FAIL = "fail"  # the job has failed; its reason says why
    AGAIN = "again"  # the job waits to be tried again
    CANCEL = "cancel"  # the job was called off


@dataclass(frozen=True, slots=True)
class JobRules:
    """How long and how often.

    Attributes:
        lease: Seconds that a lease lasts that is granted now; more than the work can take.
        tries: How many there are, at least 1.

    Raises:
        ContractViolation: A value makes no sense.
    """

    lease: float = 60.0
    tries: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.lease < float("inf"):
            raise ContractViolation(f"A lease must last a finite time above 0 seconds, not {self.lease}.")
        if self.tries < 1:
            raise ContractViolation(f"A job must have at least one try, not {self.tries}.")


@dataclass(frozen=True, slots=True)
class Job:
    """One job.

    Attributes:
        state: Where it stands.
        lease: The number of the latest lease; 0 before the first.
        until: When that one is over; 0 when it was handed back.
        lasts: Seconds from its beginning to its end; 0 before the first.
        tries: How many were begun and not given back.
        reason: Why it failed, or why its latest try broke.
    """

    state: State = State.WAITING
    lease: int = 0
    until: float = 0.0
    lasts: float = 0.0
    tries: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody is free to work on it."""

    now: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Whoever had this lease has a result."""

    lease: int


@dataclass(frozen=True, slots=True)
class Broke:
    """Whoever had this lease could not do it."""

    lease: int
    reason: str


@dataclass(frozen=True, slots=True)
class GivenBack:
    """Whoever had this lease stops before the end."""

    lease: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It is not needed any more."""


Fact: TypeAlias = Wanted | Finished | Broke | GivenBack | Withdrawn


def step(job: Job, fact: Fact, rules: JobRules) -> tuple[Job, Effect]:
    """Return what becomes of a job, and what is to be done.

    Raises:
        ContractViolation: The fact speaks of a lease that was never granted.
    """
    lease = getattr(fact, "lease", 0)
    if lease > job.lease:
        raise ContractViolation(f"Lease {lease} of a job was never granted; the latest is {job.lease}.")
    is_held = job.state is State.LEASED and lease == job.lease
    if job.state.is_final or (isinstance(fact, Broke | GivenBack) and not is_held):
        return job, Effect.LATE
    match fact:
        case Wanted(now):
            return _wanted(job, now, rules)
        case Finished():
            return replace(job, state=State.DONE, reason=""), Effect.WRITE
        case Broke(_, reason):
            return _broke(job, reason, rules)
        case GivenBack():
            return replace(job, state=State.WAITING, until=0.0, tries=job.tries - 1), Effect.AGAIN
        case Withdrawn():
            return replace(job, state=State.CANCELLED), Effect.CANCEL


def _wanted(job: Job, now: float, rules: JobRules) -> tuple[Job, Effect]:
    if job.state is State.LEASED and now < job.until <= now + job.lasts:
        return job, Effect.LATE
    if job.tries >= rules.tries:
        return replace(job, state=State.FAILED, reason=job.reason or UNFINISHED), Effect.FAIL
    until, tries = now + rules.lease, job.tries + 1
    granted = replace(job, state=State.LEASED, lease=job.lease + 1, until=until, lasts=rules.lease, tries=tries)
    return granted, Effect.GRANT


def _broke(job: Job, reason: str, rules: JobRules) -> tuple[Job, Effect]:
    if job.tries >= rules.tries:
        return replace(job, state=State.FAILED, reason=reason), Effect.FAIL
    return replace(job, state=State.WAITING, until=0.0, reason=reason), Effect.AGAIN
