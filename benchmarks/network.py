"""What asking over a network costs: our ask beside nats-py's own request, on one server, in one run.

::

    uv run python -m benchmarks.network            # both tables, in about a minute
    uv run python -m benchmarks.network --quick    # to see that it runs

Asker and answerer are processes of their own, as they are in use; the server is one of ours. The two contestants take
turns, slice by slice (A B A B ...), so that whatever slows the machine down slows both; what counts is the median of
the ratios of neighbours. Of each: requests a second with 64 under way at once, and the latency of one after the other.

The second table has an agent whose handler waits for 50 ms and does one thing at a time: one replica, then four. Three
are started while the asker goes on asking.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from nats.aio.client import Client

from fablewright import Agent, Bus, Context, Request, handles
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.adapters.wire.codec import Wire
from fablewright.runtime.policies import BusOptions
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.msg import Msg

    Ask = Callable[[int], Awaitable[int]]

LEAST_THROUGHPUT = 0.8
MOST_P99 = 1.5
LEAST_GAIN = 3.5

_AT_ONCE = 64
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Plus(Request[int]):
    """Asks for one more than a number."""

    action: ClassVar[str] = "plus"
    number: int = 0


@dataclass(frozen=True, slots=True)
class Pause(Request[int]):
    """Asks for one more than a number, after a while."""

    action: ClassVar[str] = "pause"
    number: int = 0


class Adder(Agent):
    """Answers at once."""

    name = "adder"

    @handles(Plus)
    async def plus(self, request: Plus, _ctx: Context) -> int:
        """Add one."""
        return request.number + 1


class Pauser(Agent):
    """Waits, and does one thing at a time."""

    name = "pauser"
    concurrency = 1

    @handles(Pause)
    async def pause(self, request: Pause, _ctx: Context) -> int:
        """Add one, after a while."""
        await asyncio.sleep(_PAUSE)
        return request.number + 1


def _bus(url: str, *agents: Agent) -> Bus:
    bus = Bus(BusOptions(network=NatsNetwork(url, Wire([Plus, Pause]))))
    for agent in agents:
        bus.register(agent)
    return bus


# ---------------------------------------------------------------- the answering processes


async def _serve(url: str, what: str) -> None:
    raw = await _raw(url)

    async def add(message: Msg) -> None:
        await message.respond(str(int(message.data) + 1).encode())

    await raw.subscribe("raw.plus", queue="raw", cb=add)
    await raw.flush()
    async with _bus(url, Adder() if what == "adder" else Pauser()):
        print("ready", flush=True)
        await asyncio.Event().wait()


async def _raw(url: str) -> Client:
    client = Client()
    await client.connect(url)
    return client


def _start(url: str, what: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.network", "--serve", what, "--url", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"The process for {what} did not start.")
    return process


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.kill()
        process.wait()


# ---------------------------------------------------------------- ours beside theirs


@dataclass(slots=True)
class Slice:
    """One slice: requests a second, and the median and the 99th percentile of the latency in milliseconds."""

    rate: float
    p50: float
    p99: float


async def _slice(ask: Ask, count: int) -> Slice:
    gc.collect()
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for number in numbers:
            if await ask(number) != number + 1:
                raise AssertionError(f"a wrong answer to {number}")

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(_AT_ONCE)))
    rate = count / (time.perf_counter() - began)
    took = []
    for number in range(count // 4):
        asked = time.perf_counter()
        await ask(number)
        took.append(1000 * (time.perf_counter() - asked))
    took.sort()
    return Slice(rate, took[len(took) // 2], took[int(len(took) * 0.99)])


async def compare(url: str, slices: int, count: int) -> dict[str, float]:
    """Let both take turns; return the medians of the ratios of ours to theirs."""
    processes = [_start(url, "adder")]
    try:
        raw = await _raw(url)
        async with _bus(url) as bus:

            async def theirs(number: int) -> int:
                return int((await raw.request("raw.plus", str(number).encode(), timeout=10)).data)

            async def ours(number: int) -> int:
                return await bus.ask("adder", Plus(number), timeout=10)

            for ask in (theirs, ours):
                await _slice(ask, count // 4)  # warm
            pairs = [(await _slice(theirs, count), await _slice(ours, count)) for _ in range(slices)]
        await raw.close()
    finally:
        _end(processes)
    for name, side in (("nats-py request", 0), ("ask over NATS", 1)):
        rate, p50, p99 = (statistics.median(getattr(pair[side], of) for pair in pairs) for of in ("rate", "p50", "p99"))
        print(f"{name:16} {rate:8,.0f} a second   p50 {p50:6.3f} ms   p99 {p99:6.3f} ms")
    ratios = {of: [getattr(pair[1], of) / getattr(pair[0], of) for pair in pairs] for of in ("rate", "p50", "p99")}
    for of, each in ratios.items():
        low, middle, high = statistics.quantiles(each, n=4, method="inclusive")
        print(f"ours to theirs, {of:4}: {middle:.2f} ({low:.2f} to {high:.2f})")
    return {of: statistics.median(each) for of, each in ratios.items()}


# ---------------------------------------------------------------- replicas


async def scale(url: str, seconds: float) -> float:
    """Ask one replica, add three while asking, and return how many times as many answers four give."""
    processes = [_start(url, "pauser")]
    numbers, answers = itertools.count(), 0
    try:
        async with _bus(url) as bus:

            async def go_on() -> None:
                nonlocal answers
                for number in numbers:
                    await bus.ask("pauser", Pause(number), timeout=60)
                    answers += 1

            async def rate() -> float:
                before, began = answers, time.perf_counter()
                await asyncio.sleep(seconds)
                return (answers - before) / (time.perf_counter() - began)

            asking = asyncio.gather(*(go_on() for _ in range(_AT_ONCE)))
            await asyncio.sleep(1)
            one = await rate()
            for _ in range(3):
                processes.append(await asyncio.to_thread(_start, url, "pauser"))  # noqa: PERF401 - each is to be ended
            await asyncio.sleep(4 * _AT_ONCE * _PAUSE)  # until what waits at the first is shared out
            four = await rate()
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
    finally:
        _end(processes)
    print(f"one replica {one:.1f} a second, four {four:.1f}: {four / one:.2f} times as many")
    return four / one


def main() -> int:
    """Print both tables; the status is 1 if a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few slices only")
    parser.add_argument("--serve", choices=("adder", "pauser"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(_serve(given.url, given.serve))
        return 0
    with NatsServer() as server:
        ratios = asyncio.run(compare(server.url, *((3, 400) if given.quick else (15, 4000))))
        gain = asyncio.run(scale(server.url, 2 if given.quick else 8))
    bounds = {
        f"throughput at least {LEAST_THROUGHPUT} of theirs": ratios["rate"] >= LEAST_THROUGHPUT,
        f"p99 at most {MOST_P99} times theirs": ratios["p99"] <= MOST_P99,
        f"four replicas at least {LEAST_GAIN} times one": gain >= LEAST_GAIN,
    }
    for bound, holds in bounds.items():
        print(f"{'held  ' if holds else 'BROKEN'}  {bound}")
    return 0 if all(bounds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
