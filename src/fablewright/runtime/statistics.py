"""What a bus has done so far, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.protocol.breaker import State
    from fablewright.protocol.cache import CacheStatistics
    from fablewright.protocol.dead_letter import Reason
    from fablewright.protocol.pending import Outcome
    from fablewright.runtime.histogram import Histogram

__all__ = ["ActionStatistics", "AgentStatistics", "BusStatistics"]


@dataclass(frozen=True, slots=True)
class AgentStatistics:
    """One agent.

    Attributes:
        waiting: Messages in its mailbox.
        running: Handlers that run.
        crashes: Since the start.
        room: How many messages its mailbox holds.
        concurrency: How many handlers may run at once.
    """

    waiting: int
    running: int
    crashes: int = 0
    room: int = 0
    concurrency: int = 0


@dataclass(frozen=True, slots=True)
class ActionStatistics:
    """One action of one agent.

    Attributes:
        asked: Requests made, each retry and hedge counted, and each that waited for a shared one.
        outcomes: How those that ended did end.
        latency: Seconds from the ask to its reply, of those that were replied to.
        retries: Attempts after the first.
        hedges: Second attempts beside the first.
        unstarted: Those of the expired that no handler had begun with. None is ever begun with after its deadline.
        batches: How many were handled together, by size.
        joined: Asks that shared the work of another.
        shed: Asks that found the bulkhead full.
        breaker: Where its circuit breaker stands; None without one.
        breaker_moves: How often it moved, by where to.
        cache: Its cache; None without one.
    """

    asked: int
    outcomes: Mapping[Outcome, int]
    latency: Histogram
    retries: int = 0
    hedges: int = 0
    unstarted: int = 0
    batches: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    joined: int = 0
    shed: int = 0
    breaker: State | None = None
    breaker_moves: Mapping[State, int] = field(default_factory=lambda: MappingProxyType({}))
    cache: CacheStatistics | None = None


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """A snapshot. At any moment ``asked == sum(outcomes.values()) + pending``.

    Attributes:
        asked: Requests sent, each retry counted.
        outcomes: How those that ended did end.
        pending: Those that have not.
        pending_bytes: What their bodies take in memory, estimated.
        dead_letters: By reason, since the start.
        contract_violations: Handlers that answered twice, or not at all.
        agents: By name.
        actions: By (agent, action), of those that were ever asked.
        breakers: State by (agent, action), for those that have one.
        tasks: Tasks alive that have something to do; an agent's worker that stands by is none.
        unreadable: What came over the network and was dropped: forged, too large, too deep, or sent to where it does
            not belong. What came twice is a dead letter, ``duplicate``.
        loop_lag: The longest that the loop was seen to be held up, in seconds; 0.0 without a watchdog.
    """

    asked: int
    outcomes: Mapping[Outcome, int]
    pending: int
    pending_bytes: int
    dead_letters: Mapping[Reason, int]
    contract_violations: int
    agents: Mapping[str, AgentStatistics]
    actions: Mapping[tuple[str, str], ActionStatistics]
    breakers: Mapping[tuple[str, str], State]
    tasks: int
    loop_lag: float = 0.0
    unreadable: int = 0
