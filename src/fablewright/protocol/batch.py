"""Batches: requests of one action that come close together are handed to one run of their handler.

::

                       max_size are here,
                    or max_wait has passed               one result each
    add ──► collecting ─────────────────────► running ──────────────────► Answer, Fail
               │    └─ too late: Expire        │   ▲
               └─ withdraw: dropped            └───┘ raised: two halves run again

The rules:

1. A batch is flushed ``max_wait`` after its first item came, or as soon as ``max_size`` are here. Neither
   items that join nor the withdrawal of the first one move that time. Only ``tick`` flushes by time, and
   whatever came before it goes along: with a ``max_wait`` of 0, all that was added in one turn of the loop.
2. An item whose deadline has passed when its batch would run is never handed to the handler: ``Expire``.
3. A withdrawn item is dropped. If nothing else collects, the timer is disarmed; if nobody waits for a run
   any more, it is cancelled.
4. A handler returns a list or a tuple: one result an item, in order. A result that is an exception fails that
   item alone, and so does None, which is no reply. Anything else breaks the contract, for each of the items.
5. When a run of several raised, they run again in two halves, until what made it raise runs alone and fails
   alone. An item is therefore handled up to ``1 + ceil(log2(n))`` times, in up to ``2 n - 1`` runs of what had
   been ``n`` items: **batched requests are idempotent by contract.**
6. No item is to blame for a run that was stopped from outside (an error that is no ``Exception``), or that
   was refused for overload by somebody it asked (``Rejected``, unless as ``UnknownRecipient``, whom an item may
   have named). It is not split: that would only send more load to where there is too much of it. All of its
   items fail with its error.
7. The first report of a run counts; one that comes again, or after the run was cancelled, is nothing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, TypeAlias

from fablewright.errors import ContractViolation, Rejected, UnknownRecipient

__all__ = ["Answer", "BatchRules", "Batches", "CancelRun", "Effect", "Expire", "Fail", "Run"]


@dataclass(frozen=True, slots=True)
class BatchRules:
    """How the requests of one action are collected.

    Attributes:
        max_size: How many items one run is given at most, at least 1.
        max_wait: Seconds that the first item of a batch waits for others; 0 until the next tick.

    Raises:
        ContractViolation: One of them is out of its range.
    """

    max_size: int = 32
    max_wait: float = 0.01

    def __post_init__(self) -> None:
        if self.max_size < 1:
            raise ContractViolation(f"A batch holds at least 1 item, not {self.max_size}.")
        if not 0 <= self.max_wait < inf:
            raise ContractViolation(f"A batch waits for 0 seconds or a finite time, not {self.max_wait}.")


# ------------------------------------------------------------------ effects


class Run(NamedTuple):
    """Hand these items to the handler at once, and report by ``ran`` what became of it."""

    ticket: int
    item_ids: tuple[str, ...]
    items: tuple[object, ...]


class CancelRun(NamedTuple):
    """Nobody waits for this run any more."""

    ticket: int


class Answer(NamedTuple):
    """This item has its reply."""

    item_id: str
    reply: object


class Fail(NamedTuple):
    """This item ended in an error."""

    item_id: str
    error: BaseException


class Expire(NamedTuple):
    """This item's deadline passed before a run could start."""

    item_id: str


Effect: TypeAlias = Run | CancelRun | Answer | Fail | Expire


class _Item(NamedTuple):
    item_id: str
    item: object
    deadline: float | None


# ------------------------------------------------------------------ machine


