from __future__ import annotations

import contextlib
import math
import timeit
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import CircuitOpen, ContractViolation
from fablewright.protocol import breaker as module
from fablewright.protocol.breaker import Breaker, BreakerRules, Moved, Permit, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

BY_HAND = [State.FORCED_OPEN, State.FORCED_CLOSED]


def call(breaker: Breaker, verdict: Verdict, now: float = 0.0, *, took: float = 0.0, cause: str = "") -> None:
    breaker.report(breaker.admit(now - took), verdict, now, cause)


def calls(breaker: Breaker, letters: str, now: float = 0.0) -> None:
    """Make a call for each letter: S succeeds, F fails, N is neutral, and L succeeds after 3 s."""
    verdicts = {"S": Verdict.SUCCESS, "L": Verdict.SUCCESS, "F": Verdict.FAILURE, "N": Verdict.NEUTRAL}
    for letter in letters:
        call(breaker, verdicts[letter], now, took=3.0 if letter == "L" else 0.0)


def opened(**rules: float) -> Breaker:
    breaker = Breaker("a.act", BreakerRules(**{"failures": 3, **rules}))  # type: ignore[arg-type] # some are ints
    for _ in range(3):
        call(breaker, Verdict.FAILURE, cause="boom")
    assert breaker.state is State.OPEN
    return breaker


def herd(breaker: Breaker, now: float, size: int = 1000) -> list[Permit]:
    permits = []
    for _ in range(size):
        with contextlib.suppress(CircuitOpen):
            permits.append(breaker.admit(now))
    return permits


def refusal(breaker: Breaker, now: float) -> str:
    with pytest.raises(CircuitOpen) as caught:
        breaker.admit(now)
    return str(caught.value)


# ------------------------------------------------------------------ closed


def test_the_defaults_are_five_failures_in_a_row_and_sixty_seconds_and_one_probe() -> None:
    breaker = Breaker("a.act", BreakerRules())
    calls(breaker, "FFFF")
    assert breaker.state is State.CLOSED
    calls(breaker, "F")
    assert (breaker.state, breaker.retry_after(0.0)) == (State.OPEN, 60.0)
    assert len(herd(breaker, 60.0)) == 1
    assert breaker.retry_after(60.0) == 60.0
    assert len(herd(breaker, 120.0)) == 1
    assert BreakerRules() == BreakerRules(
        failures=5,
        reset_time=60.0,
        growth=1.0,
        longest_reset=600.0,
        permits=1,
        probe_timeout=None,
        window=60.0,
        least_calls=20,
        failure_rate=None,
        slow_after=None,
        slow_rate=None,
    )


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("FFF", State.OPEN),
        ("FFSFF", State.CLOSED),
        ("FFSFFF", State.OPEN),
        ("FFNF", State.OPEN),
        ("NNNNN", State.CLOSED),
        ("FFLFF", State.CLOSED),
    ],
)
@pytest.mark.parametrize("rate", [None, 1.0])
def test_it_opens_after_failures_in_a_row_which_only_a_success_interrupts(
    letters: str, state: State, rate: float | None
) -> None:
    breaker = Breaker("a.act", BreakerRules(failures=3, failure_rate=rate))
    calls(breaker, letters)
    assert breaker.state is state


def test_without_a_rule_it_never_opens_by_itself() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None))
    calls(breaker, "F" * 1000)
    assert (breaker.state, breaker.last_cause, breaker.has_moves) == (State.CLOSED, "", False)


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("FSSFFSSSFF"[:9], State.CLOSED),  # 4 of 9: too few calls
        ("FSSFFSSSFF", State.OPEN),  # 5 of 10
        ("FFFFFFFFF", State.CLOSED),
        ("FFFFFFFFFS", State.OPEN),  # a success may be the call that makes it enough
        ("FFFFNNNNNNNNNN", State.CLOSED),  # a neutral call is no call
        ("FSSFFSSSSFS", State.CLOSED),  # 4 of 11
    ],
)
def test_it_opens_when_a_share_of_enough_calls_failed(letters: str, state: State) -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, failure_rate=0.5, least_calls=10))
    calls(breaker, letters)
    assert breaker.state is state


