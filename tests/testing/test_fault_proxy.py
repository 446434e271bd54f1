from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from fablewright.errors import ContractViolation
from fablewright.testing.fault_proxy import FaultProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

TEXT = b"roll for initiative" * 40


@asynccontextmanager
async def echoing(**options: float) -> AsyncIterator[FaultProxy]:
    """Open a proxy before a server that sends everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(1000):
                writer.write(piece)
        except OSError:
            pass
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with FaultProxy(*server.sockets[0].getsockname(), **options) as proxy:  # type: ignore[arg-type]
            yield proxy
    finally:
        server.close()


async def connected(proxy: FaultProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = proxy.address.partition(":")
    return await asyncio.open_connection(host, int(port))


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_clear_it_is_as_if_it_were_not_there_and_an_end_is_handed_on() -> None:
    async with echoing() as proxy:
        reader, writer = await connected(proxy)
        large = TEXT * 1000
        writer.write(large)
        assert await reader.readexactly(len(large)) == large
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()


async def test_with_latency_all_comes_later_and_whole() -> None:
    async with echoing(latency=0.1) as proxy:
        reader, writer = await connected(proxy)
        proxy.become("latency")
        began = now()
        writer.write(TEXT)
        assert await reader.readexactly(len(TEXT)) == TEXT
        assert now() - began >= 0.2  # there and back
        writer.close()


async def test_it_trickles_in_drops_and_whole() -> None:
    async with echoing(drop=100, every=0.02) as proxy:
        reader, writer = await connected(proxy)
        proxy.become("trickle")
        began = now()
        writer.write(TEXT)
        first = await reader.read(len(TEXT))
        assert len(first) <= 100
        proxy.become("clear")
        proxy.become("trickle")
        rest = await reader.readexactly(len(TEXT) - len(first))
        assert first + rest == TEXT
        assert now() - began >= 0.1
        writer.close()


async def test_a_black_hole_keeps_what_it_swallows_until_it_is_none() -> None:
    async with echoing() as proxy:
        reader, writer = await connected(proxy)
        proxy.become("blackhole")
        writer.write(TEXT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        proxy.become("clear")
        assert await reader.readexactly(len(TEXT)) == TEXT
        writer.close()


async def test_a_reset_cuts_old_connections_and_new_ones_until_it_is_over() -> None:
    async with echoing() as proxy:
        old = await connected(proxy)
        old[1].write(TEXT)
        await old[0].readexactly(len(TEXT))
        proxy.become("reset")
        new = await connected(proxy)
        for reader, writer in (old, new):
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            writer.close()
        proxy.become("clear")
        reader, writer = await connected(proxy)
        writer.write(TEXT)
        assert await reader.readexactly(len(TEXT)) == TEXT
        writer.close()


async def test_nothing_is_left_after_the_end_also_of_what_is_held_up() -> None:
    before = asyncio.all_tasks()
    async with echoing() as proxy:
        proxy.become("blackhole")
        _, writer = await connected(proxy)
        writer.write(TEXT)
        await asyncio.sleep(0.05)
        assert "connections=1" in repr(proxy)
    assert [task for task in asyncio.all_tasks() - before if "fault proxy" in task.get_name()] == []
    writer.close()


async def test_there_is_no_other_way() -> None:
    with pytest.raises(ContractViolation, match="one of clear, latency"):
        FaultProxy("127.0.0.1", 1).become("sideways")  # type: ignore[arg-type]
