"""Which faults there are, and in what order a seed has them come."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AGENTS", "FRONT", "FRONT_PROCESS", "POSTGRES", "SERVER", "Fault", "Kind", "faults"]

Kind: TypeAlias = Literal["kill", "hold", "latency", "trickle", "blackhole", "reset", "renew"]
"""What goes wrong: a process is killed, or held up (SIGSTOP); its way to the server is as ``testing.fault_proxy``
has it; or nothing does, and one process after the other is replaced (``renew``)."""

AGENTS = ("orchestrator", "scenario_generator", "haystack_pipeline", "campaign_memory")
FRONT, SERVER = "front", "server"
FRONT_PROCESS = "front process"
"""``fablewright serve``; the other front is the experiment itself, and both reach the bus by the way of ``FRONT``."""
POSTGRES = "PostgreSQL"
"""All its processes; on the way it is between them and the campaign's memory."""
_ALL = "all agents"

_SHORTEST, _LONGEST = 0.3, 5.0
"""Seconds that a fault lasts: shorter and longer than the three after which a node that says nothing is given up."""
_HUNG, _OFTEN = 14.0, 0.1
"""Seconds that one in ten lasts: longer than the twelve after which a server that says nothing is given up."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and when.

    Attributes:
        kind: What.
        target: With whom: an agent, ``front``, ``front process``, ``server`` or ``PostgreSQL``.
        after: Seconds of calm before it.
        lasts: Seconds until it is over; of what is renewed it is as long as it takes.
    """

    kind: Kind
    target: str
    after: float
    lasts: float

    def __str__(self) -> str:
        return f"{self.kind} {self.target}"


_WITH_AGENTS: tuple[Kind, ...] = ("kill", "hold")
_ON_THE_WAY: tuple[Kind, ...] = ("latency", "trickle", "blackhole", "reset")
_BEFORE = [
    *[(kind, agent) for kind in _WITH_AGENTS for agent in (*AGENTS, FRONT_PROCESS)],
    *[(kind, SERVER) for kind in _WITH_AGENTS],
    *[(kind, place) for kind in _ON_THE_WAY for place in (*AGENTS, FRONT)],
    ("renew", _ALL),
]
_WITH_POSTGRES = [(kind, POSTGRES) for kind in (*_WITH_AGENTS, *_ON_THE_WAY)]


def faults(seed: int, *, postgres: bool = False) -> Iterator[Fault]:
    """Make faults without end: each kind once with everybody it can befall, in another order each time."""
    dice = random.Random(seed)
    before = [*_BEFORE, *(_WITH_POSTGRES if postgres else ())]
    while True:
        for kind, target in dice.sample(before, len(before)):
            lasts = _HUNG if dice.random() < _OFTEN else dice.uniform(_SHORTEST, _LONGEST)
            yield Fault(kind, target, dice.uniform(0.5, 2.0), lasts)
