"""Runs a whole bus through a scenario in virtual time, and lets the oracle judge what happened.

::

    run = simulate(generate(seed=7))
    assert run.violations == []

A run is decided by its scenario alone: the loop's order, the faults and the backoff are drawn from its seed, the
time is virtual, ids are counted, and the cyclic collector is kept out of it, for the moment at which it lets go of
a reply token would be nobody's choice.

A feature that the bus gets (streams, shared flights, batches, publishing) comes into the simulation in four places:
what an errand may say (``scenario``), who does it and notes it (``players``), the words of the notes (``trace``), and
what must be true of them (``oracle``).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Envelope
from fablewright.protocol.pending import Ended, Outcome
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.faults import GRID, Faults
from fablewright.testing.oracle import judge
from fablewright.testing.players import Asker, Player
from fablewright.testing.trace import Trace
from fablewright.testing.virtual_loop import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fablewright.protocol.pending import Withdraw
    from fablewright.testing.scenario import Root, Rule, Scenario

__all__ = ["Run", "simulate"]

_TIMEOUT = 2.0  # the bus's default
_CALMS = 8  # how often a run is looked at while it goes on
_AFTERWARDS = 7200.0  # what is left ends by itself in that time: a full mailbox of handlers that hang for a minute
_NEVER_STARTED = {Reason.EXPIRED, Reason.UNDELIVERABLE}  # dead letters that are requests; all others are answers
_REFUSED = {"CircuitOpen", "BulkheadFull"}
_OUTCOMES = {outcome: outcome.value for outcome in Outcome}


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a scenario.

    Attributes:
        scenario: What was run.
        trace: What happened.
        violations: What should not have, in words; empty if all is well.
        requests: How many asks there were: from outside, by handlers, retries and hedges, and those refused unsent.
        outcomes: How they ended; ``refused`` are those that a breaker or a bulkhead did not let out.
        faults: What went wrong on purpose, by kind.
        events: Callbacks that the loop ran.
        choices: How many of them were one of several that could have run.
    """

    scenario: Scenario
    trace: Trace
    violations: list[str]
    requests: int
    outcomes: dict[str, int]
    faults: dict[str, int]
    events: int
    choices: int


def simulate(scenario: Scenario) -> Run:
    """Run a scenario to its end and judge it."""
    loop = VirtualTimeLoop(scenario.seed if scenario.shuffled else None)
    stage = _Stage(scenario, loop)
    with _undisturbed(), asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(stage.play())
        except Exception as error:  # noqa: BLE001 - a bus that hangs or raises is what is looked for
            stage.trace.note("wrong", "loop", f"the run broke off: {error!r}")
            stage.clear()
    return Run(
        scenario=scenario,
        trace=stage.trace,
        violations=judge(scenario, stage.trace.events, default_timeout=_TIMEOUT),
        requests=stage.requests,
        outcomes=stage.outcomes,
        faults=dict(stage.faults.counts),
        events=loop.events,
        choices=loop.choices,
    )


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep the collector out, and the runtime's logs, in which a hundred thousand failures on purpose would stand."""
    log = logging.getLogger("fablewright")
    level, collects = log.level, gc.isenabled()
    log.setLevel(logging.CRITICAL + 1)
    gc.disable()
    try:
        yield
    finally:
        log.setLevel(level)
        if collects:
            gc.enable()


