from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import CircuitOpen, ContractViolation
from fablewright.protocol.breaker import Breaker, Permit, State, Verdict

LEGAL = {
    (State.CLOSED, State.OPEN),
    (State.OPEN, State.HALF_OPEN),
    (State.HALF_OPEN, State.OPEN),
    (State.HALF_OPEN, State.CLOSED),
}


def opened(threshold: int = 3) -> Breaker:
    breaker = Breaker("a.act", threshold=threshold, reset_time=60.0)
    for _ in range(threshold):
        breaker.report(breaker.admit(0.0), Verdict.FAILURE, 0.0)
    return breaker


def test_it_opens_after_failures_in_a_row_and_a_success_starts_the_count_again() -> None:
    breaker = Breaker("a.act", threshold=3, reset_time=60.0)
    for verdict in [Verdict.FAILURE, Verdict.FAILURE, Verdict.SUCCESS, Verdict.FAILURE, Verdict.FAILURE]:
        breaker.report(breaker.admit(0.0), verdict, 0.0)
    assert str(breaker) == "<Breaker a.act closed failures=2/3>"
    breaker.report(breaker.admit(0.0), Verdict.FAILURE, 0.0)
    assert breaker.state is State.OPEN
    with pytest.raises(CircuitOpen, match=r"a\.act failed 3 times in a row and is left alone for another 60 s"):
        breaker.admit(0.0)


def test_half_open_lets_one_of_a_thousand_through() -> None:
    breaker = opened()
    admitted = 0
    for _ in range(1000):
        try:
            breaker.admit(60.0)
        except CircuitOpen:
            continue
        admitted += 1
    assert admitted == 1


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.SUCCESS, State.CLOSED), (Verdict.FAILURE, State.OPEN)])
def test_the_probe_decides(verdict: Verdict, state: State) -> None:
    breaker = opened()
    breaker.report(breaker.admit(60.0), verdict, 61.0)
    assert breaker.state is state


def test_a_late_success_from_before_does_not_close_it() -> None:
    breaker = Breaker("a.act", threshold=1, reset_time=60.0)
    slow = breaker.admit(0.0)
    breaker.report(breaker.admit(0.0), Verdict.FAILURE, 0.0)
    breaker.report(slow, Verdict.SUCCESS, 1.0)
    assert breaker.state is State.OPEN


def test_a_cancelled_probe_makes_room_for_the_next_and_a_hung_one_loses_its_permit() -> None:
    breaker = opened()
    breaker.report(breaker.admit(60.0), Verdict.NEUTRAL, 61.0)
    hung = breaker.admit(61.0)
    with pytest.raises(CircuitOpen):
        breaker.admit(62.0)
    breaker.report(breaker.admit(121.0), Verdict.SUCCESS, 122.0)
    assert breaker.state is State.CLOSED
    breaker.report(hung, Verdict.FAILURE, 123.0)
    assert repr(breaker) == "<Breaker a.act closed failures=0/3>"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([None, *Verdict]), st.integers(0, 9)), max_size=80))
def test_it_moves_only_along_its_arrows(history: list[tuple[int, Verdict | None, int]]) -> None:
    breaker = Breaker("a.act", threshold=2, reset_time=60.0)
    permits: list[Permit] = []
    now, before = 0.0, breaker.state
    for delay, verdict, which in history:
        now += delay
        if verdict is None or not permits:
            with contextlib.suppress(CircuitOpen):
                permits.append(breaker.admit(now))
        else:
            breaker.report(permits.pop(which % len(permits)), verdict, now)
        assert breaker.state is before or (before, breaker.state) in LEGAL
        before = breaker.state


def test_nonsense_is_refused() -> None:
    with pytest.raises(ContractViolation):
        Breaker("a", threshold=0, reset_time=1.0)
    with pytest.raises(ContractViolation):
        Breaker("a", threshold=1, reset_time=float("nan"))
