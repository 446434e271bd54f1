"""The answering side of a transport: nothing is handled twice, and nothing goes on after its time.

A transport may bring a request twice, and may lose the word that nobody waits any more. So the answering side
remembers what came, and has a clock of its own for what is under way.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fablewright.protocol.pending import Ended, Outcome, PendingRequests, Tick, Withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.pending import Effect

__all__ = ["Arrivals"]


class Arrivals:
    """What came over a transport.

    Args:
        expired: Called with a request that is to be stopped, for its time is over.
        remember: How many messages to remember, at least.
    """

    def __init__(self, expired: Callable[[str, str], None], *, remember: int = 4096) -> None:
        self._expired = expired
        self._remember = remember
        self._under_way = PendingRequests()
        self._seen: dict[str, None] = {}
        self._seen_before: dict[str, None] = {}
        self._recalled: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = float("inf")
        self._stopped = False

    def __len__(self) -> int:
        return len(self._under_way)

    def __repr__(self) -> str:
        return f"<Arrivals under_way={len(self._under_way)}>"

    def is_new(self, envelope: Envelope) -> bool:
        """Return whether a message comes for the first time, and remember it."""
        message_id = envelope.message_id
        if message_id in self._seen or message_id in self._seen_before or message_id in self._under_way:
            return False
        self._note(message_id)
        return True

    def was_recalled(self, message_id: str) -> bool:
        """Return whether nobody waited for a request any more before it came; once more it is a mere duplicate."""
        if message_id not in self._recalled:
            return False
        del self._recalled[message_id]
        return True

    def recall(self, message_id: str, now: float) -> None:
        """Take note that nobody waits for a request any more; if it has not come yet, it is not new when it comes."""
        if message_id not in self._seen and message_id not in self._seen_before:
            self._note(message_id)
            self._recalled[message_id] = None
            if len(self._recalled) > self._remember:
                del self._recalled[next(iter(self._recalled))]
        self.end(Ended(now, message_id, Outcome.CANCELLED))

    def begin(self, envelope: Envelope, until: float, now: float) -> None:
        """Watch a request until it is answered, or its time is over."""
        effects = self._under_way.ask(now, envelope.message_id, envelope.to, until)
        if effects:
            self._perform(effects)
        elif until < self._wakes_at:
            self._arm(until)

    def end(self, ended: Ended) -> None:
        """Take note that a request was answered; once more changes nothing."""
        if not self._under_way.reply(ended.now, ended.message_id):
            self._under_way.handle(ended)  # there is nothing to be stopped: it has ended

    def stop(self) -> None:
        """Watch nothing any more."""
        self._stopped = True
        self._disarm()

    def _note(self, message_id: str) -> None:
        if len(self._seen) >= self._remember:
            self._seen_before, self._seen = self._seen, {}
        self._seen[message_id] = None

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wakes_at = float("inf")

    def _perform(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Withdraw):
                self._expired(effect.message_id, effect.to)

    def _arm(self, due: float) -> None:
        """Set the timer; as that of who waits, it is left alone when its request ends before."""
        self._disarm()
        if not self._stopped:
            self._wakes_at = due
            self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer, self._wakes_at = None, float("inf")
        self._perform(self._under_way.handle(Tick(asyncio.get_running_loop().time())))
        due = self._under_way.next_deadline()
        if due is not None:
            self._arm(due)
