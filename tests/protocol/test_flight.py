from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.flight import Expired, Flights, FlightStatistics, Restart

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Work:
    """What the oracle knows about one piece of work, for ever."""

    key: str
    deadline: float
    waiting: list[tuple[int, float]] = field(default_factory=list)
    running: bool = True


class Oracle:
    """The same rules, slow and obvious: all work there ever was, looked through from end to end each time."""

    def __init__(self) -> None:
        self.works: list[Work] = []  # ticket n is at n - 1

    def join(self, key: str, member: int, deadline: float) -> int | None:
        for work in self.works:
            if work.running and work.key == key:
                work.waiting.append((member, deadline))
                return None
        self.works.append(Work(key, deadline, [(member, deadline)]))
        return len(self.works)

    def leave(self, key: str, member: int) -> int | None:
        for ticket, work in enumerate(self.works, 1):
            if work.running and work.key == key and any(name == member for name, _ in work.waiting):
                work.waiting = [(name, deadline) for name, deadline in work.waiting if name != member]
                if not work.waiting:
                    work.running = False
                    return ticket
        return None

    def land(self, ticket: int) -> tuple[int, ...]:
        if not 1 <= ticket <= len(self.works) or not self.works[ticket - 1].running:
            return ()
        work = self.works[ticket - 1]
        work.running = False
        return tuple(member for member, _ in work.waiting)

    def expire(self, ticket: int, now: float) -> Expired[int]:
        if not 1 <= ticket <= len(self.works) or not self.works[ticket - 1].running:
            return Expired((), None)
        work = self.works[ticket - 1]
        work.running = False
        over = tuple(m for m, deadline in work.waiting if deadline <= now or deadline <= work.deadline)
        rest = [(m, deadline) for m, deadline in work.waiting if m not in over]
        if not rest:
            return Expired(over, None)
        latest = max(deadline for _, deadline in rest)
        self.works.append(Work(work.key, latest, rest))
        return Expired(over, Restart(len(self.works), latest))


keys = st.sampled_from("ab")
some = st.integers(0, 12)
steps = st.one_of(
    st.tuples(st.just("join"), keys, st.integers(0, 64)),
    st.tuples(st.just("join"), keys, st.integers(0, 64)),
    st.tuples(st.just("leave"), keys, some),
    st.tuples(st.just("land"), keys, some),
    st.tuples(st.just("expire"), keys, some),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), steps), max_size=60))
def test_it_does_what_the_oracle_does(history: list[tuple[int, tuple[str, str, int]]]) -> None:
    flights, oracle = Flights[int](), Oracle()
    now, members, told = 0.0, 0, list[int]()
    for delay, (what, key, number) in history:
        now += delay / 16
        match what:
            case "join":
                arguments = (key, members, now + number / 16)
                assert flights.join(*arguments) == oracle.join(*arguments)
                members += 1
            case "leave":
                assert flights.leave(key, number) == oracle.leave(key, number)
            case "land":
                landed = flights.land(number)
                assert landed == oracle.land(number)
                told += landed
            case _:
                expired = flights.expire(number, now)
                assert expired == oracle.expire(number, now)
                told += expired.over
        running = [work for work in oracle.works if work.running]
        assert len(flights) == len(flights._by_ticket) == len(running)
        assert all((key in flights) == any(work.key == key for work in running) for key in "ab")
        waiting = sum(len(work.waiting) for work in running)
        assert repr(flights) == f"<Flights under_way={len(running)} members={waiting}>"
    assert len(told) == len(set(told))  # nobody is told twice
    assert flights.started == len(oracle.works) <= members  # never more starts than members


def test_the_first_starts_the_work_and_all_are_told_once() -> None:
    flights = Flights[int]()
    ticket = flights.join("key", 1, 10.0)
    assert ticket == 1
    assert flights.join("key", 2, 10.0) is None
    assert flights.join("other", 3, 10.0) == 2
    assert flights.land(ticket) == (1, 2)
    assert flights.land(ticket) == ()
    assert "key" not in flights
    assert flights.land(2) == (3,)
    assert len(flights) == 0


def test_the_first_may_leave_and_harms_nobody() -> None:
    flights = Flights[str]()
    ticket = flights.join("key", "first", 10.0)
    assert ticket is not None
    flights.join("key", "second", 10.0)
    assert flights.leave("key", "first") is None
    assert flights.leave("key", "first") is None  # twice is once
    assert flights.land(ticket) == ("second",)
    assert flights.leave("key", "second") is None  # too late to leave


