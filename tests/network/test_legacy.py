"""Agents of the old API on two nodes: asked from afar, and asking."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from provisional import JsonCodec, Noise

from fablewright.adapters.nats_network import NatsNetwork
from fablewright.runtime.agent import Agent, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.legacy import AgentMessage, BaseAgent, LegacyMessage, MessageBus
from fablewright.runtime.policies import BusOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.context import Context
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


async def test_what_old_agents_broadcast_is_heard_once_by_everybody_else_on_all_nodes(nats_server: NatsServer) -> None:
    here, there = (Bus(BusOptions(network=NatsNetwork(nats_server.url, JsonCodec()))) for _ in range(2))
    speaker, near, far = Listener("speaker"), Listener("near"), Listener("far")
    old = MessageBus(on=here)
    old.register_agent(speaker)
    old.register_agent(near)
    MessageBus(on=there).register_agent(far)
    modern = Modern()
    there.register(modern)
    async with here, there:
        await asyncio.to_thread(speaker.broadcast_event, "noise", {"text": "thunder"})
        await asyncio.to_thread(speaker.broadcast_event, "unheard", {})
        await until(lambda: near.heard and far.heard)
        assert here.publish(Noise("rain")) == 2  # what agents of the new API publish is heard by old ones too
        await until(lambda: all(len(each.heard) == 2 for each in (near, far)) and speaker.heard and modern.noises)
        assert near.heard == far.heard == ["thunder", "rain"]
        assert speaker.heard == modern.noises == ["rain"]  # an old agent's noise is no Noise: it is not declared here


async def until(condition: Callable[[], object]) -> None:
    give_up = asyncio.get_running_loop().time() + 5
    while not condition():
        assert asyncio.get_running_loop().time() < give_up, "it did not come about"
        await asyncio.sleep(0.01)


class Listener(BaseAgent):
    def __init__(self, name: str) -> None:
        super().__init__(name, "listener")
        self.heard: list[str] = []

    def _setup_handlers(self) -> None:
        self.register_handler("noise", lambda message: self.heard.append(message.data["text"]))


class Modern(Agent):
    name = "modern"

    def __init__(self) -> None:
        self.noises: list[str] = []

    @hears(Noise)
    async def noise(self, message: Noise, _ctx: Context) -> None:
        self.noises.append(message.text)


class Other(BaseAgent):
    def __init__(self) -> None:
        super().__init__("other", "other")

    def _setup_handlers(self) -> None:
        """Only ask."""
