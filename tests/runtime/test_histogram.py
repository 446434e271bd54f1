from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.runtime.histogram import Histogram, upper_bound


def bounds_by_hand() -> list[int]:
    """Return the ends of all buckets in microseconds: four of one, then four to each doubling."""
    bounds = [1, 2, 3, 4]
    while len(bounds) < 152:
        step = bounds[-1] // 4
        bounds += [bounds[-1] + step * part for part in (1, 2, 3, 4)]
    return bounds


BOUNDS = bounds_by_hand()
LAST = BOUNDS[-1] / 1e6

durations = (
    st.floats(0, 1e-5) | st.floats(0, 10.0) | st.floats(0, 2 * LAST) | st.sampled_from(BOUNDS).map((1e-6).__mul__)
)


def bound_of(seconds: float) -> int:
    """Return the end of the bucket that a duration is in, in microseconds."""
    return BOUNDS[min(bisect_right(BOUNDS, int(seconds * 1e6)), len(BOUNDS) - 1)]


def filled(values: list[float]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    return histogram


def test_the_buckets_end_where_they_end_by_hand() -> None:
    assert [upper_bound(index) for index in range(152)] == [bound / 1e6 for bound in BOUNDS]
    assert BOUNDS[-1] == 2**39


@given(st.lists(durations), st.floats(0, 1))
def test_a_quantile_is_the_end_of_the_bucket_that_sorting_finds(values: list[float], share: float) -> None:
    found = filled(values).quantile(share)
    if not values:
        assert found is None
        return
    wanted = next(value for rank, value in enumerate(sorted(values), 1) if rank >= share * len(values))
    assert found == bound_of(wanted) / 1e6


@given(st.lists(st.floats(1e-5, 1e5), min_size=1), st.floats(0, 1))
def test_a_quantile_is_never_too_short_and_at_most_a_quarter_too_long(values: list[float], share: float) -> None:
    found = filled(values).quantile(share)
    exact = next(value for rank, value in enumerate(sorted(values), 1) if rank >= share * len(values))
    assert found is not None
    assert exact < found <= 1.25 * exact


@given(st.lists(durations))
def test_what_is_handed_to_prometheus_counts_all_that_took_no_longer(values: list[float]) -> None:
    cumulative = filled(values).cumulative()
    assert [bound for bound, _ in cumulative] == [2**doubling / 1e6 for doubling in range(2, 40)]
    for bound, count in cumulative:
        assert count == sum(bound_of(value) / 1e6 <= bound for value in values)
    assert cumulative[-1][1] == len(values)


@given(st.lists(durations))
def test_it_counts_and_sums_up(values: list[float]) -> None:
    histogram = filled(values)
    assert histogram.count == len(values)
    assert histogram.total == pytest.approx(sum(values))


@given(st.lists(durations), st.lists(durations, min_size=1))
def test_a_copy_stays_what_it_was(before: list[float], after: list[float]) -> None:
    histogram = filled(before)
    copy = histogram.copy()
    then = (copy.count, copy.total, copy.cumulative())
    for value in after:
        histogram.add(value)
    assert (copy.count, copy.total, copy.cumulative()) == then
    assert histogram.count == len(before) + len(after)
    assert histogram.cumulative() == filled(before + after).cumulative()


def test_it_does_not_grow() -> None:
    histogram = filled([n / 1000 for n in range(10_000)])
    assert len(histogram._counts) == 152
    assert not hasattr(histogram, "__dict__")


def test_the_ends_of_its_range() -> None:
    histogram = filled([0.0, 9e-7, 1e-6, 1e9])
    assert histogram.quantile(0.0) == histogram.quantile(0.5) == 1e-6
    assert histogram.quantile(0.75) == 2e-6
    assert histogram.quantile(1.0) == LAST
    assert Histogram().quantile(1.0) is None


def test_its_state_can_be_read() -> None:
    assert repr(filled([0.25, 0.5])) == "<Histogram count=2 total=0.750000 s>"
