"""Pending requests: a pure state machine, in which each request has exactly one terminal outcome.

Facts go in, each with the time at which it became known; effects come out. Nothing here reads a
clock, sleeps, or calls anybody.

::

                      Ended(replied)              ┌──► replied
                      Ended(failed)               ├──► failed
    Asked ──► waiting ── deadline passes ─────────┼──► expired     + Withdraw, at once or after ``linger``
                      Ended(cancelled)            ├──► cancelled   + Withdraw
                      Ended(rejected)             ├──► rejected
                      Ended(peer_lost), PeerGone, └──► peer_lost
                      Stopped

The rules:

1. A request whose deadline is at ``fact.now`` or before has expired, whatever the fact says about it: a
   reply that comes at the deadline is late. One that is asked without any time left is not even sent.
2. ``Tick`` expires the others, earliest first, but no more than ``at_once`` of them: a loop that has to
   end a hundred thousand requests gets its breath between the slices. ``next_deadline`` lies in the past
   until all are done.
3. The first outcome is final. A reply or failure that comes after it is a ``DeadLetter`` with the
   reason; a cancel, loss or rejection that comes after it is nothing at all, for it carries nothing.
4. An outcome for an id that was never asked, or so long ago that it is forgotten, is a dead letter too.
5. Work whose late reply is still of use may ``linger``: it is withdrawn only so many seconds after the
   deadline, unless it ends before. The asker does not wait for it, and cannot cancel it any more.
6. ``PeerGone`` and ``Stopped`` end all that they concern, in the order in which it was asked. There is nobody
   to withdraw it from.
7. After ``Stopped`` nothing waits, and whatever is asked is rejected at once.
"""

from __future__ import annotations

import enum
import heapq
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from fablewright.errors import ContractViolation
from fablewright.protocol.dead_letter import DeadLetter, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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

    __hash__ = object.__hash__  # an Enum's own is a Python function that hashes the name

    REPLIED = "replied"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    PEER_LOST = "peer_lost"


# ------------------------------------------------------------------ facts


class Asked(NamedTuple):
    """A request was sent and waits for its outcome; ``linger``: seconds that its work may outlive its deadline."""

    now: float
    message_id: str
    to: str
    deadline: float
    linger: float = 0.0


class Ended(NamedTuple):
    """Somebody says how a request ended; ``value`` is the reply or the error."""

    now: float
    message_id: str
    outcome: Outcome
    value: object = None


class PeerGone(NamedTuple):
    """An agent will answer nothing any more of what it was asked so far."""

    now: float
    peer: str
    value: object = None


class Stopped(NamedTuple):
    """The bus stops: nobody will answer anything any more."""

    now: float
    value: object = None


class Tick(NamedTuple):
    """Time went by."""

    now: float


Fact: TypeAlias = Asked | Ended | PeerGone | Stopped | Tick

# ------------------------------------------------------------------ effects


class Settle(NamedTuple):
    """Tell the asker the outcome, once."""

    message_id: str
    outcome: Outcome
    value: object = None


class Withdraw(NamedTuple):
    """Tell the answerer that nobody has a use for its answer any more."""

    message_id: str
    to: str


Effect: TypeAlias = Settle | Withdraw | DeadLetter

# A NamedTuple's own constructor is a Python function; of these there may be very many at once.
_settled: Callable[[tuple[str, Outcome, object]], Settle] = partial(tuple.__new__, Settle)
_withdrawn: Callable[[tuple[str, str]], Withdraw] = partial(tuple.__new__, Withdraw)

_REPLIED, _EXPIRED, _CANCELLED = (
    Outcome.REPLIED,
    Outcome.EXPIRED,
    Outcome.CANCELLED,
)  # a member looked up in its Enum costs 0.05 us

_MANY = 64
"""Requests that have ended; fewer in the order of deadlines are not worth a sweep."""

_AFTER = {
    Outcome.REPLIED: Reason.DUPLICATE,
    Outcome.FAILED: Reason.DUPLICATE,
    Outcome.EXPIRED: Reason.LATE,
    Outcome.CANCELLED: Reason.AFTER_CANCEL,
    Outcome.REJECTED: Reason.DUPLICATE,
    Outcome.PEER_LOST: Reason.AFTER_LOSS,
}


