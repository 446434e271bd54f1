from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import LONGEST_TIMEOUT, shrink, valid_timeout


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, -0.001, LONGEST_TIMEOUT + 1, 1.7e9])
def test_a_timeout_that_is_no_sane_number_is_refused(seconds: float) -> None:
    with pytest.raises(ContractViolation, match="time-out"):
        valid_timeout(seconds)


@given(
    now=st.floats(0, 1e6),
    timeout=st.floats(0, LONGEST_TIMEOUT),
    parent=st.none() | st.floats(0, 2e6),
    keep=st.floats(0, 100),
)
def test_a_child_never_outlives_its_parent(now: float, timeout: float, parent: float | None, keep: float) -> None:
    deadline = shrink(now=now, timeout=timeout, parent=parent, keep=keep)
    assert now <= deadline <= now + timeout
    if parent is not None:
        assert deadline <= max(now, parent)
