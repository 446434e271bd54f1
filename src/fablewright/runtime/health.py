"""Looks after a dependency whose circuit is open: is it well again?

Without this the circuit stays open for all of its time, though the fault may have been over for most of it. With it a
small request is made now and then while it is open. The first reply ends the open time: the next caller is let through
as the probe that closes the circuit, and is unlikely to be disappointed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.protocol.breaker import State

if TYPE_CHECKING:
    from fablewright.protocol.breaker import Breaker
    from fablewright.runtime.attempts import Courier
    from fablewright.runtime.policies import HealthCheck
    from fablewright.runtime.route import Route
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Health"]


class Health:
    """The health check of one action.

    Args:
        bus: Sends what is to be sent.
        route: The action.
        breaker: Its circuit breaker.
        check: What to ask.
        supervisor: Runs it.
    """

    def __init__(
        self, bus: Courier, route: Route, breaker: Breaker, check: HealthCheck, supervisor: Supervisor
    ) -> None:
        self._bus = bus
        self._route = route
        self._breaker = breaker
        self._check = check
        self._supervisor = supervisor
        self._task: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<Health {self._route.name} {'watched' if self._task else 'not watched'}>"

    def watch(self) -> None:
        """Take note that the circuit has opened: look after its dependency until it is well, or somebody tried it."""
        if self._task is None:
            self._task = self._supervisor.start(self._watch(), name=f"{self._route.name} health", on_end=self._ended)

    def _ended(self) -> None:
        self._task = None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._check.every)
            if self._breaker.state is not State.OPEN:
                return
            if await self._is_well():
                self._breaker.is_well(self._bus.now())
                return

    async def _is_well(self) -> bool:
        now = self._bus.now()
        until = now + self._check.timeout
        waiter = self._bus.send(self._route, self._check.request, now, until, None, attempt=1, linger=0.0, story="")
        try:
            await waiter.reply()
        except (RequestFailed, ContractViolation):
            return False
        return True
