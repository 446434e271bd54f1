from __future__ import annotations

import gc
import time
from dataclasses import replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.dead_letter import DeadLetter, Reason
from fablewright.protocol.pending import (
    Asked,
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

REPLIED, FAILED, EXPIRED = Outcome.REPLIED, Outcome.FAILED, Outcome.EXPIRED
CANCELLED, REJECTED, PEER_LOST = Outcome.CANCELLED, Outcome.REJECTED, Outcome.PEER_LOST


# ------------------------------------------------------------------ the oracle


class Record:
    """One request, as the oracle knows it."""

    def __init__(self, asked: Asked) -> None:
        self.id = asked.message_id
        self.to = asked.to
        self.deadline = asked.deadline
        self.work_until = asked.deadline + asked.linger
        self.outcome: Outcome | None = None
        self.lingers = False

    @property
    def waits(self) -> bool:
        return self.outcome is None

    @property
    def due(self) -> float:
        return self.deadline if self.waits else self.work_until


class Oracle:
    """The rules at the top of the file to the letter: all requests ever asked, looked through each time."""

    def __init__(self, at_once: int) -> None:
        self.at_once = at_once
        self.records: list[Record] = []
        self.ended: list[str] = []  # in the order in which they did
        self.stopped = False

    def handle(self, fact: Fact) -> list[Effect]:
        match fact:
            case Asked():
                return self.ask(fact)
            case Ended():
                return self.end(fact)
            case PeerGone() | Stopped():
                return self.lose(fact)
            case Tick():
                return self.tick(fact.now)

    def ask(self, fact: Asked) -> list[Effect]:
        record = Record(fact)
        self.records.append(record)
        if self.stopped:
            return [self.settle(record, REJECTED)]
        if fact.deadline <= fact.now:
            return [self.settle(record, EXPIRED)]
        return []

    def end(self, fact: Ended) -> list[Effect]:
        found = [record for record in self.records if record.id == fact.message_id]
        effects: list[Effect] = []
        if found and found[0].waits and found[0].deadline > fact.now:
            effects.append(self.settle(found[0], fact.outcome, fact.value))
            if fact.outcome is CANCELLED:
                effects.append(Withdraw(fact.message_id, found[0].to))
            return effects
        if found and found[0].waits:
            effects += self.expire(found[0], fact.now)
        if found and fact.outcome is not CANCELLED:
            found[0].lingers = False
        if fact.outcome in {REPLIED, FAILED}:
            effects.append(DeadLetter(fact.message_id, self.reason(fact.message_id), fact.now, fact.value))
        return effects

    def reason(self, message_id: str) -> Reason:
        for record in self.records:
            if record.id == message_id:
                if record.outcome is EXPIRED:
                    return Reason.LATE
                if record.outcome is CANCELLED:
                    return Reason.AFTER_CANCEL
                if record.outcome is PEER_LOST:
                    return Reason.AFTER_LOSS
                return Reason.DUPLICATE
        return Reason.UNKNOWN

    def lose(self, fact: PeerGone | Stopped) -> list[Effect]:
        effects: list[Effect] = []
        self.stopped = self.stopped or isinstance(fact, Stopped)
        for record in self.records:
            if isinstance(fact, PeerGone) and record.to != fact.peer:
                continue
            record.lingers = False
            if record.waits and record.deadline <= fact.now:
                effects.append(self.settle(record, EXPIRED))
            elif record.waits:
                effects.append(self.settle(record, PEER_LOST, fact.value))
        return effects

    def tick(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        due = [record for record in self.under_way() if record.due <= now]
        for record in sorted(due, key=lambda record: (record.due, record.id))[: self.at_once]:
            if record.waits:
                effects += self.expire(record, now)
            else:
                record.lingers = False
                effects.append(Withdraw(record.id, record.to))
        return effects

    def expire(self, record: Record, now: float) -> list[Effect]:
        settled = self.settle(record, EXPIRED)
        record.lingers = record.work_until > now
        return [settled] if record.lingers else [settled, Withdraw(record.id, record.to)]

    def settle(self, record: Record, outcome: Outcome, value: object = None) -> Settle:
        record.outcome = outcome
        self.ended.append(record.id)
        return Settle(record.id, outcome, value)

    def under_way(self) -> list[Record]:
        return [record for record in self.records if record.waits or record.lingers]

    def next_deadline(self) -> float | None:
        return min((record.due for record in self.under_way()), default=None)


# ------------------------------------------------------------------ histories

# In the steps of a history ``now`` is the time since the step before, and a deadline is a time from now.
# Both are on a power-of-two grid, so that many things fall on one instant.
Step: TypeAlias = Fact
delays = st.just(0.0) | st.integers(0, 16).map(lambda n: n / 16)
peers = st.sampled_from("ab")
steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(Asked, delays, st.just("?"), peers, st.integers(0, 32).map(lambda n: n / 16), delays),
    st.builds(Asked, delays, st.just("?"), peers, st.just(1.0)),
    st.builds(
        Ended, delays, st.integers(0, 15).map("m{:02}".format), st.sampled_from(Outcome), st.sampled_from(["x", "y"])
    ).filter(lambda ended: ended.outcome is not EXPIRED),
    st.builds(Tick, delays),
    st.builds(Tick, st.just(0.0)),
    st.builds(PeerGone, delays, peers, st.just("gone")),
)
many_steps = st.lists(steps, max_size=50)
ends = st.just([]) | st.tuples(st.builds(Stopped, delays, st.just("stop")), many_steps).map(lambda t: [t[0], *t[1]])


def absolute(step: Step, now: float, asked: int) -> Fact:
    """Return a step as the fact that it is at a time."""
    if isinstance(step, Asked):
        return step._replace(now=now, message_id=f"m{asked:02}", deadline=now + step.deadline)
    return step._replace(now=now)


def entries(machine: PendingRequests) -> int:
    """Return how many deadlines it holds, also of requests that have ended."""
    return len(machine._in_turn) + len(machine._out_of_turn)


def take_in(machine: PendingRequests, fact: Fact, *, by_record: bool) -> list[Effect]:
    """Give a fact to the machine: as a record, or as the bus does it where nothing but a reply came."""
    if by_record or not isinstance(fact, Ended) or fact.outcome is not REPLIED:
        return machine.handle(fact)
    if machine.reply(fact.now, fact.message_id):
        return [Settle(fact.message_id, REPLIED, fact.value)]
    return machine.handle(fact)


def is_sound(machine: PendingRequests) -> bool:
    """Return whether it holds the deadlines that it should and little more, those that are in turn in their order."""
    if list(machine._in_turn) != sorted(machine._in_turn):
        return False
    left_behind = entries(machine) - len(machine) - machine.lingering
    return left_behind == machine._left_behind and (left_behind < 64 or 2 * left_behind <= entries(machine))


@settings(max_examples=400, deadline=None)
@given(many_steps, ends, st.integers(1, 3) | st.just(128), st.integers(1, 5), st.booleans())
def test_it_does_what_the_oracle_does(
    before: list[Step],
    after: list[Step],
    at_once: int,
    remember: int,
    by_record: bool,
) -> None:
    machine, oracle = PendingRequests(at_once=at_once, remember=remember), Oracle(at_once)
    now, asked = 0.0, 0
    effects: list[Effect] = []

    def compare(fact: Fact) -> None:
        latest = oracle.ended[-remember:]
        right, done = oracle.handle(fact), take_in(machine, fact, by_record=by_record)
        for position, (effect, wanted) in enumerate(zip(done, right, strict=True)):
            if isinstance(wanted, DeadLetter) and effect != wanted and wanted.message_id not in latest:
                assert effect == replace(wanted, reason=Reason.UNKNOWN)  # it may forget what ended long ago
                right[position] = effect
        assert done == right
        assert machine.next_deadline() == oracle.next_deadline()
        assert len(machine) == sum(record.waits for record in oracle.records)
        assert machine.lingering == sum(record.lingers for record in oracle.records)
        assert all((record.id in machine) == record.waits for record in oracle.records)
        assert is_sound(machine)
        effects.extend(done)

    for step in before + after:
        now += step.now
        compare(absolute(step, now, asked))
        asked += isinstance(step, Asked)
    while (due := machine.next_deadline()) is not None:
        compare(Tick(max(now, due)))
    settled = [effect.message_id for effect in effects if isinstance(effect, Settle)]
    withdrawn = [effect.message_id for effect in effects if isinstance(effect, Withdraw)]
    assert sorted(settled) == [f"m{n:02}" for n in range(asked)]  # each exactly one outcome
    assert len(withdrawn) == len(set(withdrawn))
    assert len(machine) == machine.lingering == 0


# ------------------------------------------------------------------ rule by rule


def asked(*ids: str, deadline: float = 1.0, linger: float = 0.0, at_once: int = 128) -> PendingRequests:
    """Return a machine that was asked for these at 0."""
    machine = PendingRequests(at_once=at_once)
    for message_id in ids:
        assert machine.handle(Asked(0.0, message_id, "a", deadline, linger)) == []
    return machine


@pytest.mark.parametrize("outcome", [REPLIED, FAILED, REJECTED, PEER_LOST])
def test_the_outcome_is_told_once_with_what_came(outcome: Outcome) -> None:
    machine = asked("m")
    assert machine.handle(Ended(0.5, "m", outcome, "documents")) == [Settle("m", outcome, "documents")]
    assert "m" not in machine
    assert machine.handle(Tick(2.0)) == []


def test_a_cancelled_request_is_withdrawn() -> None:
    assert asked("m").handle(Ended(0.5, "m", CANCELLED)) == [Settle("m", CANCELLED), Withdraw("m", "a")]


def test_a_reply_just_before_the_deadline_is_in_time() -> None:
    assert asked("m").handle(Ended(0.999, "m", REPLIED, "documents")) == [Settle("m", REPLIED, "documents")]


def test_a_reply_at_the_deadline_is_late() -> None:
    assert asked("m").handle(Ended(1.0, "m", REPLIED, "documents")) == [
        Settle("m", EXPIRED),
        Withdraw("m", "a"),
        DeadLetter("m", Reason.LATE, 1.0, "documents"),
    ]


@pytest.mark.parametrize("outcome", [CANCELLED, REJECTED, PEER_LOST])
def test_whatever_is_said_of_a_request_that_is_due_it_has_expired(outcome: Outcome) -> None:
    assert asked("m").handle(Ended(1.0, "m", outcome, "why")) == [Settle("m", EXPIRED), Withdraw("m", "a")]


def test_who_is_lost_when_the_deadline_has_passed_has_expired_and_says_nothing_of_the_loss() -> None:
    machine = asked("due", deadline=1.0)
    machine.handle(Asked(0.0, "not due", "a", 1.5))
    lost = [Settle("due", EXPIRED), Settle("not due", PEER_LOST, "crashed")]
    assert machine.handle(PeerGone(1.0, "a", "crashed")) == lost


def test_what_has_no_time_left_is_never_sent() -> None:
    machine = PendingRequests()
    assert machine.handle(Asked(1.0, "m", "a", 1.0)) == [Settle("m", EXPIRED)]
    assert machine.next_deadline() is None
    assert entries(machine) == 0


def test_a_tick_expires_the_earliest_first_and_leaves_the_rest_for_the_next() -> None:
    machine = PendingRequests(at_once=2)
    for n in (3, 1, 2):
        machine.handle(Asked(0.0, f"m{n}", "a", float(n)))
    first = [Settle("m1", EXPIRED), Withdraw("m1", "a"), Settle("m2", EXPIRED), Withdraw("m2", "a")]
    assert machine.handle(Tick(5.0)) == first
    assert machine.next_deadline() == 3.0  # in the past
    assert machine.handle(Tick(5.0)) == [Settle("m3", EXPIRED), Withdraw("m3", "a")]
    assert machine.next_deadline() is None


def test_a_tick_expires_64_unless_told_otherwise() -> None:
    machine = PendingRequests()
    for n in range(300):
        machine.handle(Asked(0.0, f"m{n}", "a", 1.0))
    assert [len(machine.handle(Tick(1.0))) for _ in range(6)] == [*4 * [2 * 64], 2 * 44, 0]


def test_what_ended_takes_no_place_in_a_slice() -> None:
    machine = asked("m1", "m2", "m3", at_once=1)
    machine.handle(Ended(0.5, "m1", REPLIED))
    assert machine.handle(Tick(1.0)) == [Settle("m2", EXPIRED), Withdraw("m2", "a")]


def test_lingering_work_goes_on_after_its_asker_was_told() -> None:
    machine = asked("m", linger=2.0)
    assert machine.handle(Tick(1.0)) == [Settle("m", EXPIRED)]
    assert (len(machine), machine.lingering, machine.next_deadline()) == (0, 1, 3.0)
    assert machine.handle(Tick(2.99)) == []
    assert machine.handle(Tick(3.0)) == [Withdraw("m", "a")]
    assert (machine.lingering, machine.next_deadline()) == (0, None)


def test_lingering_work_that_answers_is_late_and_not_withdrawn() -> None:
    machine = asked("m", linger=2.0)
    machine.handle(Tick(1.0))
    assert machine.handle(Ended(2.0, "m", REPLIED, "documents")) == [DeadLetter("m", Reason.LATE, 2.0, "documents")]
    assert machine.handle(Tick(9.0)) == []


def test_a_reply_at_the_deadline_of_a_lingering_request_is_not_withdrawn() -> None:
    machine = asked("m", linger=2.0)
    late = [Settle("m", EXPIRED), DeadLetter("m", Reason.LATE, 1.0, "documents")]
    assert machine.handle(Ended(1.0, "m", REPLIED, "documents")) == late
    assert machine.handle(Tick(9.0)) == []


def test_who_was_told_that_it_expired_cannot_cancel_what_lingers() -> None:
    machine = asked("m", linger=2.0)
    machine.handle(Tick(1.0))
    assert machine.handle(Ended(1.5, "m", CANCELLED)) == []
    assert machine.lingering == 1


@pytest.mark.parametrize("outcome", [REJECTED, PEER_LOST])
def test_lingering_work_that_is_lost_is_not_withdrawn(outcome: Outcome) -> None:
    machine = asked("m", linger=2.0)
    machine.handle(Tick(1.0))
    assert machine.handle(Ended(1.5, "m", outcome)) == []
    assert machine.lingering == 0
    assert machine.handle(Tick(9.0)) == []


@pytest.mark.parametrize("fact", [PeerGone(1.5, "a"), Stopped(1.5)])
def test_with_the_peer_goes_what_lingers_there(fact: Fact) -> None:
    machine = asked("m", linger=2.0)
    machine.handle(Tick(1.0))
    assert machine.handle(fact) == []
    assert (machine.lingering, machine.next_deadline()) == (0, None)


def test_what_lingers_since_it_was_cancelled_at_its_deadline_goes_on_as_long_as_it_may() -> None:
    machine = asked("m", linger=2.0)
    assert machine.handle(Ended(1.0, "m", CANCELLED)) == [Settle("m", EXPIRED)]
    assert machine.next_deadline() == 3.0
    assert machine.handle(Tick(2.0)) == []
    assert machine.handle(Tick(3.0)) == [Withdraw("m", "a")]


def test_nothing_lingers_or_is_said_unless_somebody_says_so() -> None:
    assert Asked(0.0, "m", "a", 1.0).linger == 0.0
    assert Ended(0.0, "m", REPLIED).value is PeerGone(0.0, "a").value is Stopped(0.0).value is None


def test_a_tick_that_comes_after_the_time_to_linger_withdraws_at_once() -> None:
    assert asked("m", linger=2.0).handle(Tick(3.0)) == [Settle("m", EXPIRED), Withdraw("m", "a")]


def test_with_a_peer_go_its_requests_alone() -> None:
    machine = asked("m1", "m2")
    machine.handle(Asked(0.0, "other", "b", 1.0, 1.0))
    machine.handle(Asked(0.0, "lingers", "b", 0.1, 9.0))
    machine.handle(Tick(0.1))
    lost = [Settle("m1", PEER_LOST, "crashed"), Settle("m2", PEER_LOST, "crashed")]
    assert machine.handle(PeerGone(0.5, "a", "crashed")) == lost
    assert "other" in machine
    assert machine.lingering == 1
    assert machine.next_deadline() == 1.0


def test_after_a_stop_nothing_waits_and_all_is_rejected() -> None:
    machine = asked("m1", "m2")
    stopped = [Settle("m1", PEER_LOST, "the bus stopped"), Settle("m2", PEER_LOST, "the bus stopped")]
    assert machine.handle(Stopped(0.5, "the bus stopped")) == stopped
    assert machine.handle(Asked(0.5, "m3", "a", 1.0)) == [Settle("m3", REJECTED)]
    assert machine.handle(Stopped(0.6)) == []
    assert repr(machine) == "<PendingRequests stopped waiting=0 lingering=0>"


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        (REPLIED, Reason.DUPLICATE),
        (FAILED, Reason.DUPLICATE),
        (REJECTED, Reason.DUPLICATE),
        (CANCELLED, Reason.AFTER_CANCEL),
        (PEER_LOST, Reason.AFTER_LOSS),
    ],
)
@pytest.mark.parametrize("second", [REPLIED, FAILED])
def test_what_comes_after_the_outcome_is_a_dead_letter_that_says_why(
    first: Outcome, second: Outcome, reason: Reason
) -> None:
    machine = asked("m")
    machine.handle(Ended(0.5, "m", first))
    assert machine.handle(Ended(0.6, "m", second, "again")) == [DeadLetter("m", reason, 0.6, "again")]


