"""Single-flight: equal requests at the same time share one piece of work.

::

              first join            land                  every member is told, the flight is over
    (nobody) ────────────► under way ─────────────────►
                              │   │  expire               members without time left are told; for the others
                              │   └───────────────────►   the same key is under way again, with a new ticket
                              │
                              └── the last one leaves ──► the work is stopped, the flight is gone at once

The rules:

1. The first to join a key starts the work and holds its ticket; whoever joins later waits for the same work.
2. A leaver harms nobody. When the last one leaves, the work is to be stopped, and the flight is gone at once:
   the next to join starts a new one.
3. A ticket names one piece of work and is never used again. What lands with an old ticket tells nobody, and
   so the late end of work that was given up does not touch the flight that took its place.
4. What the work ended with, a value or an error, is for all members alike, once.
5. The work runs under the deadline of whoever was on the flight when it started. When it ends for lack of
   time, it was given less than some members have: those who joined later with a later deadline. ``expire``
   keeps them together on a new flight, to be worked on until the latest of their deadlines. Each restart has
   a later deadline than the one before it, and work that gives up early is not tried again: so there are
   never more starts than members.
6. Work that began before a change must not answer who asks after it: what tells the two apart, such as the
   version of the cache, belongs into the key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["Expired", "FlightStatistics", "Flights", "Restart"]

M = TypeVar("M", bound="Hashable")


class Restart(NamedTuple):
    """Work that is to be started again.

    Attributes:
        ticket: What the new work lands with.
        deadline: Until when it may run, in seconds of the local clock.
    """

    ticket: int
    deadline: float


class Expired(NamedTuple, Generic[M]):
    """What becomes of the members of a flight whose work ended for lack of time.

    Attributes:
        over: Members who have no time left either, in the order in which they joined: to be told.
        again: The new work for all others, who need not be told; None when there are none.
    """

    over: tuple[M, ...]
    again: Restart | None


@dataclass(frozen=True, slots=True)
class FlightStatistics:
    """Flights under way now, and counts since the beginning.

    Attributes:
        under_way: Flights that somebody waits for.
        started: Pieces of work that were started, restarts included.
        joined: Members who found the work under way.
        stopped: Flights that everybody left.
        restarted: Flights that went on with new work after ``expire``.
    """

    under_way: int
    started: int
    joined: int
    stopped: int
    restarted: int


class _Flight(Generic[M]):
    """One piece of work and who waits for it."""

    __slots__ = ("deadline", "key", "members", "ticket")

    def __init__(self, key: Hashable, ticket: int, deadline: float, members: dict[M, float]) -> None:
        self.key = key
        self.ticket = ticket
        self.deadline = deadline  # of the work
        self.members = members  # each with its own deadline, in the order in which they joined


class Flights(Generic[M]):
    """All flights under way. Members are the driver's names for its waiters, each used for one ask only."""

    def __init__(self) -> None:
        self.started = 0
        self.joined = 0
        self.stopped = 0
        self.restarted = 0
        self._by_key: dict[Hashable, _Flight[M]] = {}
        self._by_ticket: dict[int, _Flight[M]] = {}

    def __repr__(self) -> str:
        members = sum(len(flight.members) for flight in self._by_key.values())
        return f"<Flights under_way={len(self._by_key)} members={members}>"

    def __len__(self) -> int:
        return len(self._by_key)

    def __contains__(self, key: object) -> bool:
        return key in self._by_key

    def statistics(self) -> FlightStatistics:
        """Return the counts as they stand."""
        return FlightStatistics(len(self._by_key), self.started, self.joined, self.stopped, self.restarted)

    def start(self, key: Hashable, member: M, deadline: float) -> int | None:
        """Start the work of ``key`` and wait for it, unless it is under way; see ``join``.

        Returns:
            The ticket of the work; None if it is under way, and then you do not wait for it.
        """
        flight = _Flight(key, self.started + 1, deadline, {member: deadline})
        if self._by_key.setdefault(key, flight) is not flight:  # the key is hashed once, and may be large
            return None
        self.started = flight.ticket
        self._by_ticket[flight.ticket] = flight
        return flight.ticket

    def join(self, key: Hashable, member: M, deadline: float) -> int | None:
        """Wait for the work of ``key``.

        Args:
            key: What is asked for; equal keys share the work.
            member: Who waits.
            deadline: Until when it waits, in seconds of the local clock.

        Returns:
            The ticket of the work, at least 1, if you are the first and have to start it until your deadline;
            None if it is under way.

        Raises:
            ContractViolation: The member is on this flight already.
        """
        flight = self._by_key.get(key)
        if flight is None:
            return self._start(key, deadline, {member: deadline})
        if member in flight.members:
            raise ContractViolation(f"Member {member!r} waits for {key!r} already; members are used once.")
        flight.members[member] = deadline
        self.joined += 1
        return None

    def leave(self, key: Hashable, member: M) -> int | None:
        """Wait no longer.

        Who is not on the flight any more, for it landed meanwhile, leaves nothing.

        Returns:
            The ticket of the work that is to be stopped, because you were the last one; None otherwise.
        """
        flight = self._by_key.get(key)
        if flight is None:
            return None
        flight.members.pop(member, None)
        if flight.members:
            return None
        del self._by_key[key]
        del self._by_ticket[flight.ticket]
        self.stopped += 1
        return flight.ticket

    def land(self, ticket: int) -> tuple[M, ...]:
        """End a flight: return who is to be told what the work ended with, in the order in which they joined.

        Nobody is to be told when the ticket is an old one.
        """
        flight = self._by_ticket.pop(ticket, None)
        if flight is None:
            return ()
        del self._by_key[flight.key]
        return tuple(flight.members)

    def expire(self, ticket: int, now: float) -> Expired[M]:
        """End work that ran out of time: say who is to be told, and what is to be started again.

        An old ticket concerns nobody.

        Args:
            ticket: Of the work that ended.
            now: The local clock, in seconds.
        """
        flight = self._by_ticket.pop(ticket, None)
        if flight is None:
            return Expired((), None)
        del self._by_key[flight.key]
        # Who had no more time than the work is not served by more of the same, even if the work gave up early.
        end = max(now, flight.deadline)
        later = {member: deadline for member, deadline in flight.members.items() if deadline > end}
        over = tuple(member for member in flight.members if member not in later)
        if not later:
            return Expired(over, None)
        self.restarted += 1
        latest = max(later.values())
        return Expired(over, Restart(self._start(flight.key, latest, later), latest))

    # -------------------------------------------------------------- inside

    def _start(self, key: Hashable, deadline: float, members: dict[M, float]) -> int:
        self.started = ticket = self.started + 1
        self._by_key[key] = self._by_ticket[ticket] = _Flight(key, ticket, deadline, members)
        return ticket
