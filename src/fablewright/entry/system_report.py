"""How the bus is doing, as plain data for the system page, ``fablewright top`` and programs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from fablewright.protocol.breaker import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.protocol.dead_letter import DeadLetter
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.histogram import Histogram
    from fablewright.runtime.statistics import ActionStatistics
    from fablewright.runtime.waits import Wait

__all__ = ["BreakerReport", "Forced", "SystemReport", "breaker_report", "system_report"]

Forced: TypeAlias = Literal["open", "closed", "auto"]

_MOST_LETTERS = 50
_MOST_PENDING = 200


class AgentReport(msgspec.Struct, frozen=True):
    """One agent."""

    name: str
    waiting: Annotated[int, Meta(description="Messages in its mailbox.")]
    room: Annotated[int, Meta(description="How many it holds.")]
    running: Annotated[int, Meta(description="Handlers that run.")]
    concurrency: Annotated[int, Meta(description="How many may.")]
    crashes: int


class PendingReport(msgspec.Struct, frozen=True):
    """A request without an outcome: who waits for whom."""

    id: str
    cause: Annotated[str, Meta(description="The request that the asker handles meanwhile; empty for none.")]
    asker: Annotated[str, Meta(description="Empty for a caller outside.")]
    to: str
    action: str
    age_ms: float
    left_ms: Annotated[float, Meta(description="Until its deadline.")]
    started: Annotated[bool, Meta(description="Whether a handler has begun.")]


class BreakerReport(msgspec.Struct, frozen=True):
    """A circuit breaker."""

    agent: str
    action: str
    state: Literal["closed", "open", "half_open", "forced_open", "forced_closed"]
    retry_ms: Annotated[float | None, Meta(description="Until it lets somebody through; null: until it is released.")]
    last_cause: Annotated[str, Meta(description="What the last call that counted against it said.")]
    opened: Annotated[int, Meta(description="How often it opened by itself.")]


class CacheReport(msgspec.Struct, frozen=True):
    """The replies that are kept for an action."""

    agent: str
    action: str
    hits: int
    misses: int
    stale: Annotated[int, Meta(description="Failures for which a kept reply stood in.")]
    evictions: int
    entries: int
    bytes: int


class LetterReport(msgspec.Struct, frozen=True):
    """Something that found no taker."""

    id: Annotated[str, Meta(description="Of the request that it is, or that it answers.")]
    reason: str
    what: Annotated[str, Meta(description="What kind of message.")]
    age_ms: float


class Bucket(msgspec.Struct, frozen=True):
    """Some of a histogram."""

    upto_ms: Annotated[float, Meta(description="The longest of them; the bucket begins at half of it.")]
    count: int


class ActionReport(msgspec.Struct, frozen=True):
    """An action that was asked for."""

    agent: str
    action: str
    asked: Annotated[int, Meta(description="Each retry counted.")]
    outcomes: dict[str, int]
    retries: int
    hedges: int
    joined: Annotated[int, Meta(description="Asks that shared the work of another.")]
    shed: Annotated[int, Meta(description="Asks that found the bulkhead full.")]
    p50_ms: Annotated[float | None, Meta(description="Half of the replies took no longer; null without replies.")]
    p95_ms: float | None
    p99_ms: float | None
    latency: Annotated[tuple[Bucket, ...], Meta(description="From the shortest to the longest reply.")]


class SystemReport(msgspec.Struct, frozen=True):
    """All of it. At any moment ``asked`` is the sum of ``outcomes`` and ``pending_count``."""

    asked: int
    outcomes: dict[str, int]
    pending_count: int
    pending_bytes: Annotated[int, Meta(description="What their bodies take in memory, estimated.")]
    tasks: Annotated[int, Meta(description="Tasks that have something to do.")]
    loop_lag_ms: Annotated[float, Meta(description="The longest that the event loop was held up so far.")]
    contract_violations: int
    unreadable: Annotated[int, Meta(description="What came over the network and was dropped: it could not be read.")]
    dead_letters: Annotated[dict[str, int], Meta(description="By reason, since the start.")]
    agents: tuple[AgentReport, ...]
    pending: Annotated[tuple[PendingReport, ...], Meta(description="The oldest 200.")]
    breakers: tuple[BreakerReport, ...]
    caches: tuple[CacheReport, ...]
    letters: Annotated[tuple[LetterReport, ...], Meta(description="The latest 50, the latest first.")]
    actions: tuple[ActionReport, ...]


def system_report(bus: Bus) -> SystemReport:
    """Return how a bus is doing; call it on its loop."""
    now, seen = bus.now(), bus.statistics()
    actions = sorted(seen.actions.items())
    return SystemReport(
        asked=seen.asked,
        outcomes={outcome.value: count for outcome, count in seen.outcomes.items()},
        pending_count=seen.pending,
        pending_bytes=seen.pending_bytes,
        tasks=seen.tasks,
        loop_lag_ms=_ms(seen.loop_lag),
        contract_violations=seen.contract_violations,
        unreadable=seen.unreadable,
        dead_letters={reason.value: count for reason, count in seen.dead_letters.items()},
        agents=tuple(
            AgentReport(name, of.waiting, of.room, of.running, of.concurrency, of.crashes)
            for name, of in seen.agents.items()
        ),
        pending=tuple(_pending(wait, now) for wait in bus.waits()[:_MOST_PENDING]),
        breakers=tuple(each for agent, action in seen.breakers if (each := breaker_report(bus, agent, action))),
        caches=tuple(_caches(actions)),
        letters=tuple(_letter(letter, now) for letter in bus.dead_letters()[: -_MOST_LETTERS - 1 : -1]),
        actions=tuple(_action(*route, of) for route, of in actions if of.asked),
    )


def breaker_report(bus: Bus, agent: str, action: str) -> BreakerReport | None:
    """Return how the circuit breaker of an action stands; None if it has none."""
    breaker = bus.breaker(agent, action)
    if breaker is None:
        return None
    wait = breaker.retry_after(bus.now())
    moves = bus.statistics().actions[agent, action].breaker_moves
    retry = None if math.isinf(wait) else _ms(wait)
    return BreakerReport(agent, action, breaker.state.value, retry, breaker.last_cause, moves.get(State.OPEN, 0))


def _caches(actions: list[tuple[tuple[str, str], ActionStatistics]]) -> Iterator[CacheReport]:
    for (agent, action), of in actions:
        if (cache := of.cache) is not None:
            counts = (cache.hits, cache.misses, cache.stale, cache.evictions, cache.entries, cache.bytes)
            yield CacheReport(agent, action, *counts)


def _pending(wait: Wait, now: float) -> PendingReport:
    names = (wait.message_id, wait.causation_id or "", wait.asker, wait.to, wait.action)
    return PendingReport(*names, _ms(now - wait.since), _ms(wait.until - now), wait.started)


def _letter(letter: DeadLetter, now: float) -> LetterReport:
    return LetterReport(letter.message_id, letter.reason.value, type(letter.body).__name__, _ms(now - letter.at))


def _action(agent: str, action: str, of: ActionStatistics) -> ActionReport:
    quantiles = (of.latency.quantile(share) for share in (0.5, 0.95, 0.99))
    p50, p95, p99 = (None if seconds is None else _ms(seconds) for seconds in quantiles)
    outcomes = {outcome.value: count for outcome, count in of.outcomes.items() if count}
    counts = (of.asked, outcomes, of.retries, of.hedges, of.joined, of.shed)
    return ActionReport(agent, action, *counts, p50, p95, p99, tuple(_buckets(of.latency)))


def _buckets(latency: Histogram) -> Iterator[Bucket]:
    """Yield the doublings from the first to the last in which there is a reply."""
    before = 0
    for bound, upto in latency.cumulative():
        if upto > before or 0 < before < latency.count:
            yield Bucket(_ms(bound), upto - before)
        before = upto


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