def test_a_reply_to_nothing_is_a_dead_letter_too_and_other_news_of_nothing_is_none() -> None:
    machine = PendingRequests()
    assert machine.handle(Ended(0.5, "m", REPLIED, 7)) == [DeadLetter("m", Reason.UNKNOWN, 0.5, 7)]
    assert [machine.handle(Ended(0.5, "m", outcome)) for outcome in (CANCELLED, REJECTED, PEER_LOST)] == [[], [], []]


@pytest.mark.parametrize("by_the_short_way", [False, True])
@pytest.mark.parametrize("remember", [1, 10, None])
def test_as_many_as_it_is_told_are_remembered_and_never_twice_as_many(
    remember: int | None, *, by_the_short_way: bool
) -> None:
    machine = PendingRequests() if remember is None else PendingRequests(remember=remember)
    least, count = remember or 1024, 5 * (remember or 1024)
    for n in range(count):
        machine.handle(Asked(n, f"m{n}", "a", n + 3600.0))
        if by_the_short_way:
            assert machine.reply(n, f"m{n}")
        else:
            machine.handle(Ended(n, f"m{n}", REPLIED))
        assert len(machine._ended) + len(machine._ended_before) <= 2 * least
    letters = [machine.handle(Ended(count, f"m{n}", REPLIED))[0] for n in range(count)]
    reasons = [letter.reason for letter in letters if isinstance(letter, DeadLetter)]
    forgotten = reasons.count(Reason.UNKNOWN)
    assert forgotten == count - least  # between these ends up to twice as many are remembered
    assert reasons == [Reason.UNKNOWN] * forgotten + [Reason.DUPLICATE] * (count - forgotten)


