"""What happens when very many requests expire at one moment: how long it takes, what it does to the loop, what stays.

The loop's clock is set forward past all deadlines, so nobody waits for them. A ticker asks to be woken every
millisecond. How late it comes is the stall that every other user of the loop felt; of it the CPU time that
this thread spent is what the runtime did, the rest is what the machine gave to other programs.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from benchmarks.runtime.contestant import Contestant

__all__ = ["Expiry", "ForwardLoop", "expire_at_once"]

_TICK = 0.001


class ForwardLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be set forward."""

    ahead = 0.0

    def time(self) -> float:
        """Return the seconds of the monotonic clock, and what was added."""
        return super().time() + self.ahead


@dataclass(frozen=True, slots=True)
class Expiry:
    """``count`` requests expired.

    Attributes:
        count: How many.
        seconds: From the first deadline until the last caller had its error.
        cpu: The CPU time of the process meanwhile.
        stall: The longest that the loop was away, in seconds.
        stall_cpu: The longest that this thread's own work kept the loop away, in seconds of CPU.
        tasks_left: Tasks more than before, after everybody had time to end.
        timers_left: Timers of the loop more than before.
    """

    count: int
    seconds: float
    cpu: float
    stall: float
    stall_cpu: float
    tasks_left: int
    timers_left: int


async def expire_at_once(contestant: Contestant, count: int) -> Expiry:
    """Let ``count`` held requests expire; runs on a ``ForwardLoop`` only."""
    loop = cast("ForwardLoop", asyncio.get_running_loop())
    tasks_before, timers_before = len(asyncio.all_tasks()), _timers(loop)
    over: asyncio.Future[None] = loop.create_future()
    left = count

    async def caller(n: int) -> None:
        nonlocal left
        try:
            await contestant.hold(n, 600.0)
        except contestant.expired:
            left -= 1
            if not left:
                over.set_result(None)

    contestant.expect(0)
    callers = [loop.create_task(caller(n)) for n in range(count)]
    await contestant.until_held(count)
    gc.collect()
    stalls: list[tuple[float, float]] = []
    ticker = loop.create_task(_tick(stalls))
    await asyncio.sleep(10 * _TICK)
    stalls.clear()
    began, began_cpu = time.perf_counter(), time.process_time()
    loop.ahead += 700.0
    await over
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    await asyncio.sleep(2 * _TICK)
    ticker.cancel()
    await asyncio.wait([ticker, *callers])
    del callers
    await asyncio.sleep(0.05)
    result = Expiry(
        count=count,
        seconds=seconds,
        cpu=cpu,
        stall=max(late for late, _ in stalls),
        stall_cpu=max(cpu for _, cpu in stalls),
        tasks_left=len(asyncio.all_tasks()) - tasks_before,
        timers_left=_timers(loop) - timers_before,
    )
    contestant.release()
    await asyncio.sleep(0.1)  # what was left behind may end now
    return result


async def _tick(stalls: list[tuple[float, float]]) -> None:
    while True:
        began, began_cpu = time.perf_counter(), time.thread_time()
        await asyncio.sleep(_TICK)
        late = max(0.0, time.perf_counter() - began - _TICK)
        stalls.append((late, min(late, time.thread_time() - began_cpu)))


def _timers(loop: asyncio.AbstractEventLoop) -> int:
    """Return how many timers are armed; cancelled ones stay on asyncio's heap for a while and do not count."""
    scheduled: list[asyncio.TimerHandle] = getattr(loop, "_scheduled", [])
    return sum(not timer.cancelled() for timer in scheduled)
