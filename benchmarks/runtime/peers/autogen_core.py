"""autogen-core: ``SingleThreadedAgentRuntime.send_message`` to a ``RoutedAgent``; the caller adds the deadline."""

from __future__ import annotations

import asyncio

from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime, rpc

from benchmarks.runtime.contestant import DEADLINE, Add, Gate, Hold
from benchmarks.runtime.peers.gated import Gated

__all__ = ["AutogenCore"]


class _Adder(RoutedAgent):
    def __init__(self, gate: Gate) -> None:
        super().__init__("adds one")
        self._gate = gate

    @rpc
    async def add(self, message: Add, ctx: MessageContext) -> int:
        del ctx
        return message.n + 1

    @rpc
    async def hold(self, message: Hold, ctx: MessageContext) -> int:
        del ctx
        await self._gate.wait()
        return message.n + 1


class AutogenCore(Gated):
    """One runtime, one agent."""

    name = "autogen-core"
    every = 3
    crowd = 1_000

    async def start(self) -> None:
        """Register the agent and start the runtime."""
        self._runtime = SingleThreadedAgentRuntime()
        await _Adder.register(self._runtime, "adder", lambda: _Adder(self.gate))
        self._adder = AgentId("adder", "default")
        self._runtime.start()

    async def stop(self) -> None:
        """Stop the runtime."""
        await self._runtime.stop()

    async def ask(self, n: int) -> int:
        """Send, inside a time-out."""
        async with asyncio.timeout(DEADLINE):
            return int(await self._runtime.send_message(Add(n), self._adder))

    async def hold(self, n: int, timeout: float) -> int:
        """Send, inside a time-out."""
        async with asyncio.timeout(timeout):
            return int(await self._runtime.send_message(Hold(n), self._adder))