@pytest.mark.parametrize("linger", [0.0, 5.0])
def test_an_id_is_used_once(linger: float) -> None:
    machine = asked("m", linger=linger)
    if linger:
        machine.handle(Tick(1.0))
    with pytest.raises(ContractViolation, match=r"^Request m waits already; ids are used once\.$"):
        machine.handle(Asked(1.0, "m", "a", 2.0))


def test_its_state_can_be_read() -> None:
    machine = asked("m1", "m2", linger=1.0)
    machine.handle(Asked(0.0, "m3", "a", 2.0))
    machine.handle(Tick(1.0))
    assert repr(machine) == "<PendingRequests running waiting=1 lingering=2>"
    assert "m3" in machine
    assert "m1" not in machine


def test_outcomes_have_names_for_events_and_metrics() -> None:
    names = ["replied", "failed", "expired", "cancelled", "rejected", "peer_lost"]
    assert [outcome.value for outcome in Outcome] == names


# ------------------------------------------------------------------ its size and its speed


def test_deadlines_of_ended_requests_do_not_pile_up_beside_a_waiting_one() -> None:
    machine = PendingRequests()
    machine.handle(Asked(0, "long", "a", 3600.0))
    sizes = set()
    for n in range(1000):
        machine.handle(Asked(n / 100, f"m{n}", "a", 7200.0))
        machine.handle(Ended(n / 100, f"m{n}", REPLIED))
        assert is_sound(machine)
        sizes.add(entries(machine))
    assert max(sizes) == 64  # swept only when that many have ended
    assert machine.next_deadline() == 3600.0