class Batches:
    """The requests of one action of one agent that collect or run.

    Args:
        name: Of the agent and its action, for messages.
        rules: See ``BatchRules``.
    """

    def __init__(self, name: str, rules: BatchRules) -> None:
        self.name = name
        self.rules = rules
        self._collecting: dict[str, _Item] = {}
        self._flush_at: float | None = None
        self._runs: dict[int, list[_Item]] = {}
        self._running: dict[str, int] = {}  # id -> ticket of its run, for those that are still wanted
        self._tickets = itertools.count(1)

    def __repr__(self) -> str:
        return f"<Batches {self.name} collecting={len(self._collecting)}/{self.rules.max_size} runs={len(self._runs)}>"

    def __len__(self) -> int:
        return len(self._collecting) + len(self._running)

    def next_flush(self) -> float | None:
        """Return when to tick next, in seconds of the clock that ``now`` is of, or None when nothing collects."""
        return self._flush_at

    def add(self, item_id: str, item: object, now: float, deadline: float | None = None) -> list[Effect]:
        """Take in an item; it is the last that this batch waited for, or it waits.

        Raises:
            ContractViolation: An item of that id collects or runs already.
        """
        collecting = self._collecting
        if item_id in collecting or item_id in self._running:
            raise ContractViolation(f"Request {item_id} is in a batch of {self.name} already; ids are used once.")
        if not collecting:
            self._flush_at = now + self.rules.max_wait
        collecting[item_id] = _Item(item_id, item, deadline)
        return self.flush(now) if len(collecting) >= self.rules.max_size else []

    def tick(self, now: float) -> list[Effect]:
        """Flush what has waited long enough."""
        return [] if self._flush_at is None or now < self._flush_at else self.flush(now)

    def flush(self, now: float) -> list[Effect]:
        """Run what collects without waiting for more, as a bus does that drains."""
        items = list(self._collecting.values())
        self._collecting.clear()
        self._flush_at = None
        return self._start(items, now)

    def withdraw(self, item_id: str) -> list[Effect]:
        """Drop an item that nobody waits for any more, wherever it is; an unknown one is no error."""
        if self._collecting.pop(item_id, None) is not None:
            if not self._collecting:
                self._flush_at = None
            return []
        ticket = self._running.pop(item_id, None)
        if ticket is None or any(self._running.get(item.item_id) == ticket for item in self._runs[ticket]):
            return []
        del self._runs[ticket]
        return [CancelRun(ticket)]

    def ran(self, ticket: int, outcome: object, now: float) -> list[Effect]:
        """Take in what became of a run: what the handler returned, or the exception that it raised."""
        items = self._runs.pop(ticket, [])
        places = [place for place, item in enumerate(items) if self._running.get(item.item_id) == ticket]
        for place in places:
            del self._running[items[place].item_id]
        if isinstance(outcome, BaseException):
            wanted = [items[place] for place in places]
            if len(items) == 1 or _blames_no_item(outcome):
                return [Fail(item.item_id, outcome) for item in wanted]
            middle = (len(wanted) + 1) // 2
            return self._start(wanted[:middle], now) + self._start(wanted[middle:], now)
        if not isinstance(outcome, list | tuple) or len(outcome) != len(items):
            what = type(outcome).__name__
            if isinstance(outcome, list | tuple):
                what += f" of {len(outcome)}"
            message = f"{self.name} returned a {what} for a batch of {len(items)}; it owes a list of one result each."
            return [Fail(items[place].item_id, ContractViolation(message)) for place in places]
        return [self._settle(items[place].item_id, outcome[place]) for place in places]

    # -------------------------------------------------------------- inside

    def _start(self, items: list[_Item], now: float) -> list[Effect]:
        effects: list[Effect] = []
        fresh: list[_Item] = []
        for item in items:
            if item.deadline is None or item.deadline > now:
                fresh.append(item)
            else:
                effects.append(Expire(item.item_id))
        if fresh:
            ticket = next(self._tickets)
            self._runs[ticket] = fresh
            ids = tuple([item.item_id for item in fresh])
            self._running.update(dict.fromkeys(ids, ticket))
            effects.append(Run(ticket, ids, tuple([item.item for item in fresh])))
        return effects

    def _settle(self, item_id: str, result: object) -> Effect:
        if isinstance(result, BaseException):
            return Fail(item_id, result)
        if result is None:
            return Fail(item_id, ContractViolation(f"{self.name} answered one request of a batch with None."))
        return Answer(item_id, result)


def _blames_no_item(error: BaseException) -> bool:
    overload = isinstance(error, Rejected) and not isinstance(error, UnknownRecipient)
    return overload or not isinstance(error, Exception)
