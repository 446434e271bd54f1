"""Pending requests: a pure state machine, in which each request has exactly one terminal outcome.

Facts go in, each with the time at which it became known; effects come out. Nothing here reads a
clock, sleeps, or calls anybody.

::

                      Ended(replied)              ┌──► replied
                      Ended(failed)               ├──► failed
    Asked ──► waiting ── deadline passes ─────────┼──► expired     + Withdraw
                      Ended(cancelled)            ├──► cancelled   + Withdraw
                      Ended(rejected)             ├──► rejected
                      Ended(peer_lost), PeerGone, └──► peer_lost
                      Stopped

The rules:

1. Whatever is due at ``fact.now`` expires before the fact itself is looked at: a reply that comes at the
   deadline is late.
2. The first outcome is final. A reply or failure that comes after it is a ``DeadLetter`` with the
   reason; a cancel, loss or rejection that comes after it is nothing at all, for it carries nothing.
3. An outcome for an id that was never asked, or so long ago that it is forgotten, is a dead letter too.
4. After ``Stopped`` nothing waits, and whatever is asked is rejected at once.
"""

from __future__ import annotations

import enum
import heapq
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeAlias

from fablewright.errors import ContractViolation
from fablewright.protocol.dead_letter import DeadLetter, Reason

__all__ = [
    "Asked",
    "Effect",
    "Ended",
    "Fact",
    "Outcome",
    "PeerGone",
    "PendingRequests",
    "Settle",
    "Stopped",
    "Tick",
    "Withdraw",
]


class Outcome(enum.Enum):
    """How a request can end; each request ends in exactly one of these."""

    REPLIED = "replied"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    PEER_LOST = "peer_lost"


# ------------------------------------------------------------------ facts


@dataclass(frozen=True, slots=True)
class Asked:
    """A request was sent and waits for its outcome."""

    now: float
    message_id: str
    to: str
    deadline: float


@dataclass(frozen=True, slots=True)
class Ended:
    """Somebody says how a request ended; ``value`` is the reply or the error."""

    now: float
    message_id: str
    outcome: Outcome
    value: object = None


@dataclass(frozen=True, slots=True)
class PeerGone:
    """An agent will answer nothing any more."""

    now: float
    peer: str
    value: object = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The bus stops: nobody will answer anything any more."""

    now: float
    value: object = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time went by."""

    now: float


Fact: TypeAlias = Asked | Ended | PeerGone | Stopped | Tick

# ------------------------------------------------------------------ effects


@dataclass(frozen=True, slots=True)
class Settle:
    """Tell the asker the outcome, once."""

    message_id: str
    outcome: Outcome
    value: object = None


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Tell the answerer that nobody waits any more."""

    message_id: str
    to: str


Effect: TypeAlias = Settle | Withdraw | DeadLetter

_AFTER = {
    Outcome.REPLIED: Reason.DUPLICATE,
    Outcome.FAILED: Reason.DUPLICATE,
    Outcome.EXPIRED: Reason.LATE,
    Outcome.CANCELLED: Reason.AFTER_CANCEL,
    Outcome.REJECTED: Reason.DUPLICATE,
    Outcome.PEER_LOST: Reason.AFTER_LOSS,
}
_CARRIES = frozenset({Outcome.REPLIED, Outcome.FAILED})


class PendingRequests:
    """All requests of one bus that have no outcome yet.

    Args:
        remember: How many ended requests to keep the outcome of, so that what comes late can be named.
    """

    def __init__(self, *, remember: int = 1024) -> None:
        self._waiting: dict[str, tuple[str, float]] = {}  # id -> (to, deadline)
        self._due: list[tuple[float, str]] = []  # a heap; entries of ended requests are skipped later
        self._ended: OrderedDict[str, Outcome] = OrderedDict()
        self._remember = remember
        self._stopped = False

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "running"
        return f"<PendingRequests {state} waiting={len(self._waiting)} due={len(self._due)}>"

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._waiting

    def next_deadline(self) -> float | None:
        """Return when the next request expires, or None when nothing waits."""
        while self._due and not self._is_current(self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def handle(self, fact: Fact) -> list[Effect]:
        """Take in one fact and return what is to be done about it, in order.

        Raises:
            ContractViolation: ``Asked`` with an id that waits already.
        """
        effects = self._expire(fact.now)
        match fact:
            case Asked():
                effects += self._ask(fact)
            case Ended():
                effects += self._end(fact)
            case PeerGone():
                lost = [message_id for message_id, (to, _) in self._waiting.items() if to == fact.peer]
                effects += [self._settle(message_id, Outcome.PEER_LOST, fact.value) for message_id in lost]
            case Stopped():
                self._stopped = True
                effects += [self._settle(i, Outcome.PEER_LOST, fact.value) for i in list(self._waiting)]
            case Tick():
                pass
        return effects

    # -------------------------------------------------------------- inside

    def _ask(self, fact: Asked) -> list[Effect]:
        if fact.message_id in self._waiting:
            raise ContractViolation(f"Request {fact.message_id} waits already; ids are used once.")
        self._waiting[fact.message_id] = (fact.to, fact.deadline)
        if self._stopped:
            return [self._settle(fact.message_id, Outcome.REJECTED)]
        if fact.deadline <= fact.now:
            return [self._settle(fact.message_id, Outcome.EXPIRED)]
        heapq.heappush(self._due, (fact.deadline, fact.message_id))
        return []

    def _end(self, fact: Ended) -> list[Effect]:
        waiting = self._waiting.get(fact.message_id)
        if waiting is None:
            if fact.outcome not in _CARRIES:
                return []
            before = self._ended.get(fact.message_id)
            reason = Reason.UNKNOWN if before is None else _AFTER[before]
            return [DeadLetter(fact.message_id, reason, fact.now, fact.value)]
        effects: list[Effect] = [self._settle(fact.message_id, fact.outcome, fact.value)]
        if fact.outcome is Outcome.CANCELLED:
            effects.append(Withdraw(fact.message_id, waiting[0]))
        return effects

    def _expire(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._due and self._due[0][0] <= now:
            entry = heapq.heappop(self._due)
            if self._is_current(entry):
                message_id = entry[1]
                to = self._waiting[message_id][0]
                effects += [self._settle(message_id, Outcome.EXPIRED), Withdraw(message_id, to)]
        return effects

    def _settle(self, message_id: str, outcome: Outcome, value: object = None) -> Settle:
        del self._waiting[message_id]
        self._ended[message_id] = outcome
        if len(self._ended) > self._remember:
            self._ended.popitem(last=False)
        self._forget_stale_deadlines()
        return Settle(message_id, outcome, value)

    def _is_current(self, entry: tuple[float, str]) -> bool:
        waiting = self._waiting.get(entry[1])
        return waiting is not None and waiting[1] == entry[0]

    def _forget_stale_deadlines(self) -> None:
        # Most requests end long before their deadline; without this the heap would hold each of them
        # until then. Rebuilding when over half is stale costs O(1) a request, amortised.
        if not self._waiting:
            self._due.clear()
        elif len(self._due) > 64 and len(self._due) > 2 * len(self._waiting):
            self._due = [entry for entry in self._due if self._is_current(entry)]
            heapq.heapify(self._due)