def test_a_share_is_compared_as_it_was_written() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, failure_rate=0.07, least_calls=100))
    calls(breaker, "F" * 7 + "S" * 92)
    assert breaker.state is State.CLOSED
    calls(breaker, "S")  # 7 / 100; as floats, 0.07 * 100 is more than 7
    assert breaker.state is State.OPEN


@pytest.mark.parametrize(
    ("took", "state"), [(2.0, State.CLOSED), (2.125, State.OPEN)], ids=["at the limit", "over the limit"]
)
def test_it_opens_when_a_share_of_enough_calls_was_slower_than_the_limit(took: float, state: State) -> None:
    rules = BreakerRules(failures=None, failure_rate=0.8, slow_after=2.0, slow_rate=0.5, least_calls=4)
    breaker = Breaker("a.act", rules)
    calls(breaker, "SF", 10.0)
    call(breaker, Verdict.SUCCESS, 10.0, took=took)
    assert breaker.state is State.CLOSED
    call(breaker, Verdict.SUCCESS, 10.0, took=took)
    assert breaker.state is state
    if state is State.OPEN:
        assert breaker.take_moves()[0].cause == "was slow in 2 of 4 calls (last: took 2.12 s)"


@pytest.mark.parametrize(
    ("letters", "state"),
    [
        ("LLL", State.CLOSED),  # too few
        ("LSSS", State.CLOSED),  # 1 of 4
        ("LSSSL", State.CLOSED),  # 2 of 5
        ("LSSSLL", State.OPEN),  # 3 of 6
        ("LLLS", State.OPEN),
        ("FFFL", State.CLOSED),
    ],
)
def test_slow_calls_alone_may_open_it(letters: str, state: State) -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, slow_after=2.0, slow_rate=0.5, least_calls=4))
    calls(breaker, letters)
    assert breaker.state is state


def test_a_slow_failure_is_a_failure_only() -> None:
    rules = BreakerRules(failures=None, slow_after=2.0, slow_rate=0.1, least_calls=1)
    breaker = Breaker("a.act", rules)
    call(breaker, Verdict.FAILURE, 10.0, took=9.0, cause="boom")
    assert (breaker.state, breaker.last_cause) == (State.CLOSED, "boom")


def test_calls_that_left_the_window_do_not_count() -> None:
    rules = BreakerRules(failures=None, failure_rate=0.5, least_calls=4, window=10.0)
    breaker = Breaker("a.act", rules)
    calls(breaker, "FFF", 0.0)
    calls(breaker, "S", 10.0)  # the bucket of [0, 1) is gone
    calls(breaker, "SS", 10.0)
    assert breaker.state is State.CLOSED
    calls(breaker, "FFF", 19.875)
    assert breaker.state is State.OPEN


def test_opening_forgets_what_was_counted() -> None:
    rules = BreakerRules(failures=None, failure_rate=0.5, least_calls=2, window=10.0, reset_time=1.0)
    breaker = Breaker("a.act", rules)
    calls(breaker, "FF", 0.0)
    calls(breaker, "SF", 1.0)  # the first is the probe
    assert breaker.state is State.CLOSED
    calls(breaker, "S", 1.0)
    assert breaker.state is State.OPEN


# ------------------------------------------------------------------ half-open


@pytest.mark.parametrize("permits", [1, 2, 7])
def test_half_open_lets_exactly_its_permits_through_of_a_herd_of_a_thousand(permits: int) -> None:
    breaker = opened(permits=permits, probe_timeout=5.0)
    assert herd(breaker, 59.9375) == []
    assert breaker.state is State.OPEN
    probes = herd(breaker, 60.0)
    assert [probe.probe for probe in probes] == [*range(1, permits + 1)]
    assert breaker.state is State.HALF_OPEN
    for answered, probe in enumerate(probes):
        assert breaker.state is State.HALF_OPEN
        assert herd(breaker, 61.0) == []
        assert repr(breaker) == f"<Breaker a.act half_open failures=0 probes={permits - answered} passed={answered}>"
        breaker.report(probe, Verdict.SUCCESS, 61.0)
    assert breaker.state is State.CLOSED
    assert len(herd(breaker, 61.0)) == 1000


