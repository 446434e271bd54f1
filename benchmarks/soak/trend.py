"""What a series of measurements says: whether it is flat, grows, or cannot be judged. Pure functions."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.soak.meters import Sample

__all__ = ["Window", "calm", "drift", "ends", "growing", "memory_slope", "slope", "slower", "thirds"]

MOST_DRIFT = 0.25
"""Of its median, that p99 may rise over the whole run; and by which its last third may lie above the first."""
MOST_MIB = 1.0
"""MiB per 100,000 requests that a process may grow by."""
MOST_MORE = 2
"""Descriptors or threads that a process may have more, or fewer, at the end than after the warm-up."""
_FEW = 6
"""Windows without which nothing is said."""
_LATER, _LATE, _MORE_TAKEN = 3.0, 0.02, 0.15
"""A window is the machine's fault if a bare timer was so many times as late as usual and so many seconds more, or if
other programs took so much more of a processor than usual."""


@dataclass(frozen=True, slots=True)
class Window:
    """Some seconds of the load.

    Attributes:
        at: Seconds from the beginning to its middle.
        requests: How many ended in it.
        p50: Seconds of latency, from when they were due.
        p99: Likewise.
        lateness: Seconds by which a bare timer of our loop was late, the 99th percentile.
        others: How many processors other programs took.
    """

    at: float
    requests: int
    p50: float
    p99: float
    lateness: float
    others: float


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the median of the slopes between all pairs (Theil 1950, Sen 1968): some outliers do not move it.

    A single point, or several in one place, have no slope: 0.
    """
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in itertools.combinations(points, 2) if x1 != x2]
    return statistics.median(slopes) if slopes else 0.0


def calm(windows: Sequence[Window]) -> list[Window]:
    """Return the windows in which the machine had nothing else to do, or no more than usual."""
    if not windows:
        return []
    late, taken = (statistics.median(each) for each in zip(*((w.lateness, w.others) for w in windows), strict=True))
    return [w for w in windows if w.lateness <= _LATER * late + _LATE and w.others <= taken + _MORE_TAKEN]


def slower(windows: Sequence[Window]) -> list[str]:
    """Return, as sentences, in what the latency of these windows was not flat; to become faster is no fault."""
    judged = calm(windows)
    if len(judged) < _FEW or 3 * len(judged) < 2 * len(windows):
        return [f"latency cannot be judged: {len(judged)} of {len(windows)} windows were undisturbed"]
    found = []
    if (rose := drift(judged)) > MOST_DRIFT:
        found.append(f"p99 rose by {rose:.0%} of its median over the run")
    first, last = thirds(judged)
    if last > (1 + MOST_DRIFT) * first:
        found.append(f"p99 was {1000 * first:.1f} ms in the first third and {1000 * last:.1f} ms in the last")
    return found


def drift(windows: Sequence[Window]) -> float:
    """Return by how much of its median p99 rose from the first of these windows to the last."""
    rise = slope([(window.at, window.p99) for window in windows]) * (windows[-1].at - windows[0].at)
    return rise / statistics.median(window.p99 for window in windows)


def thirds(windows: Sequence[Window]) -> tuple[float, float]:
    """Return the median p99 of the first third of the windows, and of the last."""
    size = max(1, len(windows) // 3)
    first, last = (statistics.median(window.p99 for window in part) for part in (windows[:size], windows[-size:]))
    return first, last


def memory_slope(samples: Sequence[Sample]) -> float:
    """Return by how many MiB a process grew per 100,000 requests."""
    return slope([(sample.requests / 1e5, sample.mib) for sample in samples])


def growing(name: str, samples: Sequence[Sample]) -> list[str]:
    """Return, as sentences, what of a process grew."""
    if len(samples) < _FEW:
        return [f"{name} cannot be judged: it was looked at {len(samples)} times"]
    grown = memory_slope(samples)
    found = [f"{name} grew by {grown:.2f} MiB per 100,000 requests"] if grown >= MOST_MIB else []
    for what, counts in (
        ("descriptors", [sample.descriptors for sample in samples]),
        ("threads", [sample.threads for sample in samples]),
    ):
        before, after = (round(statistics.median(part)) for part in ends(counts))
        if abs(after - before) > MOST_MORE:
            found.append(f"{name} had {before} {what} after the warm-up and {after} at the end")
    return found


def ends(values: Sequence[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the first and the last fifth: at a single moment some file may just be open."""
    size = max(1, len(values) // 5)
    return values[:size], values[-size:]
