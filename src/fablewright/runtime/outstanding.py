"""Requests that wait for their outcome: the pure machine, the askers' futures, and one timer for all deadlines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fablewright.protocol.dead_letter import DeadLetter
from fablewright.protocol.pending import (
    Effect,
    Ended,
    Fact,
    Outcome,
    PeerGone,
    PendingRequests,
    Settle,
    Stopped,
    Tick,
    Withdraw,
)
from fablewright.runtime.failure import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from fablewright.errors import FablewrightError
    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.tally import Tally

__all__ = ["Outstanding", "Waiter"]

_WITHDRAWN = frozenset({Outcome.EXPIRED, Outcome.CANCELLED})
_WITHOUT_A_WORD = frozenset({Outcome.PEER_LOST, Outcome.REJECTED})
_REPLIED, _EXPIRED = Outcome.REPLIED, Outcome.EXPIRED  # a member looked up in its Enum costs 0.05 us


class Waiter:
    """The asker's end of one request.

    Attributes:
        envelope: The request.
        future: Gets the reply, or None with another outcome; nobody but ``Outstanding`` resolves it.
        outcome: How it ended; None while it has not.
        value: What came with an outcome that is no reply.
        on_withdrawn: Called when nobody waits for the answer any more.
        handled: Whether a handler has begun; known for sure once there is an outcome.
    """

    __slots__ = (
        "_outstanding",
        "asked_at",
        "envelope",
        "future",
        "handled",
        "on_withdrawn",
        "outcome",
        "tally",
        "value",
    )

    def __init__(self, envelope: Envelope, outstanding: Outstanding, tally: Tally, asked_at: float) -> None:
        self.envelope = envelope
        self._outstanding = outstanding
        self.future: asyncio.Future[object] = asyncio.Future()  # loop.create_future() is a call around the same
        self.tally = tally
        self.asked_at = asked_at
        self.outcome: Outcome | None = None
        self.value: object = None
        self.on_withdrawn: Callable[[], None] | None = None
        self.handled = True

    @property
    def replied(self) -> bool:
        """Whether there is a reply."""
        return self.outcome is _REPLIED

    async def reply(self) -> object:
        """Wait for the outcome; return the reply, or raise what came instead."""
        try:
            reply = await self.future
        except asyncio.CancelledError:
            self.give_up()
            raise
        if self.outcome is _REPLIED:
            return reply
        try:
            raise self.error()
        finally:
            self.value = None  # its traceback holds this frame; a frame that held the error would make a cycle
            del self

    def error(self) -> FablewrightError:
        """Return what the asker is to raise."""
        return failure(self.outcome, self.value, self.envelope, handled=self.handled)

    def leave(self) -> None:
        """Give up from any thread, as a collector may."""
        loop = self.future.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(self.give_up)

    def give_up(self) -> None:
        """Wait no longer; whoever works on an answer is told. Nothing happens when there is an outcome."""
        if self.outcome is not None:
            return
        now = asyncio.get_running_loop().time()
        self._outstanding.take_in(Ended(now, self.envelope.message_id, Outcome.CANCELLED))


class Outstanding:
    """Tells ``PendingRequests`` what happens, and does what it says.

    Args:
        withdraw: Called for each request that nobody waits for any more.
        bury: Called for each message that found no taker.
        is_queued: Tells whether a request still waits for a handler.

    Attributes:
        settled: Called with each waiter that has its outcome, if somebody wants to know.
    """

    def __init__(
        self,
        withdraw: Callable[[Withdraw], None],
        bury: Callable[[DeadLetter], None],
        is_queued: Callable[[Envelope], bool],
    ) -> None:
        self._withdraw = withdraw
        self._bury = bury
        self._is_queued = is_queued
        self.settled: Callable[[Waiter], None] | None = None
        self._pending = PendingRequests()
        self._waiters: dict[str, Waiter] = {}
        self._to_tell: dict[str, tuple[str, Callable[[], None]]] = {}  # who works on what lingers, and is to be told
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = float("inf")  # when the timer fires; it is left alone when its request ends before

    def __len__(self) -> int:
        return len(self._pending)

    def __contains__(self, message_id: object) -> bool:
        return message_id in self._pending

    def __repr__(self) -> str:
        return f"<Outstanding {self._pending!r}>"

    @property
    def waiters(self) -> Iterable[Waiter]:
        """Those that wait."""
        return self._waiters.values()

    def of(self, message_id: str) -> Waiter | None:
        """Return who waits for a request, if anybody does."""
        return self._waiters.get(message_id)

    def stop(self) -> None:
        """Let go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def open(self, waiter: Waiter, message_id: str, to: str, deadline: float, linger: float = 0.0) -> bool:
        """Begin to wait for a request; return whether it still waits, for one without time has ended already."""
        self._waiters[message_id] = waiter
        waiter.tally.asked += 1
        effects = self._pending.ask(waiter.asked_at, message_id, to, deadline, linger)
        if effects:
            self._perform(effects, waiter.asked_at)
            return False
        if deadline < self._wakes_at:
            self._arm(deadline)
        return True

    def replied(self, now: float, message_id: str, reply: object) -> None:
        """Take in a reply, as ``take_in`` does; nearly every request ends with one, so it has a shorter way."""
        if not self._pending.reply(now, message_id):
            self.take_in(Ended(now, message_id, _REPLIED, reply))
            return
        waiter = self._waiters.pop(message_id)
        waiter.outcome = _REPLIED
        waiter.tally.latency.add(now - waiter.asked_at)
        if not waiter.future.done():
            waiter.future.set_result(reply)
        if self.settled is not None:
            self.settled(waiter)

    def take_in(self, fact: Fact) -> None:
        """Let the machine decide, and do what it says."""
        self._perform(self._pending.handle(fact), fact.now)
        if self._to_tell:
            self._forget(fact)

    def _forget(self, fact: Fact) -> None:
        """Forget who was to be told about work that has ended without another word."""
        if isinstance(fact, Ended):
            if fact.outcome in _WITHOUT_A_WORD:
                self._to_tell.pop(fact.message_id, None)
        elif isinstance(fact, Stopped):
            self._to_tell.clear()
        elif isinstance(fact, PeerGone):
            self._to_tell = {i: told for i, told in self._to_tell.items() if told[0] != fact.peer}

    def _perform(self, effects: Sequence[Effect], now: float) -> None:
        for effect in effects:
            if type(effect) is Settle:
                message_id, outcome, value = effect
                waiter = self._waiters.pop(message_id)
                waiter.outcome = outcome
                if outcome is _REPLIED:
                    waiter.tally.latency.add(now - waiter.asked_at)
                else:
                    self._note_failure(waiter, outcome, value)
                    value = None
                if not waiter.future.done():
                    waiter.future.set_result(value)
                if self.settled is not None:
                    self.settled(waiter)
            elif type(effect) is Withdraw:
                if self._to_tell:
                    self._to_tell.pop(effect.message_id, _NOBODY)[1]()
                self._withdraw(effect)
            elif type(effect) is DeadLetter:
                self._to_tell.pop(effect.message_id, None)
                self._bury(effect)

    def _note_failure(self, waiter: Waiter, outcome: Outcome, value: object) -> None:
        waiter.value = value
        waiter.tally.outcomes[outcome] += 1
        if waiter.handled and self._is_queued(waiter.envelope):
            waiter.handled = False
        if outcome is _EXPIRED and not waiter.handled:
            waiter.tally.unstarted += 1
        if waiter.on_withdrawn is not None and outcome in _WITHDRAWN:
            self._to_tell[waiter.envelope.message_id] = (waiter.envelope.to, waiter.on_withdrawn)

    # -------------------------------------------------------------- the one timer

    def _arm(self, due: float) -> None:
        """Set the timer to the earliest deadline.

        It is not cancelled when that request ends: it fires, finds the next deadline and arms itself for it.
        So a thousand asks a second with ten seconds each cost one timer in ten seconds.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._wakes_at = float("inf")
        self.take_in(Tick(asyncio.get_running_loop().time()))
        due = self._pending.next_deadline()
        if due is not None:
            self._arm(due)


def _nobody() -> None:
    """Stand in for who wants to know, where nobody does."""


_NOBODY = ("", _nobody)
