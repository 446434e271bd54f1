"""llama-index-workflows: a workflow of one step, ``run`` once per request, with the workflow's own time-out."""

from __future__ import annotations

import asyncio

from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

from benchmarks.runtime.contestant import DEADLINE, Gate
from benchmarks.runtime.peers.gated import Gated

__all__ = ["Workflows"]


class _Start(StartEvent):
    n: int


class _Adder(Workflow):
    @step
    async def add(self, ev: _Start) -> StopEvent:
        return StopEvent(result=ev.n + 1)


class _Holder(Workflow):
    gate: Gate

    @step
    async def hold(self, ev: _Start) -> StopEvent:
        await self.gate.wait()
        return StopEvent(result=ev.n + 1)


class Workflows(Gated):
    """Two workflows: one answers at once, one waits."""

    name = "llama-index-workflows"
    every = 6
    crowd = 1_000

    async def start(self) -> None:
        """Make the workflows."""
        self._add = _Adder(timeout=DEADLINE)
        self._hold = _Holder(timeout=DEADLINE)
        self._hold.gate = self.gate

    async def ask(self, n: int) -> int:
        """Run the workflow."""
        return int(await self._add.run(start_event=_Start(n=n)))

    async def hold(self, n: int, timeout: float) -> int:
        """Run the workflow; the caller adds a time-out of its own if it wants another one."""
        if timeout == DEADLINE:
            return int(await self._hold.run(start_event=_Start(n=n)))
        async with asyncio.timeout(timeout):
            return int(await self._hold.run(start_event=_Start(n=n)))
