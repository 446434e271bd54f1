"""What the runtime has promised to cost, as bounds on the figures of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.runtime.report import Report

__all__ = ["TARGETS", "Target"]

_OURS, _DEFERRED, _POLICIES = "fablewright", "fablewright, deferred", "fablewright, all policies"


@dataclass(frozen=True, slots=True)
class Target:
    """One promise.

    Attributes:
        what: In words, with its unit.
        bound: At most this, or at least this.
        figure: Takes it out of a report; None if it was not measured.
        at_least: Whether more is better.
    """

    what: str
    bound: float
    figure: Callable[[Report], float | None]
    at_least: bool = False

    def met(self, figure: float) -> bool:
        """Return whether the figure keeps the promise."""
        return figure >= self.bound if self.at_least else figure <= self.bound


def _ratio(name: str, figure: str) -> Callable[[Report], float | None]:
    def read(report: Report) -> float | None:
        cost = report.costs.get(name, {}).get(figure)
        return cost.ratio.median if cost is not None else None

    return read


def _cheaper(than: str, figure: str) -> Callable[[Report], float | None]:
    def read(report: Report) -> float | None:
        theirs, ours = _ratio(than, figure)(report), _ratio(_OURS, figure)(report)
        return theirs / ours if theirs is not None and ours is not None else None

    return read


def _bytes(name: str, *, with_task: bool) -> Callable[[Report], float | None]:
    def read(report: Report) -> float | None:
        weight = report.memory.get(name)
        if weight is None:
            return None
        return weight.with_task if with_task else weight.without_task

    return read


def _expiry(name: str, attribute: str) -> Callable[[Report], float | None]:
    def read(report: Report) -> float | None:
        expiry = report.expiry.get(name)
        return float(getattr(expiry, attribute)) if expiry is not None and expiry.count >= 100_000 else None

    return read


def _worst_garbage(report: Report) -> float | None:
    ours = [garbage.per_request for name, garbage in report.garbage.items() if name.startswith(_OURS)]
    return max(ours, default=None)


def _rss_slope(report: Report) -> float | None:
    # A short run's slope is that of its beginning.
    long = report.endurance
    return long.rss_slope if long is not None and long.requests >= 500_000 else None


def _residue(report: Report) -> float | None:
    if report.endurance is None:
        return None
    before, after = report.endurance.before, report.endurance.after
    files = (after.open_files or 0) - (before.open_files or 0)
    return float(max(after.tasks - before.tasks, after.timers - before.timers, files))


TARGETS: tuple[Target, ...] = (
    Target("sequential latency, median, x bare asyncio", 1.8, _ratio(_OURS, "p50")),
    Target("sequential latency, 99th percentile, x bare asyncio", 2.5, _ratio(_OURS, "p99")),
    Target("CPU with 1,000 in flight, x bare asyncio", 3.2, _ratio(_OURS, "in flight")),
    Target("the same, deferred", 1.7, _ratio(_DEFERRED, "in flight")),
    Target("the same, all policies on", 4.5, _ratio(_POLICIES, "in flight")),
    Target(
        "CPU with 1,000 in flight, times cheaper than autogen-core",
        15,
        _cheaper("autogen-core", "in flight"),
        at_least=True,
    ),
    Target("bytes per pending ask, with the caller's task", 3200, _bytes(_OURS, with_task=True)),
    Target("bytes per pending ask, deferred, without the caller's task", 1800, _bytes(_DEFERRED, with_task=False)),
    Target("100,000 expire, s", 1.3, _expiry(_OURS, "seconds")),
    Target("the same, deferred, s", 1.3, _expiry(_DEFERRED, "seconds")),
    Target("longest stall of the loop meanwhile, own CPU, s", 0.010, _expiry(_OURS, "stall_cpu")),
    Target("the same, deferred, s", 0.010, _expiry(_DEFERRED, "stall_cpu")),
    Target("tasks left after it", 0, _expiry(_OURS, "tasks_left")),
    Target("cyclic garbage, objects per request, worst ending", 0.01, _worst_garbage),
    Target("growth of resident memory, MiB per million requests", 1.0, _rss_slope),
    Target("tasks, timers and open files more than before", 0, _residue),
)