def test_a_peer_that_goes_leaves_no_deadlines_behind() -> None:
    machine = asked(*(f"m{n}" for n in range(50)))
    machine.handle(PeerGone(0.5, "a"))
    assert entries(machine) == 0


def test_deadlines_are_swept_when_more_than_half_of_them_are_of_ended_requests() -> None:
    machine = asked(*(f"m{n:03}" for n in range(400)))
    for n in range(200):
        machine.handle(Ended(0.5, f"m{n:03}", REPLIED))
    assert entries(machine) == 400
    machine.handle(Ended(0.5, "m200", REPLIED))
    assert entries(machine) == 199
    assert machine.next_deadline() == 1.0


def test_the_short_way_sweeps_as_well() -> None:
    machine = asked(*(f"m{n:03}" for n in range(400)))
    for n in range(200):
        assert machine.reply(0.5, f"m{n:03}")
    assert entries(machine) == 400
    assert machine.reply(0.5, "m200")
    assert entries(machine) == 199
    assert is_sound(machine)


@pytest.mark.parametrize(("when", "message_id"), [(1.0, "m"), (1.5, "m"), (0.5, "another")])
def test_the_short_way_takes_nothing_in_but_a_reply_in_time(when: float, message_id: str) -> None:
    machine = asked("m")
    assert not machine.reply(when, message_id)
    assert "m" in machine
    assert machine.next_deadline() == 1.0
    assert machine.reply(0.5, "m")
    assert not machine.reply(0.5, "m")
    assert machine.handle(Ended(0.5, "m", REPLIED, "again")) == [DeadLetter("m", Reason.DUPLICATE, 0.5, "again")]