_Request: TypeAlias = tuple[float, str, str, float]
"""What is kept of a request: deadline, id, receiver, linger. The order of deadlines holds the same object."""


class PendingRequests:
    """All requests of one bus that have no outcome yet.

    Args:
        remember: How many ended requests to keep the outcome of, at least, so that what comes late can be named.
        at_once: How many requests one ``Tick`` expires at the most.
    """

    def __init__(self, *, remember: int = 1024, at_once: int = 64) -> None:
        self._waiting: dict[str, _Request] = {}
        self._lingering: dict[str, _Request] = {}  # expired, not withdrawn yet; the deadline is that of the work
        # In the order of their deadlines, those that have ended are skipped later. Nearly all come in that order, for
        # time-outs are alike, and are taken from a queue in no time; the others are in a heap.
        self._in_turn: deque[_Request] = deque()
        self._out_of_turn: list[_Request] = []
        self._ended: dict[str, Outcome] = {}  # the latest, up to ``remember``
        self._ended_before: dict[str, Outcome] = {}  # as many from before those
        self._remember = remember
        self._at_once = at_once
        self._left_behind = 0  # entries in either whose requests have ended
        self._stopped = False

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "running"
        return f"<PendingRequests {state} waiting={len(self._waiting)} lingering={len(self._lingering)}>"

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._waiting

    @property
    def lingering(self) -> int:
        """How many requests have expired while their work still goes on."""
        return len(self._lingering)

    def next_deadline(self) -> float | None:
        """Return when a ``Tick`` has something to do next, or None when nothing waits or lingers."""
        first = self._first()
        while first is not None and not self._is_current(first):
            self._take_first()
            self._left_behind -= 1
            first = self._first()
        return None if first is None else first[0]

    def handle(self, fact: Fact) -> list[Effect]:
        """Take in one fact and return what is to be done about it, in order.

        Raises:
            ContractViolation: ``Asked`` with an id that waits or lingers already.
        """
        if type(fact) is Asked:
            return [*self.ask(*fact)]
        if type(fact) is not Ended:
            return self._lose(fact) if isinstance(fact, PeerGone | Stopped) else self._tick(fact.now)
        now, message_id, outcome, value = fact
        request = self._waiting.get(message_id)
        if request is None:
            return self._too_late(fact)
        if request[0] <= now:
            expired = self._expire(request, now)
            self._leave_behind()
            return expired + self._too_late(fact)
        settled = self._settle(message_id, outcome, value)
        self._leave_behind()
        return [settled, Withdraw(message_id, request[2])] if outcome is _CANCELLED else [settled]

    # -------------------------------------------------------------- what nearly every request is: asked, and replied to

    def ask(self, now: float, message_id: str, to: str, deadline: float, linger: float = 0.0) -> Sequence[Effect]:
        """Take in an ``Asked`` that nobody has made a record of; see ``handle``."""
        if message_id in self._waiting or message_id in self._lingering:
            raise ContractViolation(f"Request {message_id} waits already; ids are used once.")
        request = (deadline, message_id, to, linger)
        self._waiting[message_id] = request
        if self._stopped:
            return [self._settle(message_id, Outcome.REJECTED, None)]
        if deadline <= now:
            return [self._settle(message_id, _EXPIRED, None)]
        in_turn = self._in_turn
        if not in_turn or in_turn[-1] < request:
            in_turn.append(request)
        else:
            heapq.heappush(self._out_of_turn, request)
        return ()

    def reply(self, now: float, message_id: str) -> bool:
        """Take in that a reply has come, if it is the outcome: the first, and in time.

        Returns:
            Whether it is; the asker is to be told, and that is all. If not, nothing was taken in: see ``handle``.
        """
        request = self._waiting.get(message_id)
        if request is None or request[0] <= now:
            return False
        # What ``_settle`` and ``_leave_behind`` do: every request comes through, and calls cost.
        del self._waiting[message_id]
        ended = self._ended
        ended[message_id] = _REPLIED
        if len(ended) >= self._remember:
            self._ended_before, self._ended = ended, {}
        self._left_behind = left_behind = self._left_behind + 1
        if left_behind >= _MANY and 2 * left_behind > len(self._in_turn) + len(self._out_of_turn):
            self._sweep()
        return True

    # -------------------------------------------------------------- inside

    def _too_late(self, fact: Ended) -> list[Effect]:
        if fact.outcome is _CANCELLED:
            return []  # its asker left long ago
        if self._lingering.pop(fact.message_id, None) is not None:
            self._leave_behind()
        if fact.outcome not in {Outcome.REPLIED, Outcome.FAILED}:
            return []
        before = self._ended.get(fact.message_id) or self._ended_before.get(fact.message_id)
        reason = Reason.UNKNOWN if before is None else _AFTER[before]
        return [DeadLetter(fact.message_id, reason, fact.now, fact.value)]

    def _tick(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        left = self._at_once
        while left:
            request = self._first()
            if request is None or request[0] > now:
                break
            self._take_first()
            _, message_id, to, _ = request
            if self._waiting.get(message_id) is request:
                effects += self._expire(request, now)
            elif self._lingering.get(message_id) is request:
                del self._lingering[message_id]
                effects.append(Withdraw(message_id, to))
            else:
                self._left_behind -= 1
                continue
            left -= 1
        return effects

    def _expire(self, request: _Request, now: float) -> list[Effect]:
        deadline, message_id, to, linger = request
        settled = self._settle(message_id, _EXPIRED, None)
        until = deadline + linger
        if until > now:
            lingers = (until, message_id, to, 0.0)
            self._lingering[message_id] = lingers
            heapq.heappush(self._out_of_turn, lingers)
            return [settled]
        return [settled, _withdrawn((message_id, to))]

    def _lose(self, fact: PeerGone | Stopped) -> list[Effect]:
        if isinstance(fact, Stopped):
            self._stopped = True
            lost = list(self._waiting.values())
            self._lingering.clear()
        else:
            lost = [request for request in self._waiting.values() if request[2] == fact.peer]
            self._lingering = {i: request for i, request in self._lingering.items() if request[2] != fact.peer}
        effects: list[Effect] = []
        for deadline, message_id, _, _ in lost:
            if deadline <= fact.now:
                effects.append(self._settle(message_id, _EXPIRED, None))
            else:
                effects.append(self._settle(message_id, Outcome.PEER_LOST, fact.value))
        self._sweep()
        return effects

    def _settle(self, message_id: str, outcome: Outcome, value: object) -> Settle:
        del self._waiting[message_id]
        ended = self._ended
        ended[message_id] = outcome
        if len(ended) >= self._remember:
            self._ended_before, self._ended = ended, {}
        return _settled((message_id, outcome, value))

    def _leave_behind(self) -> None:
        """Note that a request ends while its entry is there; sweep when that makes half of the entries.

        Most requests end long before their deadline; each of them would be held until then. A sweep
        costs as much as there are requests left, and at least so many have ended since the one before.
        """
        self._left_behind += 1
        if self._left_behind >= _MANY and 2 * self._left_behind > len(self._in_turn) + len(self._out_of_turn):
            self._sweep()

    def _sweep(self) -> None:
        self._in_turn = deque(sorted([*self._waiting.values(), *self._lingering.values()]))
        self._out_of_turn = []
        self._left_behind = 0

    def _first(self) -> _Request | None:
        """Return the entry with the earliest deadline."""
        in_turn, out_of_turn = self._in_turn, self._out_of_turn
        if out_of_turn and (not in_turn or out_of_turn[0] < in_turn[0]):
            return out_of_turn[0]
        return in_turn[0] if in_turn else None

    def _take_first(self) -> None:
        """Take out that entry; there must be one."""
        in_turn, out_of_turn = self._in_turn, self._out_of_turn
        if out_of_turn and (not in_turn or out_of_turn[0] < in_turn[0]):
            heapq.heappop(out_of_turn)
        else:
            in_turn.popleft()

    def _is_current(self, request: _Request) -> bool:
        message_id = request[1]
        return self._waiting.get(message_id) is request or self._lingering.get(message_id) is request