class _Stage:
    """Everything that is alive during one run."""

    def __init__(self, scenario: Scenario, loop: VirtualTimeLoop) -> None:
        self._scenario = scenario
        self._loop = loop
        self._errands = scenario.errands
        self._note = (trace := Trace(loop.time)).note
        self.trace = trace
        self.faults = Faults(scenario.plan, seed=scenario.seed)
        self.requests = 0
        self.outcomes: dict[str, int] = {}
        self._carry: Callable[[Envelope | Ended | Withdraw, Callable[[], None]], None] = self.faults.carry
        self._asker = Asker(trace)
        self._players = [Player(cast, self._asker, trace, self.faults) for cast in scenario.cast]
        dice = random.Random(scenario.seed).random
        self._bus = Bus(
            BusOptions(
                default_timeout=_TIMEOUT,
                policies={(rule.to, rule.action): _policy(rule) for rule in scenario.rules},
                draw=lambda: int(dice() * 8) / 8,  # a backoff of that many sixteenths of a second lies on the grid
                transport=self,
            ),
            node="n",
        )
        for player in self._players:
            self._bus.register(player)

    # -------------------------------------------------------------- the transport: notes, then the faults

    def carry(self, parcel: Envelope | Ended | Withdraw, deliver: Callable[[], None]) -> None:
        """Note what is sent and what arrives."""
        note, who = self._note, parcel.message_id
        detail: object = None
        if isinstance(parcel, Envelope):
            body: Any = parcel.body
            asked = parcel.reply_to is not None
            note("sent", who, (body.number, asked, parcel.to, parcel.causation_id, parcel.deadline, parcel.attempt))
            arrives = "reached"
        elif isinstance(parcel, Ended):
            value = parcel.value
            detail = (_OUTCOMES[parcel.outcome], value if isinstance(value, str) else type(value).__name__)
            note("ended", who, detail)
            arrives = "told"
        else:
            note("withdrawn", who)
            arrives = "recalled"

        def arrive() -> None:
            note(arrives, who, detail)
            deliver()

        self._carry(parcel, arrive)

    def clear(self) -> None:
        """Carry nothing any more: what is left of a run that broke off may still try to send."""
        self._carry = lambda parcel, deliver: None  # noqa: ARG005 - a transport's signature

    # -------------------------------------------------------------- the play

    async def play(self) -> None:
        """Start the bus, let the load come in, stop the bus, and look at what is left."""
        loop, scenario = self._loop, self._scenario
        loop.set_exception_handler(self._unhandled)
        await self._bus.start()
        before = len(asyncio.all_tasks())
        self.faults.begin(self)
        last = scenario.load[-1].at * GRID if scenario.load else 0.0
        for calm in range(1, _CALMS):
            loop.call_at(int(calm * (last + 1.0) / (_CALMS * GRID)) * GRID + GRID / 2, self._calm)
        async with asyncio.TaskGroup() as group:
            self._send(group, groupby(scenario.load, key=lambda root: root.at))
            if scenario.stop:
                group.create_task(self._stop(scenario.stop * GRID))
            await asyncio.sleep(last + GRID / 2)
        await asyncio.sleep(_AFTERWARDS)
        for player in self._players:
            player.kept.clear()
        await asyncio.sleep(_AFTERWARDS)
        self._quiet(before)
        self._note("stopping", "bus")
        await self._bus.stop()
        self._calm()
        self._count()

    def _send(self, group: asyncio.TaskGroup, load: Iterator[tuple[int, Iterator[Root]]]) -> None:
        """Schedule the roots of the next tick, and with them their successors: a short heap is a fast one."""
        for at, roots in load:
            for root in roots:
                self._loop.call_at(at * GRID, self._begin, group, root)
            self._loop.call_at(at * GRID, self._send, group, load)
            return

    def _begin(self, group: asyncio.TaskGroup, root: Root) -> None:
        task = group.create_task(self._asker.ask(self._bus.ask, self._errands[root.errand], ""))
        if root.cancel:
            self._loop.call_later(root.cancel * GRID, task.cancel)

    async def _stop(self, at: float) -> None:
        await asyncio.sleep(at)
        self._note("stopping", "bus")
        await self._bus.stop(drain=self._scenario.drain * GRID)

    def crash(self, name: str) -> None:
        """Note that an agent crashes, and let it."""
        self._note("crashed", name)
        self._bus.crash(name)

    # -------------------------------------------------------------- what is seen from outside

    def _calm(self) -> None:
        """Note how the bus stands between two instants."""
        seen = self._bus.statistics()
        agents = tuple((name, agent.waiting, agent.running) for name, agent in seen.agents.items())
        breakers = tuple((*key, state.value) for key, state in seen.breakers.items())
        self._note("calm", "bus", (seen.asked, sum(seen.outcomes.values()), seen.pending, agents, breakers))

    def _quiet(self, before: int) -> None:
        """Note whatever is left of all the work: I7."""
        self._calm()
        seen = self._bus.statistics()
        left = {
            "pending": seen.pending,
            "waiting": sum(agent.waiting for agent in seen.agents.values()),
            "running": sum(agent.running for agent in seen.agents.values()),
            "tasks": seen.tasks,
            "idle workers": len(asyncio.all_tasks()) - before - len(self._players),  # one stands by for each agent
            "timers": sum(not timer.cancelled() for timer in self._loop._scheduled),  # noqa: SLF001 - asyncio's only list
        }
        for what, count in left.items():
            if count > 0:
                self._note("wrong", "loop", f"{count} {what} left over when all is quiet")

    def _count(self) -> None:
        seen = self._bus.statistics()
        self.outcomes = {outcome.value: count for outcome, count in seen.outcomes.items() if count}
        late = sum(count for reason, count in seen.dead_letters.items() if reason not in _NEVER_STARTED)
        self._note("counted", "bus", (seen.asked, self.outcomes.copy(), late))
        refused = sum(
            what == "got" and isinstance(detail, tuple) and detail[0] in _REFUSED
            for _, what, _, detail in self.trace.events
        )
        self.requests = seen.asked + refused
        self.outcomes["refused"] = refused

    def _unhandled(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._note("wrong", "loop", f"{context['message']}: {context.get('exception')!r}")


def _policy(rule: Rule) -> Policy:
    breaker = BreakerRules(failures=max(1, rule.failures), permits=rule.permits, reset_time=rule.reset * GRID)
    return Policy(
        bulkhead=rule.bulkhead or None,
        retry=RetryRules(retries=rule.retries, backoff=1 / 16),
        breaker=breaker if rule.failures else None,
        attempt_timeout=rule.attempt * GRID or None,
        hedge=rule.hedge > 0,
    )
