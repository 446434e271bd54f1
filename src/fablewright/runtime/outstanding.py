"""Requests that wait for their outcome: the pure machine, the askers' futures, and one timer for all deadlines."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from typing import TYPE_CHECKING

from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.pending import Asked, Fact, Outcome, PendingRequests, Settle, Tick, Withdraw
from fablewright.runtime.post import Waiter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Outstanding"]

_log = logging.getLogger(__name__)


class Outstanding:
    """Tells ``PendingRequests`` what happens, and does what it says.

    Args:
        withdraw: Called for each request that nobody waits for any more.
        keep_dead: How many dead letters to keep for inspection.
    """

    def __init__(self, withdraw: Callable[[Withdraw], None], *, keep_dead: int) -> None:
        self._withdraw = withdraw
        self._pending = PendingRequests()
        self._waiters: dict[str, Waiter] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.asked = 0
        self.outcomes: Counter[Outcome] = Counter()
        self.dead: deque[DeadLetter] = deque(maxlen=keep_dead)
        self.dead_counts: Counter[Reason] = Counter()

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._pending

    def __repr__(self) -> str:
        return f"<Outstanding asked={self.asked} {self._pending!r}>"

    def open(self, fact: Asked) -> Waiter:
        """Begin to wait for a request; the waiter's future gets its one outcome."""
        waiter = Waiter(asyncio.get_running_loop().create_future())
        self._waiters[fact.message_id] = waiter
        self.asked += 1
        self.take_in(fact)
        return waiter

    def handled(self, message_id: str) -> None:
        """Note that a handler has begun."""
        waiter = self._waiters.get(message_id)
        if waiter is not None:
            waiter.handled = True

    def take_in(self, fact: Fact) -> None:
        """Let the machine decide, and do what it says."""
        for effect in self._pending.handle(fact):
            match effect:
                case Settle():
                    self.outcomes[effect.outcome] += 1
                    waiter = self._waiters.pop(effect.message_id, None)
                    if waiter is not None and not waiter.future.done():
                        waiter.future.set_result((effect.outcome, effect.value))
                case Withdraw():
                    self._withdraw(effect)
                case DeadLetter():
                    self.bury(effect)
        self._arm()

    def bury(self, letter: DeadLetter) -> None:
        """Keep what found no taker."""
        self.dead.append(letter)
        self.dead_counts[letter.reason] += 1
        _log.info("Dead letter: %s (%s)", letter.message_id, letter.reason.value)

    def _arm(self) -> None:
        """Set the one timer to the earliest deadline; one that fires too early arms the next."""
        due = self._pending.next_deadline()
        if due is None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        elif self._timer is None or self._timer.when() > due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.take_in(Tick(asyncio.get_running_loop().time()))