def test_any_probe_that_fails_opens_it_and_the_others_count_no_more() -> None:
    breaker = opened(permits=3)
    first, second, third = herd(breaker, 60.0)
    breaker.report(second, Verdict.SUCCESS, 61.0)
    breaker.report(first, Verdict.FAILURE, 62.0, "boom again")
    breaker.report(third, Verdict.SUCCESS, 63.0)
    assert (breaker.state, breaker.last_cause) == (State.OPEN, "boom again")
    assert breaker.retry_after(62.0) == 60.0
    assert refusal(breaker, 63.0) == (
        "a.act failed when it was tried again (last: boom again) and is left alone for another 59 s."
    )


def test_a_slow_probe_is_a_failed_one() -> None:
    breaker = opened(slow_after=2.0, slow_rate=1.0)
    breaker.report(breaker.admit(60.0), Verdict.SUCCESS, 62.5)
    assert (breaker.state, breaker.last_cause) == (State.OPEN, "took 2.50 s")
    assert refusal(breaker, 62.5).startswith("a.act was slow when it was tried again (last: took 2.50 s) and is left")
    breaker.report(breaker.admit(122.5), Verdict.SUCCESS, 124.5)
    assert breaker.state is State.CLOSED


def test_a_cancelled_probe_gives_its_permit_back() -> None:
    breaker = opened(permits=2)
    first, second = herd(breaker, 60.0)
    breaker.report(first, Verdict.NEUTRAL, 60.0)
    (third,) = herd(breaker, 60.0)
    breaker.report(third, Verdict.SUCCESS, 60.0)
    assert herd(breaker, 60.0) == []
    breaker.report(second, Verdict.NEUTRAL, 60.0)
    for _ in range(1000):  # whoever is cancelled, nothing is learnt
        call(breaker, Verdict.NEUTRAL, 60.0)
    assert breaker.state is State.HALF_OPEN
    call(breaker, Verdict.SUCCESS, 60.0)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("verdict", Verdict)
def test_a_probe_reports_once(verdict: Verdict) -> None:
    breaker = opened(permits=2)
    first, second = herd(breaker, 60.0)
    breaker.report(first, Verdict.SUCCESS, 61.0)
    breaker.report(first, verdict, 61.0)
    assert (breaker.state, herd(breaker, 61.0)) == (State.HALF_OPEN, [])
    breaker.report(second, Verdict.SUCCESS, 61.0)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("verdict", Verdict)
def test_a_hung_probe_loses_its_permit_to_one_caller_and_counts_no_more(verdict: Verdict) -> None:
    breaker = opened(permits=2, probe_timeout=5.0)
    hung, other = breaker.admit(60.0), breaker.admit(62.0)
    assert breaker.retry_after(62.0) == 3.0
    assert herd(breaker, 64.9375) == []
    assert breaker.retry_after(66.0) == 0.0
    (heir,) = herd(breaker, 65.0)
    breaker.report(hung, verdict, 65.0)
    assert (breaker.state, herd(breaker, 65.0)) == (State.HALF_OPEN, [])
    breaker.report(other, Verdict.SUCCESS, 66.9375)
    breaker.report(heir, Verdict.SUCCESS, 69.0)
    assert breaker.state is State.CLOSED


@pytest.mark.parametrize("verdict", Verdict)
def test_a_probe_that_reports_at_its_deadline_is_late_whether_or_not_anybody_asked(verdict: Verdict) -> None:
    breaker = opened(probe_timeout=5.0)
    breaker.report(breaker.admit(60.0), verdict, 65.0)
    assert (breaker.state, len(herd(breaker, 65.0))) == (State.HALF_OPEN, 1)


def test_a_hung_probe_in_a_herd_of_a_thousand_costs_one_time_out_each_and_no_more() -> None:
    breaker = opened(probe_timeout=5.0)
    admitted = [len(herd(breaker, 60.0 + second / 4)) for second in range(80)]  # 20 s, and none ever reports
    assert admitted == [1 if second % 20 == 0 else 0 for second in range(80)]