def test_the_last_to_leave_stops_the_work_and_its_late_end_touches_nobody() -> None:
    flights = Flights[int]()
    old = flights.join("key", 1, 10.0)
    assert flights.leave("key", 1) == old == 1
    new = flights.join("key", 2, 10.0)
    assert new == 2
    assert flights.land(old) == ()
    assert flights.expire(old, 11.0) == Expired((), None)
    assert "key" in flights
    assert flights.land(new) == (2,)


def test_who_has_more_time_than_the_work_had_waits_for_new_work() -> None:
    flights = Flights[str]()
    first = flights.join("key", "hasty", 1.0)
    assert first is not None
    flights.join("key", "patient", 5.0)
    flights.join("key", "as hasty", 1.0)
    flights.join("key", "most patient", 9.0)
    assert flights.expire(first, 1.0) == Expired(("hasty", "as hasty"), Restart(ticket=2, deadline=9.0))
    assert flights.join("key", "late", 7.0) is None
    assert flights.land(first) == ()
    assert flights.leave("key", "patient") is None
    assert flights.land(2) == ("most patient", "late")


def test_work_that_gives_up_early_is_not_tried_again_for_those_it_was_started_for() -> None:
    flights = Flights[int]()
    ticket = flights.join("key", 1, 10.0)
    assert ticket is not None
    assert flights.expire(ticket, 2.0) == Expired((1,), None)
    assert len(flights) == 0


def test_who_ran_out_of_time_while_the_work_overran_is_over_too() -> None:
    flights = Flights[int]()
    ticket = flights.join("key", 1, 1.0)
    assert ticket is not None
    flights.join("key", 2, 2.0)
    flights.join("key", 3, 3.0)
    assert flights.expire(ticket, 2.0) == Expired((1, 2), Restart(2, 3.0))


def test_a_deadline_that_is_no_number_cannot_keep_work_going() -> None:
    flights = Flights[int]()
    ticket = flights.join("key", 1, 1.0)
    assert ticket is not None
    flights.join("key", 2, float("nan"))
    assert flights.expire(ticket, 1.0) == Expired((1, 2), None)


def test_a_member_is_used_once() -> None:
    flights = Flights[int]()
    flights.join("key", 7, 1.0)
    with pytest.raises(ContractViolation, match=r"^Member 7 waits for 'key' already; members are used once\.$"):
        flights.join("key", 7, 2.0)
    assert flights.join("other", 7, 1.0) == 2  # another flight is another matter


def test_it_counts() -> None:
    flights = Flights[int]()
    assert flights.statistics() == FlightStatistics(under_way=0, started=0, joined=0, stopped=0, restarted=0)
    for member, key in enumerate("aaabbcd"):
        flights.join(key, member, float(member))
    flights.expire(1, 0.0)
    flights.expire(2, 3.0)
    for member, key in enumerate("aaabb"):
        flights.leave(key, member)
    flights.land(3)
    assert flights.statistics() == FlightStatistics(under_way=1, started=6, joined=3, stopped=2, restarted=2)


def test_nothing_is_left_after_many_flights() -> None:
    flights = Flights[int]()
    for member in range(10_000):
        ticket = flights.join(member % 7, member, 1.0)
        assert ticket is not None
        if member % 2:
            flights.leave(member % 7, member)
        elif member % 3:
            flights.land(ticket)
        else:
            flights.expire(ticket, 1.0)
    assert not flights._by_key
    assert not flights._by_ticket


@dataclass(frozen=True, slots=True)
class Record3:
    one: object
    two: object
    three: object


def price(work: Callable[[], object]) -> float:
    """Return what 1,000 rounds of work cost, in times of making as many frozen records of three fields."""
    best = reference = 1.0
    for _ in range(30):
        begin = time.perf_counter()
        work()
        middle = time.perf_counter()
        for _ in range(1_000):
            Record3(1, 2, 3)
        end = time.perf_counter()
        best, reference = min(best, middle - begin), min(reference, end - middle)
    return best / reference


@pytest.mark.benchmark
def test_a_flight_of_one_costs_little() -> None:
    flights = Flights[int]()

    def fly() -> None:
        for member in range(1_000):
            flights.land(flights.join("key", member, 1.0) or 0)

    assert price(fly) <= 3.0  # measured: 1.5
