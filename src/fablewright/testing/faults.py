"""Faults by plan: a transport that loses, repeats, delays and overtakes, and agents that crash, hang back or raise.

::

    faults = Faults(FaultPlan(drop=0.05, delay=0.2, crashes=(Crash("dice", at=1.0),)), seed=7)
    bus = Bus(BusOptions(transport=faults))
    bus.register(faults.upset(Dice()))
    async with bus:
        faults.begin(bus)
        ...
    assert faults.counts["drop"] > 0  # the fault did happen

What may happen to a parcel (a request, its outcome on the way back, its withdrawal):

* **drop**: it never arrives.
* **duplicate**: it arrives now, and once more later.
* **delay**: it arrives later; ``longest_delay`` is rare, most delays are short.
* **reorder**: it waits until the next parcel has passed it, or until the next grid line if none comes.
* **partition**: for a time nothing passes between two groups of agents.

What may happen to an agent: a **crash** (its handlers are cancelled, its waiters get ``PeerLost``), an **outage**
(for a time every handler raises), and per handling **slow** (it begins late) and **poison** (its message makes it
raise). The clocks of agents in one process cannot differ, so there is no clock skew here.

Everything is delayed to a line of the 1/128 s grid: many events fall on one instant then, and a shuffling
``VirtualTimeLoop`` tries their orders. 1/128 has an exact binary form, so sums of it are exact too.
"""

from __future__ import annotations

import asyncio
import inspect
import random
from collections import Counter
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from fablewright.runtime.agent import Agent, Handler
    from fablewright.runtime.context import Context
    from fablewright.runtime.network import Parcel

__all__ = ["GRID", "Crash", "FaultPlan", "Faults", "Outage", "Partition", "Poisoned"]

A = TypeVar("A", bound="Agent")

GRID = 1 / 128
"""Seconds between two grid lines."""

_ROUTES_KEPT = 10_000


class Poisoned(Exception):
    """What a handler raises when the plan says that it fails."""


@dataclass(frozen=True, slots=True)
class Crash:
    """The agent crashes ``at`` so many seconds after the beginning."""

    agent: str
    at: float