# ------------------------------------------------------------------ generations


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("age", [1, 2, 3, 4])
def test_what_was_started_in_an_earlier_generation_is_neutral(verdict: Verdict, age: int) -> None:
    breaker = Breaker("a.act", BreakerRules(failures=1, failure_rate=0.5, least_calls=1))
    old = breaker.admit(0.0)
    probe = None
    for step in range(age):
        if step in {0, 3}:
            call(breaker, Verdict.FAILURE)
        elif step == 1:
            probe = breaker.admit(60.0)
        elif probe is not None:
            breaker.report(probe, Verdict.SUCCESS, 61.0)
    before, shown = breaker.state, repr(breaker)
    breaker.take_moves()
    breaker.report(old, verdict, 61.0, "late")
    assert (breaker.state, repr(breaker), breaker.take_moves()) == (before, shown, [])
    assert breaker.last_cause != "late"


def test_while_the_clock_stands_still_it_stays_open_and_lets_no_more_through() -> None:
    breaker = opened(permits=2)
    assert herd(breaker, 0.0) == []
    assert len(herd(breaker, 60.0)) == 2
    assert [len(herd(breaker, 60.0)) for _ in range(5)] == [0] * 5


def test_a_clock_that_goes_back_counts_into_the_latest_bucket_and_breaks_nothing() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, failure_rate=1.0, least_calls=3, window=10.0))
    for now in [25.0, 3.0, -40.0]:
        call(breaker, Verdict.FAILURE, now)
    assert breaker.state is State.OPEN
    assert breaker.retry_after(-40.0) == 60.0


# ------------------------------------------------------------------ open times


def test_each_opening_after_a_failed_probe_lasts_longer_up_to_the_longest_and_closing_starts_again() -> None:
    breaker = opened(reset_time=4.0, growth=2.0, longest_reset=20.0)
    now, waits = 0.0, []
    for _ in range(5):
        waits.append(breaker.retry_after(now))
        now += waits[-1]
        call(breaker, Verdict.FAILURE, now)
    assert waits == [4.0, 8.0, 16.0, 20.0, 20.0]
    now += breaker.retry_after(now)
    calls(breaker, "SFFF", now)
    assert breaker.retry_after(now) == 4.0


def test_an_opening_that_never_grows_may_be_longer_than_the_longest_that_does() -> None:
    breaker = opened(reset_time=900.0)
    call(breaker, Verdict.FAILURE, 900.0)
    assert breaker.retry_after(900.0) == 900.0


@pytest.mark.parametrize("forced", BY_HAND)
def test_a_forced_state_starts_the_growth_again(forced: State) -> None:
    breaker = opened(reset_time=4.0, growth=2.0)
    call(breaker, Verdict.FAILURE, 4.0)
    assert breaker.retry_after(4.0) == 8.0
    force(breaker, forced, 5.0)
    breaker.release(5.0)
    calls(breaker, "FFF"[: 1 if forced is State.FORCED_OPEN else 3], 5.0)
    assert breaker.retry_after(5.0) == 4.0
    call(breaker, Verdict.FAILURE, 9.0)
    assert breaker.retry_after(9.0) == 8.0


# ------------------------------------------------------------------ by hand


def force(breaker: Breaker, state: State, now: float) -> None:
    (breaker.force_open if state is State.FORCED_OPEN else breaker.force_closed)(now)
    assert breaker.state is state


def in_state(state: State) -> Breaker:
    breaker = opened(permits=2)
    if state in BY_HAND:
        force(breaker, state, 0.0)
    elif state is not State.OPEN:
        calls(breaker, "S", 60.0)
        if state is State.CLOSED:
            calls(breaker, "S", 60.0)
    assert breaker.state is state
    breaker.take_moves()
    return breaker


