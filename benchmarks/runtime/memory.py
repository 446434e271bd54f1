"""Bytes that one pending request holds, by tracemalloc: what Python allocated, exact to the byte, free of noise.

Two figures. With the caller's task: all that is there while a caller waits in a task of its own. Without it:
less the bytes of a task that waits for a future which somebody else made, so what the runtime holds stays,
the caller's future among it. Messages and what the handler holds (a token on a list, a future at a gate)
count in both.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from benchmarks.runtime.contestant import Contestant

__all__ = ["BytesPending", "bytes_per_pending"]

_LONG = 60.0


@dataclass(frozen=True, slots=True)
class BytesPending:
    """Bytes per pending request, measured over ``count`` of them."""

    count: int
    with_task: float
    without_task: float


async def bytes_per_pending(contestant: Contestant, count: int) -> BytesPending:
    """Hold ``count`` requests and weigh them, three times, for the first fills tables and free lists; the median."""
    total = statistics.median([await _weigh_held(contestant, count) for _ in range(3)])
    idle = statistics.median([await _weigh_idle(count) for _ in range(3)])
    return BytesPending(count, total, total - idle)


async def _weigh_held(contestant: Contestant, count: int) -> float:
    contestant.expect(0)
    bytes_each, tasks = await _weigh(lambda n: contestant.hold(n, _LONG), count, lambda: contestant.until_held(count))
    contestant.release()
    if await asyncio.gather(*tasks) != list(range(1, count + 1)):
        raise AssertionError("a reply went to the wrong caller")
    return bytes_each


async def _weigh_idle(count: int) -> float:
    loop = asyncio.get_running_loop()
    futures: list[asyncio.Future[int]] = [loop.create_future() for _ in range(count)]

    async def idle(n: int) -> int:
        return await futures[n]

    bytes_each, tasks = await _weigh(idle, count, lambda: asyncio.sleep(0.01))
    for n, future in enumerate(futures):
        future.set_result(n)
    await asyncio.gather(*tasks)
    return bytes_each


async def _weigh(
    ask: Callable[[int], Coroutine[Any, Any, int]], count: int, until: Callable[[], Coroutine[Any, Any, None]]
) -> tuple[float, list[asyncio.Task[int]]]:
    loop = asyncio.get_running_loop()
    tasks: list[asyncio.Task[int]] = []
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tasks.extend([loop.create_task(ask(n)) for n in range(count)])
        await until()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / count, tasks
    finally:
        tracemalloc.stop()
