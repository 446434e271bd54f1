"""What a bus has done so far, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.protocol.breaker import State
    from fablewright.protocol.dead_letter import Reason
    from fablewright.protocol.pending import Outcome

__all__ = ["AgentStatistics", "BusStatistics"]


@dataclass(frozen=True, slots=True)
class AgentStatistics:
    """One agent: how many messages wait in its mailbox, and how many handlers run."""

    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """A snapshot. At any moment ``asked == sum(outcomes.values()) + pending``.

    Attributes:
        asked: Requests sent, each retry counted.
        outcomes: How those that ended did end.
        pending: Those that have not.
        dead_letters: By reason, since the start.
        contract_violations: Handlers that answered twice, or not at all.
        agents: By name.
        breakers: State by (agent, action), for those that have one.
        tasks: Tasks alive.
    """

    asked: int
    outcomes: Mapping[Outcome, int]
    pending: int
    dead_letters: Mapping[Reason, int]
    contract_violations: int
    agents: Mapping[str, AgentStatistics]
    breakers: Mapping[tuple[str, str], State]
    tasks: int
