"""Asks that share one piece of work: the single-flight machine at work.

Whoever asks first does the work in its own task, as if there were no flight. Each ask that joins is a pending
request of its own, with its own deadline and outcome; no agent handles it. If the first is cancelled while
others wait, the work is not: a task that belongs to no asker goes on with it from where it stands. So whoever
leaves harms nobody, and when the last one has left the work is stopped.
"""

from __future__ import annotations

import asyncio
import types
from contextlib import suppress
from contextvars import Context as Variables
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.errors import DeadlineExceeded, FablewrightError, PeerLost
from fablewright.protocol.flight import Flights
from fablewright.protocol.pending import Outcome
from fablewright.runtime.attempts import Attempts, Courier
from fablewright.runtime.errand import errand as errand_of
from fablewright.runtime.failure import Shared
from fablewright.runtime.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Iterable

    from fablewright.runtime.errand import Errand
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.route import Route
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Flying", "Lobby"]

_FIRST = None
"""The member that does the work itself; the others are named by their message ids."""

_NOT_BEGUN = object()
"""What a coroutine waits for that was not started yet."""


class Lobby(Courier, Protocol):
    """What is needed of the bus: to wait for what no agent handles, and to be told."""

    def wait_aside(self, flying: Flying, key: Hashable, errand: Errand) -> Waiter: ...  # noqa: D102 - see Dispatch
    def is_pending(self, message_id: str) -> bool: ...  # noqa: D102 - see Dispatch