def test_a_million_requests_leave_nothing_behind() -> None:
    machine = PendingRequests()
    for n in range(1_000_000):
        machine.handle(Asked(n / 1e4, f"m{n}", "a", n / 1e4 + 3600.0))
        if n >= 100:
            machine.handle(Ended(n / 1e4, f"m{n - 100}", REPLIED))
        if n % 100 == 0:
            assert entries(machine) <= 2 * 101 + 1
    assert len(machine) == 100
    assert len(machine._ended) + len(machine._ended_before) < 2 * 1024


@pytest.mark.benchmark
@pytest.mark.parametrize("linger", [0.0, 5.0])
def test_a_hundred_thousand_that_expire_at_once_leave_the_loop_its_breath(linger: float) -> None:
    machine = asked(*(f"m{n}" for n in range(100_000)), linger=linger)
    took, settled = [], 0
    gc.collect()
    gc.disable()  # a full collection among so many objects takes longer than a slice, and is not ours
    try:
        while (due := machine.next_deadline()) is not None:
            fact = Tick(due)
            began = time.thread_time()
            effects = machine.handle(fact)
            took.append(time.thread_time() - began)
            settled += sum(type(effect) is Settle for effect in effects)
    finally:
        gc.enable()
    assert settled == 100_000
    assert len(took) == (782 if linger == 0 else 2 * 782)
    assert max(took) < 0.010
