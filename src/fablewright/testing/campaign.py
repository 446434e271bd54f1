"""Many seeds, on many processes, and what came of them all."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from fablewright.testing.scenario import generate
from fablewright.testing.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.testing.simulation import Run

__all__ = ["Sums", "campaign"]

_AT_ONCE = 8  # seeds that a process takes at a time; then it collects its garbage, which a run does not


@dataclass(slots=True)
class Sums:
    """What came of several runs.

    Attributes:
        seeds: How many there were.
        seconds: Of processor time.
        requests: How many asks there were, hops and retries included.
        events: Callbacks that the loops ran.
        choices: How many of them were one of several that could have run.
        outcomes: How the requests ended.
        faults: What went wrong on purpose, by kind.
        digests: The hash of each trace, by seed; empty if none were made.
        violations: What should not have been, by seed.
    """

    seeds: int = 0
    seconds: float = 0.0
    requests: int = 0
    events: int = 0
    choices: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    digests: dict[int, str] = field(default_factory=dict)
    violations: dict[int, list[str]] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The hash of all traces together, in the order of the seeds."""
        return blake2b(
            "".join(self.digests[seed] for seed in sorted(self.digests)).encode(), digest_size=16
        ).hexdigest()

    def count(self, seed: int, run: Run, *, hashed: bool) -> None:
        """Add one run, with the hash of its trace or without."""
        self.seeds += 1
        self.requests += run.requests
        self.events += run.events
        self.choices += run.choices
        self.outcomes.update(run.outcomes)
        self.faults.update(run.faults)
        if hashed:
            self.digests[seed] = run.trace.digest()
        if run.violations:
            self.violations[seed] = run.violations

    def add(self, other: Sums) -> None:
        """Add what came of other runs."""
        self.seeds += other.seeds
        self.seconds += other.seconds
        self.requests += other.requests
        self.events += other.events
        self.choices += other.choices
        self.outcomes += other.outcomes
        self.faults += other.faults
        self.digests |= other.digests
        self.violations |= other.violations


def campaign(seeds: Sequence[int], *, jobs: int = 1, roots: int = 300, hashed: bool = True) -> Sums:
    """Simulate the scenario of each seed.

    Args:
        seeds: Which.
        jobs: On how many processes.
        roots: How many asks from outside a scenario has.
        hashed: Whether each trace gets its hash, for a tenth of the time.
    """
    portions = [seeds[start : start + _AT_ONCE] for start in range(0, len(seeds), _AT_ONCE)]
    run = partial(_run, roots=roots, hashed=hashed)
    if jobs == 1:
        return _sum(map(run, portions))
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        return _sum(pool.map(run, portions))


def _sum(parts: Iterable[Sums]) -> Sums:
    sums = Sums()
    for part in parts:
        sums.add(part)
    return sums


def _run(seeds: Sequence[int], *, roots: int, hashed: bool) -> Sums:
    sums = Sums()
    began = time.process_time()
    for seed in seeds:
        sums.count(seed, simulate(generate(seed, roots=roots)), hashed=hashed)
    gc.collect()
    sums.seconds = time.process_time() - began
    return sums
