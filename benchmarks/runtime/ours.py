"""Fablewright three times: as it is out of the box, with handlers that defer, and with every policy on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.runtime.contestant import Add, Contestant, Gate, Hold
from fablewright import Agent, Bus, BusOptions, Context, DeadlineExceeded, Policy, handles
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.retry import RetryRules

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from fablewright import ReplyToken

__all__ = ["POLICIES_ON", "Deferred", "Fablewright", "WithPolicies"]

#: What "all policies" means, in words for the page; keep it beside ``_EVERYTHING``.
POLICIES_ON = "bulkhead, single-flight, retry within a budget, and circuit breaker"

# No cache: it would answer without asking. No two requests are equal, so each flight has one passenger.
_EVERYTHING = Policy(bulkhead=200_000, share=True, retry=RetryRules(), breaker=BreakerRules())


class _Adder(Agent):
    name = "adder"
    mailbox_capacity = 200_000
    concurrency = 200_000

    def __init__(self) -> None:
        self.gate = Gate()

    @handles(Add)
    async def add(self, request: Add, ctx: Context) -> int:
        del ctx
        return request.n + 1

    @handles(Hold)
    async def hold(self, request: Hold, ctx: Context) -> int:
        del ctx
        await self.gate.wait()
        return request.n + 1


class Fablewright(Contestant):
    """The bus with a deadline, correlation and metrics, which are always on; one handler per request."""

    name = "fablewright"
    expired = (DeadlineExceeded,)
    policies: ClassVar[Mapping[tuple[str, str], Policy]] = {}

    def __init__(self) -> None:
        self._adder = _Adder()
        self.bus = Bus(BusOptions(policies=self.policies))

    async def start(self) -> None:
        """Start the bus."""
        self.bus.register(self._adder)
        await self.bus.start()

    async def stop(self) -> None:
        """Stop the bus."""
        await self.bus.stop()

    def ask(self, n: int) -> Coroutine[Any, Any, int]:
        """Ask by the bus's default time-out, which is ``DEADLINE`` too."""
        return self.bus.ask("adder", Add(n))

    def hold(self, n: int, timeout: float) -> Coroutine[Any, Any, int]:
        """Ask an agent whose handler waits."""
        return self.bus.ask("adder", Hold(n), timeout=timeout)

    def expect(self, count: int) -> None:
        """Say how many."""
        self._adder.gate.expect(count)

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self._adder.gate)

    def release(self) -> None:
        """Open the gate."""
        self._adder.gate.open()


class WithPolicies(Fablewright):
    """As above, with everything that ``Policy`` offers for one action."""

    name = "fablewright, all policies"
    policies: ClassVar[Mapping[tuple[str, str], Policy]] = dict.fromkeys(
        [("adder", "add"), ("adder", "hold")], _EVERYTHING
    )


class _Deferring(Agent):
    """Keeps reply tokens instead of handlers, and answers them from one place."""

    name = "adder"
    mailbox_capacity = 200_000
    concurrency = 200_000

    def __init__(self) -> None:
        self.missing = 0
        self.held: list[tuple[Hold, ReplyToken[int]]] = []
        self._soon: list[tuple[Add, ReplyToken[int]]] = []

    @handles(Add)
    async def add(self, request: Add, ctx: Context) -> ReplyToken[int]:
        token: ReplyToken[int] = ctx.defer()
        if not self._soon:
            asyncio.get_running_loop().call_soon(self._answer_soon)
        self._soon.append((request, token))
        return token

    @handles(Hold)
    async def hold(self, request: Hold, ctx: Context) -> ReplyToken[int]:
        token: ReplyToken[int] = ctx.defer()
        self.held.append((request, token))
        self.missing -= 1
        if self.missing == 0:
            asyncio.get_running_loop().call_soon(self.release)
        return token

    def release(self) -> None:
        held, self.held = self.held, []
        for request, token in held:
            token.answer(request.n + 1)

    def _answer_soon(self) -> None:
        soon, self._soon = self._soon, []
        for request, token in soon:
            token.answer(request.n + 1)


class Deferred(Fablewright):
    """The bus with a handler that returns ``ctx.defer()``; nothing but the token is left until it is answered."""

    name = "fablewright, deferred"

    def __init__(self) -> None:
        self._deferring = _Deferring()
        self.bus = Bus(BusOptions(policies=self.policies))

    async def start(self) -> None:
        """Start the bus."""
        self.bus.register(self._deferring)
        await self.bus.start()

    def expect(self, count: int) -> None:
        """Say how many."""
        self._deferring.missing = count

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self._deferring.held)

    def release(self) -> None:
        """Answer all tokens."""
        self._deferring.release()
