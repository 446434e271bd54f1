"""How a bus is doing: this process alone, or all processes on it together, their reports added up into one."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from fablewright.entry.inspector import NodeReport, ReportNow, SwitchBreaker, switch_breaker
from fablewright.entry.system_report import (
    ActionReport,
    BreakerReport,
    Bucket,
    CacheReport,
    SystemReport,
    system_report,
)
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fablewright.runtime.bus import Bus

__all__ = ["OneProcess", "System", "WholeSystem", "added_up"]

T = TypeVar("T", ActionReport, BreakerReport, CacheReport)

_PATIENCE = 0.5
"""Seconds that a process has to report before it is left out."""
_WORST_FIRST = ("forced_open", "open", "half_open", "forced_closed", "closed")


class System(Protocol):
    """What can be looked at."""

    async def look(self) -> SystemReport:
        """Return how it is doing."""
        ...

    async def force(self, agent: str, action: str, state: str) -> None:
        """Have the circuit breakers of an action ``open``, ``closed``, or judge by themselves (``auto``)."""
        ...


class OneProcess:
    """A bus by itself.

    Args:
        bus: The bus.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def look(self) -> SystemReport:
        """Return how it is doing."""
        return system_report(self._bus)

    async def force(self, agent: str, action: str, state: str) -> None:
        """Have the circuit breaker of an action ``open``, ``closed``, or judge by itself (``auto``)."""
        switch_breaker(self._bus, agent, action, state)


class WholeSystem:
    """Asks all processes how they are doing.

    Args:
        bus: One that all of them are on.
        patience: Seconds that a process has to report.
    """

    def __init__(self, bus: Bus, *, patience: float = _PATIENCE) -> None:
        self._bus = bus
        self._patience = patience
        self._rounds = (f"{secrets.token_hex(4)}-{number}" for number in itertools.count(1))
        self._known: frozenset[str] = frozenset()

    async def report(self) -> bytes:
        """Return how they are doing together, as JSON; see ``look``."""
        return msgspec.json.encode(await self.look())

    async def look(self) -> SystemReport:
        """Return how they are doing together.

        Raises:
            FablewrightError: Nobody reports.
        """
        this_round, reports = next(self._rounds), dict[str, SystemReport]()
        with self._bus.subscribe(NodeReport, limit=1000) as told:
            self._bus.publish(ReportNow(this_round))
            try:
                async with asyncio.timeout(self._patience):
                    async for each in told:
                        if each.round == this_round:
                            with suppress(msgspec.MsgspecError, RecursionError):  # of another release, or forged
                                reports[each.node] = msgspec.json.decode(each.report, type=SystemReport)
                        if self._known and reports.keys() >= self._known:
                            break  # whoever is new is there from the next round on
            except TimeoutError:
                pass
        new = frozenset(reports)
        # Now and then all of the time is waited for, so that who has come is seen.
        self._known = frozenset() if new == self._known else new
        if not reports:
            raise FablewrightError("No agent is on this bus")
        return added_up(reports)

    async def force(self, agent: str, action: str, state: str) -> None:
        """Have the circuit breakers of an action ``open``, ``closed``, or judge by themselves (``auto``)."""
        self._bus.publish(SwitchBreaker(agent, action, state))


def added_up(reports: Mapping[str, SystemReport]) -> SystemReport:
    """Return the reports of several processes as one; an agent that runs in several has the process with its name."""
    every = list(reports.values())
    times = Counter(agent.name for report in every for agent in report.agents)
    agents = [
        msgspec.structs.replace(agent, name=f"{agent.name} @{node}") if times[agent.name] > 1 else agent
        for node, report in sorted(reports.items())
        for agent in report.agents
    ]
    return SystemReport(
        asked=sum(report.asked for report in every),
        outcomes=_sum(report.outcomes for report in every),
        pending_count=sum(report.pending_count for report in every),
        pending_bytes=sum(report.pending_bytes for report in every),
        tasks=sum(report.tasks for report in every),
        loop_lag_ms=max(report.loop_lag_ms for report in every),
        contract_violations=sum(report.contract_violations for report in every),
        unreadable=sum(report.unreadable for report in every),
        dead_letters=_sum(report.dead_letters for report in every),
        agents=tuple(sorted(agents, key=lambda agent: agent.name)),
        pending=tuple(sorted((one for report in every for one in report.pending), key=lambda one: -one.age_ms)),
        breakers=tuple(_by_action((one for report in every for one in report.breakers), _breaker)),
        caches=tuple(_by_action((one for report in every for one in report.caches), _cache)),
        letters=tuple(sorted((one for report in every for one in report.letters), key=lambda one: one.age_ms)),
        actions=tuple(_by_action((one for report in every for one in report.actions), _action)),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(total)


def _by_action(parts: Iterable[T], join: Callable[[Sequence[T]], T]) -> list[T]:
    """Return one for each action of an agent, in their order."""
    groups: dict[tuple[str, str], list[T]] = {}
    for part in parts:
        groups.setdefault((part.agent, part.action), []).append(part)
    return [join(groups[key]) for key in sorted(groups)]


def _breaker(same: Sequence[BreakerReport]) -> BreakerReport:
    """Return the breaker that is worst off: that is the one to look at."""
    worst = min(same, key=lambda one: _WORST_FIRST.index(one.state))
    return msgspec.structs.replace(worst, opened=sum(one.opened for one in same))


def _cache(same: Sequence[CacheReport]) -> CacheReport:
    first = same[0]
    counts = ("hits", "misses", "stale", "evictions", "entries", "bytes")
    return msgspec.structs.replace(first, **{name: sum(getattr(one, name) for one in same) for name in counts})


def _action(same: Sequence[ActionReport]) -> ActionReport:
    first = same[0]
    if len(same) == 1:
        return first
    counts = ("asked", "retries", "hedges", "joined", "shed")
    latency = _sum({str(bucket.upto_ms): bucket.count for bucket in one.latency} for one in same)
    buckets = tuple(Bucket(upto, latency[str(upto)]) for upto in sorted(map(float, latency)))
    return msgspec.structs.replace(
        first,
        **{name: sum(getattr(one, name) for one in same) for name in counts},
        outcomes=_sum(one.outcomes for one in same),
        p50_ms=_quantile(buckets, 0.5),
        p95_ms=_quantile(buckets, 0.95),
        p99_ms=_quantile(buckets, 0.99),
        latency=buckets,
    )


def _quantile(buckets: Sequence[Bucket], share: float) -> float | None:
    """Return the end of the bucket in which a quantile lies; it is up to twice too long."""
    seen, wanted = 0, share * sum(bucket.count for bucket in buckets)
    for bucket in buckets:
        seen += bucket.count
        if bucket.count and seen >= wanted:
            return bucket.upto_ms
    return None
