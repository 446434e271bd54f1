"""Agents of the old API on two nodes: asked from afar, and asking."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from provisional import JsonCodec

from fablewright.adapters.nats_network import NatsNetwork
from fablewright.runtime.bus import Bus
from fablewright.runtime.legacy import AgentMessage, BaseAgent, LegacyMessage, MessageBus
from fablewright.runtime.policies import BusOptions

if TYPE_CHECKING:
    from fablewright.testing.nats_server import NatsServer

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Doubler(BaseAgent):
    def __init__(self) -> None:
        super().__init__("doubler", "doubler")

    def _setup_handlers(self) -> None:
        self.register_handler("double", self._double)

    def _double(self, message: AgentMessage) -> dict[str, Any]:
        return {"doubled": 2 * message.data["number"]}


async def test_old_agents_are_asked_and_ask_over_a_network(nats_server: NatsServer) -> None:
    front, back = (Bus(BusOptions(network=NatsNetwork(nats_server.url, JsonCodec()))) for _ in range(2))
    there, here = MessageBus(on=back), MessageBus(on=front)
    there.register_agent(Doubler())
    here.register_agent(Other())
    async with back, front:
        assert await front.ask("doubler", LegacyMessage("double", {"number": 4})) == {"doubled": 8}
        assert await asyncio.to_thread(here.ask, "doubler", "double", {"number": 5}) == {"doubled": 10}


class Other(BaseAgent):
    def __init__(self) -> None:
        super().__init__("other", "other")

    def _setup_handlers(self) -> None:
        """Only ask."""