@pytest.mark.parametrize("before", State)
def test_forced_open_refuses_everybody_until_it_is_released_and_then_wants_to_be_probed(before: State) -> None:
    breaker = in_state(before)
    under_way = herd(breaker, 60.0, 1)
    breaker.take_moves()
    now_in = breaker.state
    force(breaker, State.FORCED_OPEN, 61.0)
    for permit in under_way:
        breaker.report(permit, Verdict.FAILURE, 61.0)
    breaker.force_open(62.0)
    assert herd(breaker, 1e9) == []
    assert breaker.retry_after(1e9) == math.inf
    assert refusal(breaker, 61.0) == "a.act was switched off by hand and stays off until it is released."
    breaker.release(70.0)
    assert (breaker.state, breaker.retry_after(70.0)) == (State.OPEN, 0.0)
    assert len(herd(breaker, 70.0)) == 2
    assert refusal(breaker, 70.0) == (
        "a.act was switched off by hand and is being tried again right now; ask again in 60 s or before."
    )
    forced = [] if before is State.FORCED_OPEN else [Moved(61.0, "a.act", now_in, State.FORCED_OPEN, "by hand")]
    assert breaker.take_moves() == [
        *forced,
        Moved(70.0, "a.act", State.FORCED_OPEN, State.OPEN, "released"),
        Moved(70.0, "a.act", State.OPEN, State.HALF_OPEN, "its open time was over"),
    ]


@pytest.mark.parametrize("before", State)
def test_forced_closed_admits_everybody_and_counts_nothing_until_it_is_released(before: State) -> None:
    breaker = in_state(before)
    under_way = herd(breaker, 60.0, 1)
    breaker.take_moves()
    now_in = breaker.state
    force(breaker, State.FORCED_CLOSED, 61.0)
    breaker.force_closed(62.0)
    assert breaker.retry_after(61.0) == 0.0
    permits = herd(breaker, 61.0)
    assert len(permits) == 1000
    assert {permit.probe for permit in permits} == {0}
    for permit in [*under_way, *permits[:500]]:
        breaker.report(permit, Verdict.FAILURE, 61.0, "ignored")
    assert breaker.last_cause == "boom"
    breaker.release(70.0)
    for permit in permits[500:]:
        breaker.report(permit, Verdict.FAILURE, 71.0)
    calls(breaker, "FF", 71.0)
    assert breaker.state is State.CLOSED
    forced = [] if before is State.FORCED_CLOSED else [Moved(61.0, "a.act", now_in, State.FORCED_CLOSED, "by hand")]
    assert breaker.take_moves() == [
        *forced,
        Moved(70.0, "a.act", State.FORCED_CLOSED, State.CLOSED, "released"),
    ]


@pytest.mark.parametrize("state", [State.CLOSED, State.OPEN, State.HALF_OPEN])
def test_there_is_nothing_to_release_in_a_state_that_was_not_forced(state: State) -> None:
    breaker = in_state(state)
    breaker.release(60.0)
    assert (breaker.state, breaker.has_moves, breaker.take_moves()) == (state, False, [])


# ------------------------------------------------------------------ news from elsewhere


def test_news_that_it_is_well_lets_the_next_caller_prove_it() -> None:
    breaker = opened()
    assert refusal(breaker, 5.0)
    breaker.is_well(5.0)
    breaker.is_well(9.0)  # once more changes nothing
    assert (breaker.state, breaker.retry_after(5.0)) == (State.OPEN, 0.0)
    assert len(herd(breaker, 5.0)) == 1
    assert breaker.state is State.HALF_OPEN


@pytest.mark.parametrize("state", [state for state in State if state is not State.OPEN])
def test_news_that_it_is_well_changes_no_other_state(state: State) -> None:
    breaker = in_state(state)
    before = breaker.retry_after(60.0)
    breaker.take_moves()
    breaker.is_well(60.0)
    assert (breaker.state, breaker.retry_after(60.0), breaker.has_moves) == (state, before, False)


# ------------------------------------------------------------------ what it says


def test_a_refusal_names_the_dependency_the_cause_and_the_seconds_to_wait() -> None:
    breaker = opened()
    assert refusal(breaker, 0.0) == ("a.act failed 3 times in a row (last: boom) and is left alone for another 60 s.")
    assert refusal(breaker, 59.9375).endswith("is left alone for another 1 s.")  # never "0 s"
    assert breaker.retry_after(59.9375) == 0.0625
    breaker.admit(60.0)
    assert refusal(breaker, 61.5) == (
        "a.act failed 3 times in a row (last: boom) and is being tried again right now; ask again in 59 s or before."
    )


