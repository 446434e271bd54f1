from __future__ import annotations

import heapq
import itertools
import re
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.retry import (
    FEWEST_SAMPLES,
    FailedAttempt,
    RetryBudget,
    RetryRules,
    hedge_delay,
    retry_delay,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

PASSING = FailedAttempt(attempt=1, transient=True, idempotent=True)


def drained(budget: RetryBudget, failures: int) -> RetryBudget:
    for _ in range(failures):
        budget.failed()
    return budget


# ------------------------------------------------------------------ rules


def test_the_wait_doubles_up_to_its_bound_and_a_random_part_of_it_is_taken() -> None:
    rules = RetryRules(retries=9)
    assert [rules.delay(attempt, 1.0) for attempt in range(1, 9)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    assert [rules.delay(3, draw) for draw in (0.0, 0.25, 0.5)] == [0.0, 0.05, 0.1]
    assert RetryRules(backoff=1.0, growth=3.0, longest_backoff=100.0).delay(4, 0.5) == 13.5


def test_by_default_there_are_two_retries() -> None:
    assert RetryRules() == RetryRules(retries=2, backoff=0.05, growth=2.0, longest_backoff=2.0)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"retries": -1}, "A request is retried 0 to 10 times, not -1."),
        ({"retries": 11}, "A request is retried 0 to 10 times, not 11."),
        ({"backoff": -0.1}, "A backoff of -0.1 s up to 2.0 s is none: "),
        ({"backoff": 3.0}, "A backoff of 3.0 s up to 2.0 s is none: 0 <= backoff <= longest_backoff <= 86400 s."),
        ({"backoff": float("nan")}, "A backoff of nan s up to 2.0 s is none: "),
        ({"longest_backoff": float("nan")}, "A backoff of 0.05 s up to nan s is none: "),
        ({"longest_backoff": 86401.0}, "A backoff of 0.05 s up to 86401.0 s is none: "),
        ({"growth": 0.9}, "A backoff grows by a factor of 1 to 10, not 0.9."),
        ({"growth": 10.5}, "A backoff grows by a factor of 1 to 10, not 10.5."),
        ({"growth": float("nan")}, "A backoff grows by a factor of 1 to 10, not nan."),
    ],
)
def test_rules_that_make_no_sense_are_refused(settings: dict[str, float], complaint: str) -> None:
    with pytest.raises(ContractViolation, match=f"^{re.escape(complaint)}"):
        RetryRules(**settings)  # type: ignore[arg-type] # one of them is an int, and they are wrong on purpose


def test_rules_cannot_be_changed_afterwards() -> None:
    rules = RetryRules()
    with pytest.raises(AttributeError):
        rules.retries = 9  # type: ignore[misc] # that is what must fail


def test_rules_at_their_bounds_are_taken_and_no_delay_overflows() -> None:
    RetryRules(retries=0, backoff=0.0, growth=1.0, longest_backoff=0.0)
    steepest = RetryRules(retries=10, backoff=86400.0, growth=10.0, longest_backoff=86400.0)
    assert steepest.delay(10, 1.0) == 86400.0


# ------------------------------------------------------------------ the budget


@settings(max_examples=500, deadline=None)
@given(
    st.integers(2001, 30_000).map(lambda n: n / 1000),
    st.integers(1, 1000).map(lambda n: n / 1000),
    st.lists(st.sampled_from(["failed", "succeeded", "spend"]), max_size=120),
)
def test_it_is_the_bucket_of_the_rules_to_the_last_thousandth(size: float, ratio: float, steps: list[str]) -> None:
    most = left = Fraction(str(size))
    budget = RetryBudget(size, ratio)
    gone_out, allowance = 0, most / 2
    for step in steps:
        if step == "failed":
            budget.failed()
            left = max(Fraction(0), left - 1)
            gone_out += left > most / 2  # whoever failed now retries whenever it may
        elif step == "succeeded":
            budget.succeeded()
            left = min(most, left + Fraction(str(ratio)))
            allowance += Fraction(str(ratio))
        else:
            may = left - 1 > most / 2
            assert budget.spend() is may
            left -= may
            gone_out += may
        assert budget.tokens == float(left)
        assert budget.allows is (left > most / 2)
        assert gone_out < allowance


