from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import LONGEST_TIMEOUT, Envelope, Kind, shrink, valid_timeout

moments = st.floats(0, 1e6)
timeouts = st.floats(0, LONGEST_TIMEOUT)


# ------------------------------------------------------------------ the envelope


def test_what_the_sender_does_not_say_is_the_plain_case() -> None:
    envelope = Envelope("n-1", Kind.TELL, "", "dice", "roll", "2d6", "n-1")
    assert envelope._asdict() == {
        "message_id": "n-1",
        "kind": Kind.TELL,
        "sender": "",
        "to": "dice",
        "action": "roll",
        "body": "2d6",
        "correlation_id": "n-1",
        "causation_id": None,
        "reply_to": None,
        "deadline": None,
        "attempt": 1,
        "priority": 0,
        "path": (),
        "idempotency_key": None,
        "traceparent": None,
        "headers": {},
    }


def test_envelopes_are_data() -> None:
    first, second = (Envelope("n-1", Kind.ASK, "a", "b", "c", ("d",), "n-1") for _ in range(2))
    assert first == second
    assert hash(first[:-1]) == hash(second[:-1])
    assert first != second._replace(attempt=2)
    with pytest.raises(AttributeError):
        first.to = "somebody else"  # type: ignore[misc]  # that it cannot be changed is what is tested


def test_the_headers_that_all_envelopes_share_cannot_be_changed() -> None:
    headers: Any = Envelope("n-1", Kind.ASK, "a", "b", "c", "d", "n-1").headers
    with pytest.raises(TypeError):
        headers["tenant"] = "one for all"


def test_kinds_have_names_for_the_wire() -> None:
    assert {kind.name: kind.value for kind in Kind} == {"ASK": "ask", "TELL": "tell"}


# ------------------------------------------------------------------ time-outs


def test_the_longest_timeout_is_a_day() -> None:
    assert LONGEST_TIMEOUT == 86_400
    assert valid_timeout(86_400) == 86_400


@given(timeouts | st.integers(0, 86_400))
def test_a_sane_timeout_stays_what_it_is_as_a_float(seconds: float) -> None:
    assert valid_timeout(seconds) == seconds
    assert type(valid_timeout(seconds)) is float


@pytest.mark.parametrize("seconds", [True, Fraction(1, 2), 0, -0.0])
def test_whatever_counts_as_a_number_does(seconds: Any) -> None:
    assert valid_timeout(seconds) == float(seconds)


@pytest.mark.parametrize(
    "seconds",
    [
        *(math.nan, math.inf, -math.inf, -1.0, -5e-324, math.nextafter(LONGEST_TIMEOUT, math.inf), 1.7e9, 10**400),
        Decimal("Infinity"),
    ],
)
def test_a_timeout_that_is_no_sane_number_is_refused(seconds: Any) -> None:
    with pytest.raises(ContractViolation) as refused:
        valid_timeout(seconds)
    assert str(refused.value) == f"A time-out lies between 0 and 86400 seconds, not {seconds!r}."


@pytest.mark.parametrize("seconds", [None, "10", b"10", [10], (), {}, 10j, object])
def test_a_timeout_that_is_no_number_at_all_is_refused(seconds: Any) -> None:
    with pytest.raises(ContractViolation) as refused:
        valid_timeout(seconds)
    assert str(refused.value) == f"A time-out lies between 0 and 86400 seconds, not {seconds!r}."


@given(st.floats())
def test_no_float_gets_through_that_a_clock_could_not_bear(seconds: float) -> None:
    try:
        accepted = valid_timeout(seconds)
    except ContractViolation:
        assert not 0 <= seconds <= LONGEST_TIMEOUT
    else:
        assert 0 <= accepted <= LONGEST_TIMEOUT


# ------------------------------------------------------------------ deadlines


@given(moments, timeouts)
def test_without_a_parent_the_deadline_is_the_own_one(now: float, timeout: float) -> None:
    assert shrink(now=now, timeout=timeout, parent=None) == now + timeout


@given(moments, timeouts)
def test_without_a_parent_there_is_nothing_to_keep(now: float, timeout: float) -> None:
    assert shrink(now=now, timeout=timeout, parent=None, keep=100.0) == now + timeout


@given(moments, timeouts, st.floats(0, 2e6), st.floats(0, 100))
def test_a_child_never_outlives_its_parent_less_what_it_keeps(
    now: float, timeout: float, parent: float, keep: float
) -> None:
    deadline = shrink(now=now, timeout=timeout, parent=parent, keep=keep)
    assert now <= deadline <= now + timeout
    assert deadline <= max(now, parent - keep)
    assert deadline in {now, now + timeout, parent - keep}  # as late as that allows


@given(moments, st.lists(st.tuples(timeouts, st.floats(0, 100)), min_size=1, max_size=10))
def test_deadlines_only_shrink_down_the_hops(now: float, hops: list[tuple[float, float]]) -> None:
    deadline: float | None = None
    for timeout, keep in hops:
        child = shrink(now=now, timeout=timeout, parent=deadline, keep=keep)
        assert deadline is None or child <= deadline
        deadline = child


def test_a_parent_without_time_leaves_none() -> None:
    assert shrink(now=10.0, timeout=5.0, parent=9.0) == 10.0
    assert shrink(now=10.0, timeout=5.0, parent=12.0, keep=3.0) == 10.0


def test_nothing_is_kept_back_unless_said() -> None:
    assert shrink(now=10.0, timeout=5.0, parent=12.0) == 12.0
    assert shrink(now=10.0, timeout=5.0, parent=12.0, keep=0.5) == 11.5


@pytest.mark.parametrize("seconds", [math.nan, math.inf, -1.0, None, "1"])
@pytest.mark.parametrize("parent", [None, 12.0])
def test_a_deadline_is_made_of_sane_numbers_only(seconds: Any, parent: float | None) -> None:
    with pytest.raises(ContractViolation, match="time-out"):
        shrink(now=10.0, timeout=seconds, parent=parent)
    with pytest.raises(ContractViolation, match="time-out"):
        shrink(now=10.0, timeout=1.0, parent=parent, keep=seconds)