class Flying:
    """The flights of one action.

    Attributes:
        name: What those who joined a flight wait for, in place of an agent's name.
        linger: Seconds that a late reply is still of use.
        flights: Who is on which.
        tally: Counts the asks that joined a flight; the work itself is counted by the route.
    """

    def __init__(self, bus: Lobby, route: Route, attempts: Attempts, supervisor: Supervisor, *, linger: float) -> None:
        self.name = f"flight of {route.name}"
        self.route = route
        self.linger = linger
        self.flights: Flights[str | None] = Flights()
        self.tally = Tally()
        self._bus = bus
        self._attempts = attempts
        self._supervisor = supervisor
        self._keys: dict[str, Hashable] = {}  # of those who joined, by message id
        self._sent: dict[Hashable, list[str]] = {}  # what the work has sent so far, by key
        self._tasks: dict[int, asyncio.Task[None]] = {}  # those that go on with the work of others, by ticket

    def __repr__(self) -> str:
        return f"<Flying {self.name} {self.flights!r}>"

    def board(self, key: Hashable, errand: Errand, keep: Callable[[object], None] | None) -> Awaitable[object]:
        """Join the flight of a key, or start it; return what is to be awaited for what it ends with, at once.

        Args:
            key: What tells equal requests from others.
            errand: What is asked, and until when this ask waits.
            keep: Called with the reply, also when it comes late.
        """
        parent = errand.parent
        if parent is not None and (self.route.to == parent.to or self.route.to in parent.path):
            # On behalf of a request that this agent handles, maybe the very work of the flight: nothing to wait for.
            return self._attempts.run(errand)
        ticket = self.flights.start(key, _FIRST, errand.deadline)
        if ticket is None:
            return self._join(key, errand)
        return self._carry(key, ticket, self._fly(key, ticket, errand, keep))

    def work_of(self, key: Hashable) -> list[str]:
        """Return the requests whose answers the flight of a key waits for: its attempts that have no outcome yet."""
        return [message_id for message_id in self._sent.get(key, ()) if self._bus.is_pending(message_id)]

    def work_for(self, member: str) -> list[str] | None:
        """Return the same for the flight that somebody joined and waits for; None for who has joined none."""
        return self.work_of(self._keys[member]) if member in self._keys else None

    def leave(self, member: str) -> None:
        """Take note that somebody waits no longer; the last one to leave stops the work."""
        key = self._keys.pop(member, None)
        ticket = None if key is None else self.flights.leave(key, member)
        if ticket is not None and ticket in self._tasks:
            self._tasks[ticket].cancel()

    # -------------------------------------------------------------- the work

    async def _join(self, key: Hashable, errand: Errand) -> object:
        waiter = self._bus.wait_aside(self, key, errand)
        if waiter.outcome is None:
            member = waiter.envelope.message_id
            self._keys[member] = key
            self.flights.join(key, member, errand.deadline)
        return await waiter.reply()

    async def _fly(self, key: Hashable, ticket: int, errand: Errand, keep: Callable[[object], None] | None) -> object:
        sent: list[str] = []
        self._sent[key] = sent
        errand = errand_of((errand.request, errand.deadline, errand.parent, errand.story, sent))
        try:
            reply = await self._attempts.run(errand)
            if keep is not None:
                keep(reply)
        except DeadlineExceeded as error:
            self._expire(key, ticket, errand, keep, error)
            raise
        except FablewrightError as error:
            self._land(ticket, Outcome.FAILED, error)
            raise
        except BaseException:
            self._lose(ticket)
            raise
        finally:
            if self._sent.get(key) is sent:
                del self._sent[key]
        self._land(ticket, Outcome.REPLIED, reply)
        return reply

    @types.coroutine
    def _carry(
        self, key: Hashable, ticket: int, work: Coroutine[Any, Any, object], waits_for: object = _NOT_BEGUN
    ) -> Generator[Any, Any, object]:
        """Take the work on until it ends; but if the first asker is cancelled, others take it on from there."""
        try:
            if waits_for is _NOT_BEGUN:
                waits_for = work.send(None)
            while True:
                try:
                    yield from _until_done(waits_for)
                except asyncio.CancelledError as error:
                    if ticket not in self._tasks and self.flights.leave(key, _FIRST) is None:
                        self._go_on(key, ticket, work, waits_for)
                        raise
                    waits_for = work.throw(error)
                else:
                    waits_for = work.send(None)
        except StopIteration as returned:
            return returned.value

    def _go_on(
        self, key: Hashable, ticket: int, work: Coroutine[Any, Any, object], waits_for: object = _NOT_BEGUN
    ) -> None:
        """Take the work on in a task that belongs to no asker; what begins anew has no asker's variables either."""
        self._tasks[ticket] = self._supervisor.start(
            _told(self._carry(key, ticket, work, waits_for)),
            name=self.name,
            on_end=partial(self._ended, ticket, work),
            variables=Variables() if waits_for is _NOT_BEGUN else None,
        )

    def _ended(self, ticket: int, work: Coroutine[Any, Any, object]) -> None:
        del self._tasks[ticket]
        with suppress(asyncio.CancelledError, RuntimeError):  # nothing is left to stop: then it says so
            work.throw(asyncio.CancelledError())  # a task that is cancelled before its first step stops nothing
        self._lose(ticket)

    # -------------------------------------------------------------- its end

    def _land(self, ticket: int, outcome: Outcome, value: object) -> None:
        """Tell all who joined; nobody does any more when it has landed before."""
        self._tell(self.flights.land(ticket), outcome, value)

    def _lose(self, ticket: int) -> None:
        self._land(ticket, Outcome.PEER_LOST, PeerLost(f"The {self.name} ended without an answer."))

    def _expire(
        self,
        key: Hashable,
        ticket: int,
        errand: Errand,
        keep: Callable[[object], None] | None,
        error: DeadlineExceeded,
    ) -> None:
        """Tell those whose time is over too, and start again for the others."""
        over, again = self.flights.expire(ticket, self._bus.now())
        # Who has expired by now may still have a use for a late reply; who has not is told the work's error.
        expired = [member for member in over if member is not None and not self._bus.is_pending(member)]
        self._tell((member for member in over if member not in expired), Outcome.FAILED, error)

        def late(reply: object) -> None:
            if keep is not None:
                keep(reply)
            self._tell(expired, Outcome.REPLIED, reply)

        if keep is not None or expired:
            self._bus.when_late(error.message_id, late)
        if again is not None:
            # The first asker's time is over; the work goes on for others, whose deadline is none of its parent's.
            later = errand._replace(deadline=again.deadline, parent=None)
            self._go_on(key, again.ticket, self._fly(key, again.ticket, later, keep))

    def _tell(self, members: Iterable[str | None], outcome: Outcome, value: object) -> None:
        told = Shared(value) if isinstance(value, FablewrightError) else value
        for member in members:
            if member is not _FIRST:
                self._keys.pop(member, None)
                self._bus.end(member, outcome, told)


@types.coroutine
def _until_done(future: Any) -> Generator[Any, Any, None]:  # noqa: ANN401 - whatever asyncio lets a coroutine wait for
    """Wait for a future, but not in such a way that a cancellation of the one who waits would cancel it."""
    if future is None:  # one turn of the loop
        yield
        return
    future._asyncio_future_blocking = False  # noqa: SLF001 - as the task does that is given a future to wait for
    if future.done():
        return
    woken: asyncio.Future[None] = asyncio.Future()
    future.add_done_callback(partial(_wake, woken))
    yield from woken


def _wake(waiting: asyncio.Future[None], _: asyncio.Future[Any]) -> None:
    if not waiting.done():
        waiting.set_result(None)


async def _told(work: Awaitable[object]) -> None:
    """Take work to its end; those who joined are told, and nobody else is there to raise an error to."""
    with suppress(FablewrightError):
        await work