@dataclass(frozen=True, slots=True)
class Partition:
    """Between ``start`` and ``end`` (seconds after the beginning) nothing passes into or out of ``agents``."""

    agents: tuple[str, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Outage:
    """Between ``start`` and ``end`` (seconds after the beginning) every handler of the agent raises."""

    agent: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """What goes wrong, and how often; nothing does by default.

    Attributes:
        drop: Share of parcels; so are ``duplicate``, ``delay`` and ``reorder``. They exclude each other.
        longest_delay: Seconds, for delays and second deliveries.
        slow: Share of handlings that begin late; so is ``poison``, of those that raise instead.
        longest_slow: Seconds.
        crashes: When which agent crashes.
        partitions: Who is cut off, and when.
        outages: Who raises, and when.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0
    longest_delay: float = 1.0
    slow: float = 0.0
    poison: float = 0.0
    longest_slow: float = 1.0
    crashes: tuple[Crash, ...] = ()
    partitions: tuple[Partition, ...] = ()
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a plan that cannot be carried out.

        Raises:
            ContractViolation: A share is not in [0, 1], or the shares of one kind sum up to more than 1.
        """
        for shares in ((self.drop, self.duplicate, self.delay, self.reorder), (self.slow, self.poison)):
            if not (all(0 <= share <= 1 for share in shares) and sum(shares) <= 1):
                raise ContractViolation(f"The shares {shares} of a fault plan lie in [0, 1] and sum up to 1 at most.")


class Crashes(Protocol):
    """What the plan needs of a bus."""

    def crash(self, name: str) -> None: ...


class Faults:
    """Carries out a plan: give it to the bus as its transport, and ``begin`` it when the bus has started.

    Args:
        plan: What goes wrong.
        seed: Decides which parcel, and how long.

    Attributes:
        counts: How often each fault has happened, by its name.
    """

    def __init__(self, plan: FaultPlan, *, seed: int = 0) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self._draw = random.Random(seed).random
        # One number decides a parcel's fate: the bounds lie one above the other.
        self._drop = plan.drop
        self._duplicate = self._drop + plan.duplicate
        self._delay = self._duplicate + plan.delay
        self._reorder = self._delay + plan.reorder
        self._slow_or_poison = plan.slow + plan.poison
        self._held: list[Callable[[], None]] = []
        self._routes: dict[str, tuple[str, str]] = {}
        self._began = 0.0

    def __repr__(self) -> str:
        return f"<Faults {dict(self.counts)}>"

    def begin(self, bus: Crashes) -> None:
        """Let the plan's times count from now on, and schedule its crashes."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        for crash in self.plan.crashes:
            loop.call_at(self._began + crash.at, self._crash, bus, crash.agent)

    # -------------------------------------------------------------- parcels

    def carry(self, parcel: Parcel, deliver: Callable[[], None]) -> None:
        """Deliver a parcel now, later, twice or never."""
        if self.plan.partitions and self._is_cut(parcel):
            self.counts["partition"] += 1
            return
        fate = self._draw()
        if fate >= self._reorder:
            deliver()
        elif fate < self._drop:
            self.counts["drop"] += 1
        elif fate < self._duplicate:
            self.counts["duplicate"] += 1
            self._later(deliver)
            deliver()
        elif fate < self._delay:
            self.counts["delay"] += 1
            self._later(deliver)
        else:
            self.counts["reorder"] += 1
            self._held.append(deliver)
            loop = asyncio.get_running_loop()
            loop.call_at(self._line_after(loop.time(), 0.0), self._release)
            return
        if self._held:
            self._release()

    def _later(self, deliver: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        loop.call_at(self._line_after(loop.time(), self.plan.longest_delay), deliver)

    def _line_after(self, now: float, longest: float) -> float:
        """Return a grid line after ``now``; the cube makes most delays short and few of them long."""
        return (now // GRID + 1 + int(longest / GRID * self._draw() ** 3)) * GRID

    def _release(self) -> None:
        held, self._held = self._held, []
        for deliver in held:
            deliver()

    def _is_cut(self, parcel: Parcel) -> bool:
        """Return whether a partition lies between the two ends of a parcel."""
        if isinstance(parcel, Envelope):
            route = (parcel.sender, parcel.to)
            self._routes[parcel.message_id] = route
            if len(self._routes) > _ROUTES_KEPT:
                del self._routes[next(iter(self._routes))]
        else:
            route = self._routes.get(parcel.message_id, ("", ""))
        since = asyncio.get_running_loop().time() - self._began
        return any(
            cut.start <= since < cut.end and (route[0] in cut.agents) != (route[1] in cut.agents)
            for cut in self.plan.partitions
        )

    # -------------------------------------------------------------- agents

    def upset(self, agent: A) -> A:
        """Let the plan's outages, slow and poisoned handlings happen to an agent, and return it.

        Handlers that are no coroutine functions are left as they are.
        """
        handlers = {
            action: self._upset(agent.name, handler) if inspect.iscoroutinefunction(handler) else handler
            for action, handler in agent.handlers.items()
        }
        agent.handlers = MappingProxyType(handlers)  # type: ignore[misc]  # this instance alone shall suffer
        return agent

    def _upset(self, name: str, handler: Handler) -> Callable[[Any, Any, Context], Coroutine[Any, Any, object]]:
        outages = [outage for outage in self.plan.outages if outage.agent == name]

        @wraps(handler)
        async def handle(agent: object, message: object, ctx: Context) -> object:
            if outages:
                since = ctx.now - self._began
                if any(outage.start <= since < outage.end for outage in outages):
                    self.counts["outage"] += 1
                    raise Poisoned(f"{name} is out of order.")
            if self._slow_or_poison:
                fate = self._draw()
                if fate < self.plan.poison:
                    self.counts["poison"] += 1
                    raise Poisoned(f"{name} cannot bear this message.")
                if fate < self._slow_or_poison:
                    self.counts["slow"] += 1
                    await asyncio.sleep(self._line_after(ctx.now, self.plan.longest_slow) - ctx.now)
            return await handler(agent, message, ctx)

        return handle

    def _crash(self, bus: Crashes, name: str) -> None:
        self.counts["crash"] += 1
        bus.crash(name)