def test_by_default_four_retries_in_a_row_go_out_and_ten_answers_earn_one_more() -> None:
    budget = RetryBudget()
    allowed = []
    for _ in range(6):
        budget.failed()
        allowed.append(budget.allows)
    assert allowed == [True, True, True, True, False, False]
    assert repr(budget) == "<RetryBudget 4/10>"
    for _ in range(11):
        budget.succeeded()
    assert repr(budget) == "<RetryBudget 5.1/10>"
    assert budget.allows
    assert repr(drained(budget, 100)) == "<RetryBudget 0/10>"


@pytest.mark.parametrize("tokens", [2.0, 0.0, -1.0, 1000.5, float("nan"), float("inf")])
def test_a_bucket_that_makes_no_sense_is_refused(tokens: float) -> None:
    with pytest.raises(
        ContractViolation, match=rf"^A retry budget holds more than 2 and at most 1000 tokens, not {tokens}\.$"
    ):
        RetryBudget(tokens)


@pytest.mark.parametrize("ratio", [0.0, 0.0009, -1.0, 1.5, float("nan")])
def test_a_ratio_that_makes_no_sense_is_refused(ratio: float) -> None:
    with pytest.raises(ContractViolation, match=rf"^A success gives back 0.001 to 1 token, not {ratio}\.$"):
        RetryBudget(10.0, ratio)


def test_a_bucket_at_its_bounds_is_taken() -> None:
    assert RetryBudget(1000, 1).tokens == 1000
    assert drained(RetryBudget(2.01, 0.001), 1).allows


# ------------------------------------------------------------------ the decision to retry


@pytest.mark.parametrize("attempt", [1, 2, 3, 4])
@pytest.mark.parametrize("failures", [0, 4, 5])
@pytest.mark.parametrize(("transient", "idempotent", "streamed"), list(itertools.product([True, False], repeat=3)))
def test_a_retry_goes_out_only_when_nothing_speaks_against_it(
    attempt: int, failures: int, transient: bool, idempotent: bool, streamed: bool
) -> None:
    failure = FailedAttempt(attempt, transient=transient, idempotent=idempotent, streamed=streamed)
    budget = drained(RetryBudget(), failures)
    delay = retry_delay(RetryRules(), budget, failure, now=5.0, deadline=99.0, draw=0.5)
    if attempt in (1, 2) and failures < 5 and transient and idempotent and not streamed:
        assert delay == {1: 0.025, 2: 0.05}[attempt]
    else:
        assert delay is None
    assert budget.tokens == 10.0 - failures  # asking costs nothing


def test_a_retry_starts_before_the_deadline_or_not_at_all() -> None:
    rules = RetryRules(backoff=2.0)

    def decide(deadline: float) -> float | None:
        return retry_delay(rules, RetryBudget(), PASSING, now=5.0, deadline=deadline, draw=0.5)

    assert decide(6.0) is None
    assert decide(6.0 + 2**-20) == 1.0
    assert decide(4.0) is None


def test_an_attempt_has_streamed_nothing_unless_it_says_so() -> None:
    assert not PASSING.streamed


# ------------------------------------------------------------------ hedging


def test_a_hedge_goes_out_after_the_95th_percentile() -> None:
    assert hedge_delay(0.3, FEWEST_SAMPLES, RetryBudget(), idempotent=True, remaining=10.0) == 0.3
    assert FEWEST_SAMPLES == 50


@pytest.mark.parametrize(
    ("p95", "samples", "failures", "idempotent", "remaining"),
    [
        (None, 50, 0, True, 10.0),
        (0.0, 50, 0, True, 10.0),
        (float("nan"), 50, 0, True, 10.0),
        (0.3, 49, 0, True, 10.0),
        (0.3, 50, 5, True, 10.0),
        (0.3, 50, 0, False, 10.0),
        (0.3, 50, 0, True, 0.3),
    ],
)
def test_there_is_no_hedge_without_a_reason_a_budget_and_time(
    p95: float | None, samples: int, failures: int, idempotent: bool, remaining: float
) -> None:
    budget = drained(RetryBudget(), failures)
    assert hedge_delay(p95, samples, budget, idempotent=idempotent, remaining=remaining) is None


