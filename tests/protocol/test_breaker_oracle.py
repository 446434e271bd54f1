"""The breaker beside one that keeps everything that ever happened, and works each answer out from all of it again.

Nothing is counted up or down there: who is in flight, what failed in a row, how long it stays open are all
read off the history. Slow, and obvious.
"""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import CircuitOpen
from fablewright.protocol.breaker import Breaker, BreakerRules, Moved, Permit, State, Verdict

BY_HAND = {State.FORCED_OPEN, State.FORCED_CLOSED}
ARROWS = {
    (State.CLOSED, State.OPEN),
    (State.OPEN, State.HALF_OPEN),
    (State.HALF_OPEN, State.OPEN),
    (State.HALF_OPEN, State.CLOSED),
    *((before, forced) for before in State for forced in BY_HAND if before is not forced),
    (State.FORCED_OPEN, State.OPEN),
    (State.FORCED_CLOSED, State.CLOSED),
}


class Given(NamedTuple):
    at: float
    number: int


class Told(NamedTuple):
    at: float
    number: int
    verdict: Verdict


class Went(NamedTuple):
    at: float
    after: State


class Well(NamedTuple):
    at: float


class Answer(NamedTuple):
    at: float
    failed: bool
    slow: bool


class BreakerOracle:
    def __init__(self, rules: BreakerRules) -> None:
        self.rules = rules
        self.history: list[Given | Told | Went | Well] = []

    # -------------------------------------------------------------- what a breaker does

    def admit(self, now: float) -> bool:
        """Record a caller and tell whether it gets through; its permit's number is how many got one before."""
        if self.retry_after(now) > 0:
            return False
        if self.state is State.OPEN:
            self.history.append(Went(now, State.HALF_OPEN))
        self.history.append(Given(now, sum(isinstance(event, Given) for event in self.history)))
        return True

    def report(self, number: int, verdict: Verdict, now: float) -> None:
        known = self.answers()
        self.history.append(Told(now, number, verdict))
        if self.answers() == known:
            return
        if (self.state is State.CLOSED and self.is_too_bad(now)) or (self.state is State.HALF_OPEN and self.bad()):
            self.history.append(Went(now, State.OPEN))
        elif self.state is State.HALF_OPEN and len(self.answers()) == self.rules.permits:
            self.history.append(Went(now, State.CLOSED))

    def force(self, state: State, now: float) -> None:
        if self.state is not state:
            self.history.append(Went(now, state))

    def release(self, now: float) -> None:
        if self.state in BY_HAND:
            self.history.append(Went(now, State.OPEN if self.state is State.FORCED_OPEN else State.CLOSED))

    def retry_after(self, now: float) -> float:
        if self.state is State.FORCED_OPEN:
            return math.inf
        if self.state is State.OPEN:
            is_well = any(isinstance(event, Well) for event in self.since_the_last_move())
            return 0.0 if is_well else max(0.0, self.moves()[-1].at + self.open_time() - now)
        if self.state is State.HALF_OPEN:
            under_way = [end for end in self.deadlines().values() if now < end]
            if len(under_way) + len(self.answers()) >= self.rules.permits:
                return min(under_way) - now
        return 0.0

    def is_well(self, now: float) -> None:
        self.history.append(Well(now))

    # -------------------------------------------------------------- read off the history

    @property
    def state(self) -> State:
        return self.moves()[-1].after if self.moves() else State.CLOSED

    def moves(self) -> list[Went]:
        return [event for event in self.history if isinstance(event, Went)]

    def era(self) -> list[Given | Told]:
        """The calls of the state under way."""
        return [event for event in self.since_the_last_move() if isinstance(event, Given | Told)]

    def since_the_last_move(self) -> list[Given | Told | Went | Well]:
        since = list(itertools.takewhile(lambda event: not isinstance(event, Went), reversed(self.history)))
        return since[::-1]

    def given(self) -> dict[int, float]:
        return {event.number: event.at for event in self.era() if isinstance(event, Given)}

    def deadlines(self) -> dict[int, float]:
        """When each probe that has not reported yet loses its permit."""
        told = {event.number for event in self.era() if isinstance(event, Told)}
        timeout = self.rules.reset_time if self.rules.probe_timeout is None else self.rules.probe_timeout
        return {number: at + timeout for number, at in self.given().items() if number not in told}

    def answers(self) -> list[Answer]:
        """What counts: told in the era that its permit came from, not neutral, and of a probe once and in time."""
        slow_after = math.inf if self.rules.slow_after is None else self.rules.slow_after
        timeout = self.rules.reset_time if self.rules.probe_timeout is None else self.rules.probe_timeout
        counted: list[Answer] = []
        told_before: set[int] = set()
        for event in self.era():
            if not isinstance(event, Told) or event.number not in self.given():
                continue
            at = self.given()[event.number]
            probing = self.state is State.HALF_OPEN
            first = event.number not in told_before
            told_before.add(event.number)
            if event.verdict is Verdict.NEUTRAL or (probing and (not first or event.at >= at + timeout)):
                continue
            failed = event.verdict is Verdict.FAILURE
            counted.append(Answer(event.at, failed, slow=not failed and event.at - at > slow_after))
        return counted

    def bad(self) -> list[Answer]:
        return [answer for answer in self.answers() if answer.failed or answer.slow]

    def is_too_bad(self, now: float) -> bool:
        rules = self.rules
        in_a_row = len(list(itertools.takewhile(lambda answer: answer.failed, reversed(self.answers()))))
        if rules.failures is not None and in_a_row >= rules.failures:
            return True
        tenth = rules.window / 10
        recent = [answer for answer in self.answers() if now // tenth - answer.at // tenth < 10]
        if len(recent) < rules.least_calls:
            return False
        failed = sum(answer.failed for answer in recent) / len(recent)
        slow = sum(answer.slow for answer in recent) / len(recent)
        return (rules.failure_rate is not None and failed >= rules.failure_rate) or (
            rules.slow_rate is not None and slow >= rules.slow_rate
        )

    def open_time(self) -> float:
        """How long the opening under way lasts: longer with each opening since it last closed or was forced."""
        states = [State.CLOSED] + [move.after for move in self.moves()]
        start = max(i for i, state in enumerate(states) if state in {State.CLOSED, *BY_HAND})
        openings = states[start:].count(State.OPEN)
        if states[start] is State.FORCED_OPEN:
            openings -= 1  # it was released, nothing had failed
        if openings == 0:
            return 0.0
        grown = min(self.rules.reset_time * self.rules.growth ** (openings - 1), self.rules.longest_reset)
        return max(self.rules.reset_time, grown)


# ------------------------------------------------------------------ side by side


class Both:
    """A breaker and its oracle, which must agree after each step."""

    def __init__(self, rules: BreakerRules) -> None:
        self.breaker = Breaker("a.act", rules)
        self.oracle = BreakerOracle(rules)
        self.permits: list[Permit] = []
        self.held: list[int] = []  # numbers of the permits that were not handed back
        self.now = 0.0
        self.moves: list[Moved] = []

    def step(self, delay: float, what: str, which: int) -> None:
        self.now += delay
        if what == "admit":
            self.admit()
        elif what in {"force_open", "force_closed", "release", "is_well"}:
            getattr(self.breaker, what)(self.now)
            if what in {"release", "is_well"}:
                getattr(self.oracle, what)(self.now)
            else:
                self.oracle.force(State(what.replace("force", "forced")), self.now)
        elif what == "again":
            probes = [number for number, permit in enumerate(self.permits) if permit.probe]
            if probes:
                self.report(probes[which % len(probes)], Verdict.FAILURE)
        elif self.held:
            self.report(self.held.pop(which % len(self.held)), Verdict(what))
        self.agree()

    def admit(self) -> None:
        try:
            permit = self.breaker.admit(self.now)
        except CircuitOpen:
            permit = None
        assert (permit is not None) == self.oracle.admit(self.now)
        if permit is not None:
            assert permit.at == self.now
            self.held.append(len(self.permits))
            self.permits.append(permit)

    def report(self, number: int, verdict: Verdict) -> None:
        if number in self.held:
            self.held.remove(number)
        self.breaker.report(self.permits[number], verdict, self.now)
        self.oracle.report(number, verdict, self.now)

    def agree(self) -> None:
        assert self.breaker.state is self.oracle.state
        for ahead in [0.0, 0.5, 3.0]:
            assert self.breaker.retry_after(self.now + ahead) == self.oracle.retry_after(self.now + ahead)
        self.moves += self.breaker.take_moves()
        assert [(move.at, move.after) for move in self.moves] == self.oracle.moves()
        assert all((move.before, move.after) in ARROWS for move in self.moves)


RULES = st.builds(
    BreakerRules,
    failures=st.sampled_from([None, 1, 2, 3]),
    reset_time=st.just(4.0),
    growth=st.sampled_from([1.0, 1.5, 2.0]),
    longest_reset=st.sampled_from([4.0, 7.0, 30.0]),
    permits=st.integers(1, 3),
    probe_timeout=st.sampled_from([None, 1.0, 3.0]),
    window=st.sampled_from([10.0, 2.5]),
    least_calls=st.integers(1, 4),
    failure_rate=st.sampled_from([None, 0.25, 0.5, 1.0]),
)
SLOW = st.sampled_from([(None, None), (0.5, 0.5), (2.0, 1.0)])
DELAYS = [0.0, 0.0, 0.0, 1 / 128, 0.25, 0.5, 1.0, 2.0, 4.0, 9.75]
COMMON = ["admit", "admit", "admit", "success", "failure", "failure"]
RARE = ["neutral", "again", "is_well", "release", "force_open", "force_closed"]
STEPS = st.lists(
    st.tuples(st.sampled_from(DELAYS), st.sampled_from([*COMMON, *COMMON, *RARE]), st.integers(0, 9)), max_size=60
)


def with_slow(rules: BreakerRules, slow: tuple[float | None, float | None]) -> BreakerRules:
    return replace(rules, slow_after=slow[0], slow_rate=slow[1])


@settings(max_examples=1000, deadline=None)
@given(RULES, SLOW, STEPS)
def test_it_agrees_with_an_oracle_that_looks_at_all_that_ever_happened(
    rules: BreakerRules, slow: tuple[float | None, float | None], steps: list[tuple[float, str, int]]
) -> None:
    both = Both(with_slow(rules, slow))
    for delay, what, which in steps:
        both.step(delay, what, which)


def test_it_moves_along_all_of_its_arrows_and_no_other() -> None:
    dice = random.Random(20)
    moved: set[tuple[State, State]] = set()
    for run in range(150):
        slow = (0.5, 0.5) if run % 2 else (None, None)
        rules = BreakerRules(
            failures=1 + run % 3, reset_time=4.0, growth=2.0, longest_reset=30.0, permits=1 + run % 2, window=10.0
        )
        both = Both(with_slow(rules, slow))
        for _ in range(60):
            both.step(dice.choice(DELAYS), dice.choice([*COMMON, *COMMON, *RARE]), dice.randrange(10))
        moved |= {(move.before, move.after) for move in both.moves}
    assert moved == ARROWS