def test_a_refusal_without_a_cause_says_what_it_knows() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=1))
    calls(breaker, "F")
    assert refusal(breaker, 0.0) == "a.act failed once and is left alone for another 60 s."


def test_a_new_one_has_nothing_to_tell() -> None:
    breaker = Breaker("a.act", BreakerRules())
    assert repr(breaker) == "<Breaker a.act closed failures=0 probes=0 passed=0>"
    assert (breaker.name, breaker.last_cause, breaker.retry_after(0.0)) == ("a.act", "", 0.0)
    breaker.report(breaker.admit(0.0), Verdict.FAILURE, 0.0)
    assert repr(breaker) == "<Breaker a.act closed failures=1 probes=0 passed=0>"
    assert breaker.last_cause == ""


def test_the_last_cause_is_the_last_one_and_not_the_last_that_was_told() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=2))
    call(breaker, Verdict.FAILURE, cause="boom")
    call(breaker, Verdict.FAILURE)
    assert refusal(breaker, 0.0) == "a.act failed 2 times in a row and is left alone for another 60 s."


def test_its_moves_are_handed_over_once() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, failure_rate=0.5, least_calls=2))
    assert (breaker.has_moves, breaker.take_moves()) == (False, [])
    calls(breaker, "S", 1.0)
    call(breaker, Verdict.FAILURE, 2.0, cause="boom")
    assert breaker.has_moves
    calls(breaker, "S", 62.0)
    assert breaker.take_moves() == [
        Moved(2.0, "a.act", State.CLOSED, State.OPEN, "failed in 1 of 2 calls (last: boom)"),
        Moved(62.0, "a.act", State.OPEN, State.HALF_OPEN, "its open time was over"),
        Moved(62.0, "a.act", State.HALF_OPEN, State.CLOSED, "every probe succeeded"),
    ]
    assert (breaker.has_moves, breaker.take_moves()) == (False, [])
    assert repr(breaker) == "<Breaker a.act closed failures=0 probes=0 passed=0>"
    breaker.force_open(63.0)
    assert breaker.has_moves


def test_moves_that_nobody_takes_do_not_pile_up() -> None:
    breaker = Breaker("a.act", BreakerRules())
    for second in range(1000):
        force(breaker, BY_HAND[second % 2], float(second))
    assert [move.at for move in breaker.take_moves()] == [float(second) for second in range(936, 1000)]


# ------------------------------------------------------------------ rules


SPAN = "a finite number of seconds, at least 0.001"
SHARE = "None, or a share above 0 and up to 1"


@pytest.mark.parametrize(
    ("field", "nonsense", "must_be"),
    [
        ("failures", [0, -1], "None, or at least 1"),
        ("reset_time", [0.0, 0.0009, -1.0, math.nan, math.inf], SPAN),
        ("growth", [0.5, math.nan, math.inf], "a finite factor, at least 1"),
        ("longest_reset", [0.0, math.nan, math.inf], SPAN),
        ("permits", [0, -1], "at least 1"),
        ("probe_timeout", [0.0, math.nan, math.inf], f"None, or {SPAN}"),
        ("window", [0.0, math.nan, math.inf], SPAN),
        ("least_calls", [0], "at least 1"),
        ("failure_rate", [0.0, 1.01, math.nan], SHARE),
        ("slow_after", [0.0, math.nan, math.inf], f"None, or {SPAN}"),
        ("slow_rate", [0.0, 1.01, math.nan], SHARE),
    ],
)
def test_nonsense_is_refused_with_what_would_do(field: str, nonsense: list[float], must_be: str) -> None:
    for value in nonsense:
        with pytest.raises(ContractViolation) as caught:
            BreakerRules(**{field: value})  # type: ignore[arg-type] # some fields are ints
        assert str(caught.value) == f"A breaker's {field} must be {must_be}; it is {value}."


def test_rules_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(
        ContractViolation, match=r"^A breaker's longest_reset must be at least its reset_time of 60; it"
    ):
        BreakerRules(growth=2.0, longest_reset=59.0)
    for alone in [BreakerRules, lambda **_: BreakerRules(slow_rate=0.5)]:
        with pytest.raises(ContractViolation, match=r"slow_rate must be set together with its slow_after, or neither"):
            alone(slow_after=1.0)


