"""What makes no sense is refused where it is declared, not where it would do harm."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from fablewright.errors import ContractViolation
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy


@pytest.mark.parametrize("declared", [{"bulkhead": 1}, {"attempt_timeout": 0.001}, {"linger": 0.0}])
def test_what_makes_sense_can_be_declared(declared: dict[str, Any]) -> None:
    assert Policy(**declared)


@pytest.mark.parametrize("bulkhead", [0, -1, nan])
def test_a_bulkhead_lets_somebody_through(bulkhead: Any) -> None:
    with pytest.raises(ContractViolation, match=f"^A bulkhead lets at least 1 ask through, not {bulkhead}\\.$"):
        Policy(bulkhead=bulkhead)


@pytest.mark.parametrize("seconds", [0.0, -1.0, inf, nan])
def test_an_attempt_has_some_time(seconds: float) -> None:
    with pytest.raises(ContractViolation, match=r"^An attempt needs a finite number of seconds above 0"):
        Policy(attempt_timeout=seconds)


@pytest.mark.parametrize("seconds", [-1.0, inf, nan])
def test_work_lingers_for_so_long(seconds: float) -> None:
    with pytest.raises(ContractViolation, match=r"^Work lingers for a finite number of seconds"):
        Policy(linger=seconds)


@pytest.mark.parametrize("seconds", [0.0, -1.0, inf, nan])
def test_a_watchdog_has_a_patience_that_ends(seconds: float) -> None:
    with pytest.raises(ContractViolation, match=r"^A watchdog's patience is a finite number of seconds above 0"):
        BusOptions(watchdog=seconds)


@pytest.mark.parametrize(
    "options", [{"dead_letters": -1}, {"max_body_bytes": 0}, {"threads": 0}, {"default_timeout": nan}]
)
def test_a_bus_is_not_made_with_bounds_that_bound_everything(options: dict[str, Any]) -> None:
    with pytest.raises(ContractViolation):
        Bus(BusOptions(**options))


def test_the_least_that_a_bus_can_do_with() -> None:
    assert Bus(BusOptions(watchdog=0.001, dead_letters=0, max_body_bytes=1, threads=1, default_timeout=0.0))
