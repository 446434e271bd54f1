"""Asks that share one piece of work: the single-flight machine at work.

Each ask on a flight is a pending request of its own, with its own deadline and outcome; no agent handles it.
The flight's attempts run in a task that belongs to no asker, so whoever leaves harms nobody, and when the last
one has left it is stopped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.errors import DeadlineExceeded, FablewrightError, PeerLost
from fablewright.protocol.flight import Flights
from fablewright.protocol.pending import Outcome
from fablewright.runtime.attempts import Attempts, Courier, Errand
from fablewright.runtime.failure import Shared
from fablewright.runtime.tally import Tally

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Hashable, Iterable

    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.route import Route
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Flying", "Lobby"]


class Lobby(Courier, Protocol):
    """What is needed of the bus: to wait for what no agent handles, and to be told."""

    def wait_aside(self, flying: Flying, errand: Errand) -> Waiter: ...  # noqa: D102 - see Bus
    def end(self, message_id: str, outcome: Outcome, value: object) -> None: ...  # noqa: D102 - see Bus
    def is_pending(self, message_id: str) -> bool: ...  # noqa: D102 - see Bus
    def when_late(self, message_id: str, told: Callable[[Any], None]) -> None: ...  # noqa: D102 - see Bus


class Flying:
    """The flights of one action.

    Attributes:
        name: What those who wait for a flight wait for, in place of an agent's name.
        linger: Seconds that a late reply is still of use.
        flights: Who is on which.
        tally: Counts the asks that wait for a flight; the work itself is counted by the route.
    """

    def __init__(self, bus: Lobby, route: Route, attempts: Attempts, supervisor: Supervisor, *, linger: float) -> None:
        self.name = f"flight of {route.name}"
        self.route = route
        self.linger = linger
        self.flights: Flights[str] = Flights()
        self.tally = Tally()
        self._bus = bus
        self._attempts = attempts
        self._supervisor = supervisor
        self._keys: dict[str, Hashable] = {}  # of those who wait, by message id
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by ticket

    def __repr__(self) -> str:
        return f"<Flying {self.name} {self.flights!r}>"

    async def board(self, key: Hashable, errand: Errand, keep: Callable[[object], None]) -> object:
        """Join the flight of a key, or start it, and return or raise what it ends with.

        Args:
            key: What tells equal requests from others.
            errand: What is asked, and until when this ask waits.
            keep: Called with the reply, also when it comes late.
        """
        waiter = self._bus.wait_aside(self, errand)
        if waiter.outcome is None:
            member = waiter.envelope.message_id
            self._keys[member] = key
            ticket = self.flights.join(key, member, errand.deadline)
            if ticket is not None:
                self._start(ticket, errand._replace(story=waiter.envelope.correlation_id), keep)
        return await waiter.reply()

    def leave(self, member: str) -> None:
        """Take note that somebody waits no longer; the last one to leave stops the work."""
        key = self._keys.pop(member, None)
        ticket = None if key is None else self.flights.leave(key, member)
        if ticket is not None and ticket in self._tasks:
            self._tasks[ticket].cancel()

    # -------------------------------------------------------------- the work

    def _start(self, ticket: int, errand: Errand, keep: Callable[[object], None]) -> None:
        lost = Shared(PeerLost(f"The {self.name} ended without an answer."))
        self._tasks[ticket] = self._supervisor.start(
            self._fly(ticket, errand, keep),
            name=self.name,
            on_end=partial(self._land, ticket, Outcome.PEER_LOST, lost),
        )

    async def _fly(self, ticket: int, errand: Errand, keep: Callable[[object], None]) -> None:
        try:
            reply = await self._attempts.run(errand)
        except DeadlineExceeded as error:
            self._expire(ticket, errand, keep, error)
        except FablewrightError as error:
            self._land(ticket, Outcome.FAILED, Shared(error))
        else:
            keep(reply)
            self._land(ticket, Outcome.REPLIED, reply)

    def _land(self, ticket: int, outcome: Outcome, value: object) -> None:
        """Tell all who wait; nobody does any more when it has landed before."""
        self._tasks.pop(ticket, None)
        self._tell(self.flights.land(ticket), outcome, value)

    def _expire(self, ticket: int, errand: Errand, keep: Callable[[object], None], error: DeadlineExceeded) -> None:
        """Tell those whose time is over too, and start again for the others."""
        over, again = self.flights.expire(ticket, self._bus.now())
        # Who has expired by now may still have a use for a late reply; who has not is told the flight's error.
        expired = [member for member in over if not self._bus.is_pending(member)]
        self._tell((member for member in over if member not in expired), Outcome.FAILED, Shared(error))

        def late(reply: object) -> None:
            keep(reply)
            self._tell(expired, Outcome.REPLIED, reply)

        self._bus.when_late(error.message_id, late)
        if again is not None:
            self._start(again.ticket, errand._replace(deadline=again.deadline), keep)

    def _tell(self, members: Iterable[str], outcome: Outcome, value: object) -> None:
        for member in members:
            self._keys.pop(member, None)
            self._bus.end(member, outcome, value)