def test_the_edges_of_what_makes_sense_are_taken() -> None:
    BreakerRules(failures=1, reset_time=0.001, growth=1.0, longest_reset=0.001, permits=1, probe_timeout=0.001)
    BreakerRules(window=0.001, least_calls=1, failure_rate=1.0, slow_after=0.001, slow_rate=1.0)
    BreakerRules(growth=1.5, reset_time=60.0, longest_reset=60.0)
    BreakerRules(failures=None, failure_rate=1e-9)


@pytest.mark.parametrize("now", [1e9, 86_400.0])
def test_the_shortest_times_still_hold_a_herd_when_the_clock_is_far_on(now: float) -> None:
    breaker = Breaker(
        "a", BreakerRules(failures=1, reset_time=0.001, probe_timeout=0.001, failure_rate=1.0, window=0.001)
    )
    call(breaker, Verdict.FAILURE, now)
    assert herd(breaker, now) == []
    assert len(herd(breaker, now + 1)) == 1


# ------------------------------------------------------------------ the window


class Counted(NamedTuple):
    at: float
    failed: bool
    slow: bool


def totals(of: Iterable[Counted]) -> tuple[int, int, int]:
    some = list(of)
    return len(some), sum(call.failed for call in some), sum(call.slow for call in some)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([1.25, 10.0, 60.0]),
    st.floats(-100.0, 1e6),
    st.lists(st.tuples(st.sampled_from([0.0, 1 / 128, 0.125, 1.0, 6.0, 9.0, 60.0]), st.booleans(), st.booleans())),
)
def test_a_window_counts_all_of_its_last_nine_tenths_and_nothing_from_before_it(
    length: float, start: float, history: list[tuple[float, bool, bool]]
) -> None:
    window = module._Window(length)
    seen: list[Counted] = []
    now = start
    for delay, failed, slow in history:
        now += delay
        seen.append(Counted(now, failed, slow))
        window.add(now, failed=failed, slow=slow)
        counted = (window.calls, window.failed, window.slow)
        low = totals(call for call in seen if now - call.at < 0.9 * length - 1e-6)
        high = totals(call for call in seen if now - call.at < length + 1e-6)
        assert all(a <= b <= c for a, b, c in zip(low, counted, high, strict=True))
        assert len(window._buckets) <= 10


def test_a_window_has_one_bucket_for_whatever_happens_within_a_tenth_of_it() -> None:
    window = module._Window(10.0)
    for step in range(1000):
        window.add(20.0 + step / 1024, failed=False, slow=False)
    assert (window.calls, len(window._buckets)) == (1000, 1)
    window.add(21.0, failed=False, slow=False)
    assert (window.calls, len(window._buckets)) == (1001, 2)


def test_a_window_keeps_its_size_through_a_million_seconds_of_calls() -> None:
    breaker = Breaker("a.act", BreakerRules(failures=None, failure_rate=1.0, window=60.0))
    tracemalloc.start()
    try:
        for second in range(1000):
            calls(breaker, "SF", float(second))
        before = tracemalloc.get_traced_memory()[0]
        for second in range(1000, 1_000_000, 100):
            calls(breaker, "SF", float(second))
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 2_000


# ------------------------------------------------------------------ speed


@pytest.mark.benchmark
def test_a_closed_breaker_costs_a_call_next_to_nothing() -> None:
    breaker, success = Breaker("a.act", BreakerRules()), Verdict.SUCCESS
    count = 20_000
    took = min(timeit.repeat(lambda: breaker.report(breaker.admit(2.0), success, 2.0), number=count, repeat=7)) / count
    assert took < 0.6e-6


@pytest.mark.benchmark
def test_each_of_a_refused_herd_waits_less_than_a_tenth_of_a_millisecond() -> None:
    breaker = opened(permits=3)
    herd(breaker, 60.0)
    assert min(timeit.repeat(lambda: herd(breaker, 61.0), number=1, repeat=5)) / 1000 < 1e-4
