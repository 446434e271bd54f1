"""The whole bus in virtual time, under all faults at once, judged by the oracle."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fablewright.testing.campaign import Sums, campaign
from fablewright.testing.faults import FaultPlan
from fablewright.testing.history import load
from fablewright.testing.scenario import generate
from fablewright.testing.simulation import simulate

pytestmark = pytest.mark.long

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jsonl"))
FAULTS = {"crash", "delay", "drop", "duplicate", "outage", "partition", "poison", "reorder", "slow"}
OUTCOMES = {"replied", "failed", "expired", "cancelled", "rejected", "peer_lost", "refused"}


def run(*arguments: str, hash_seed: str = "random") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fablewright.testing", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def million() -> Sums:
    """What comes of a million requests; it takes most of a minute."""
    return campaign(range(2300), jobs=2, hashed=False)


def test_a_million_requests_under_all_faults_break_nothing(million: Sums) -> None:
    assert million.violations == {}
    assert million.requests >= 1_000_000
    assert million.requests == sum(million.outcomes.values())
    assert set(million.outcomes) == OUTCOMES
    assert set(million.faults) == FAULTS
    assert million.choices >= 0.3 * million.events


def test_a_million_requests_take_two_processors_less_than_a_minute(million: Sums, slowness: float) -> None:
    # Not by the clock: others use these processors too.
    assert million.seconds / 2 * 1_000_000 / million.requests < 60 * slowness


def test_one_seed_gives_the_same_trace_in_processes_with_different_hash_seeds() -> None:
    told = [run("simulate", "--seeds", "20", "--jobs", "1", hash_seed=seed).stdout for seed in ("1", "2")]
    traces = [re.findall(r"^trace +([0-9a-f]{32})$", text, re.MULTILINE) for text in told]
    assert traces[0] == traces[1]
    assert len(traces[0]) == 1


def test_one_seed_gives_the_same_trace_after_others_and_alone() -> None:
    first = simulate(generate(5)).trace.digest()
    simulate(generate(6))
    assert simulate(generate(5)).trace.digest() == first
    assert simulate(generate(6)).trace.digest() != first


def test_the_order_within_an_instant_changes_what_happens() -> None:
    quiet = replace(generate(3, roots=40), plan=FaultPlan(), rules=())  # no faults, no backoff: the loop is left
    runs = [simulate(replace(quiet, seed=seed)) for seed in range(4)]
    assert [run.violations for run in runs] == [[], [], [], []]
    assert len({run.trace.digest() for run in runs}) == 4


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_kept_history_is_what_still_happens(path: Path) -> None:
    history = load(path)
    run = simulate(history.scenario)
    assert run.violations == []
    if history.is_comparable:
        renew = f"if that is right: python -m fablewright.testing replay tests/simulation/golden/{path.name} --renew"
        assert not history.difference(run), f"{history.difference(run)}\n{renew}"


def test_there_are_kept_histories() -> None:
    kept = [load(path).scenario for path in GOLDEN]
    assert any(scenario.plan.crashes for scenario in kept)
    assert any(scenario.stop for scenario in kept)


@pytest.mark.parametrize("seed", [3125, 5111, 5688, 5939, 9698])
def test_seeds_that_once_found_a_worker_cleaned_up_after_before_it_was_over(seed: int) -> None:
    assert simulate(generate(seed)).violations == []


def test_a_seed_that_once_found_one_handler_too_many_after_a_crash() -> None:
    assert simulate(generate(4561)).violations == []