def test_by_default_four_hedges_in_a_row_go_out() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(6)] == [True] * 4 + [False] * 2
    assert budget.tokens == 6.0


def test_a_target_that_became_slow_but_never_fails_is_not_sent_everything_twice() -> None:
    budget = RetryBudget()
    hedges = 0
    for _ in range(10_000):
        hedges += budget.spend()  # the old 95th percentile passes for every single one
        budget.succeeded()
    assert 900 <= hedges <= 1004


# ------------------------------------------------------------------ an outage below three layers


@dataclass
class Outage:
    """Users ask layer 0, each layer asks the one below it, and the last asks a store that is down for a while.

    All layers retry by the same rules; ``budget_for(layer)`` says which budget layer ``layer`` draws on.
    """

    budget_for: Callable[[int], RetryBudget]
    down: tuple[float, float] = (30.0, 90.0)
    until: float = 120.0
    asks_per_second: int = 8
    rules: RetryRules = field(default_factory=RetryRules)
    now: float = 0.0
    store: list[float] = field(default_factory=list)  # when the store was asked
    answered: list[tuple[float, bool]] = field(default_factory=list)  # when users heard, and whether it was good

    def ask(self, layer: int, deadline: float, draws: Iterator[float]) -> Generator[float, None, bool]:
        """Ask layer ``layer``, or the store below the last; yield seconds to wait, return whether it answered."""
        for attempt in itertools.count(1):
            if layer == 3:
                self.store.append(self.now)
                yield 1 / 128
                return not self.down[0] <= self.now < self.down[1]
            answered = yield from self.ask(layer + 1, deadline, draws)
            budget = self.budget_for(layer)
            if answered:
                budget.succeeded()
                return True
            budget.failed()
            failure = FailedAttempt(attempt, transient=True, idempotent=True)
            delay = retry_delay(self.rules, budget, failure, now=self.now, deadline=deadline, draw=next(draws))
            if delay is None:
                return False
            yield delay
        raise AssertionError

    def user(self, draws: Iterator[float]) -> Iterator[float]:
        answered = yield from self.ask(0, self.now + 10.0, draws)
        self.answered.append((self.now, answered))

    def run(self) -> Outage:
        draws = ((n * 0.6180339887498949) % 1.0 for n in itertools.count(1))  # spread evenly, the same each time
        asks = int(self.until * self.asks_per_second)
        due = [(n / self.asks_per_second, n, self.user(draws)) for n in range(asks)]
        order = itertools.count(asks)
        while due:
            self.now, _, work = heapq.heappop(due)
            wait = next(work, None)
            if wait is not None:
                heapq.heappush(due, (self.now + wait, next(order), work))
        assert len(self.answered) == asks
        return self

    def amplification(self, start: float, end: float) -> float:
        """Return how often the store was asked for each time that a user asked, from ``start`` to ``end``."""
        return sum(start <= at < end for at in self.store) / (self.asks_per_second * (end - start))


def one_budget_a_layer() -> Callable[[int], RetryBudget]:
    budgets = [RetryBudget() for _ in range(3)]
    return budgets.__getitem__


def test_with_budgets_an_outage_is_sent_no_more_than_the_load_before_it() -> None:
    outage = Outage(one_budget_a_layer()).run()
    assert outage.amplification(30.0, 90.0) <= 1.1
    most = 3 * 4  # four retries a layer, until its bucket is half empty
    for start in range(110):
        assert outage.amplification(start, start + 10) <= 1 + most / 80
    assert all(good for at, good in outage.answered if not 30 <= at < 91)
    assert min(at for at, good in outage.answered if good and at > 30) < 90.5


def test_without_budgets_the_same_outage_is_sent_many_times_the_load() -> None:
    outage = Outage(lambda _layer: RetryBudget()).run()  # a new full one each time: nobody shares anything
    assert outage.amplification(30.0, 90.0) > 5


def test_after_the_outage_a_passing_failure_is_retried_again() -> None:
    budget_for = one_budget_a_layer()
    Outage(budget_for).run()
    blip = Outage(budget_for, down=(5.0, 5.01), until=10.0).run()
    assert len(blip.store) > 80
    assert all(good for _, good in blip.answered)
