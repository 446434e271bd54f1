"""Requests at a steady rate, whoever is slow: each is due at its time, and its latency is counted from then on."""

from __future__ import annotations

import asyncio
from array import array
from collections import Counter
from typing import TYPE_CHECKING

from benchmarks.soak.trend import Window
from fablewright.errors import FablewrightError
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.soak.requests import Ask
    from fablewright.runtime.bus import Bus

__all__ = ["Load"]

_PATIENCE = 10.0
"""Seconds that each request has."""
_TICK = 0.02
"""Seconds from one bare timer to the next."""


class Load:
    """Asks, and measures.

    Args:
        bus: Where.
        window: Seconds that are put together.
        others: Returns how many seconds of processor time other programs have taken so far.

    Attributes:
        windows: Those that are over; of single requests nothing is kept, so that this process does not grow by it.
        ended: How many requests have ended.
        kinds: How many of each kind.
        failed: How many were not answered, by what was raised.
    """

    def __init__(self, bus: Bus, *, window: float, others: Callable[[], float]) -> None:
        self.windows: list[Window] = []
        self.ended = 0
        self.kinds: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._bus = bus
        self._window = window
        self._others = others
        self._others_before = 0.0
        self._latencies, self._lateness = array("d"), array("d")
        self._supervisor = Supervisor()

    async def saturate(self, asks: Iterator[Ask], seconds: float, *, workers: int) -> float:
        """Return how many requests a second end when so many are always under way."""
        loop, before = asyncio.get_running_loop(), self.ended
        began = loop.time()

        async def work() -> None:
            while loop.time() - began < seconds:
                await self._one(next(asks), loop.time())

        await asyncio.gather(*(work() for _ in range(workers)))
        self._latencies = array("d")
        return (self.ended - before) / (loop.time() - began)

    async def run(self, asks: Iterator[Ask], seconds: float, *, rate: float) -> None:
        """Ask so many a second for so long, and wait for the last."""
        loop = asyncio.get_running_loop()
        began, self._others_before = loop.time(), self._others()
        timer = self._supervisor.start(self._tick(), name="a bare timer")
        under_way: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            task = self._supervisor.start(self._one(next(asks), due), name=f"request {number}")
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            if due - began >= (len(self.windows) + 1) * self._window:
                self._close_window()
        await asyncio.gather(*under_way)
        timer.cancel()
        await asyncio.gather(timer, return_exceptions=True)
        if self._latencies:
            self._close_window()

    async def _one(self, ask: Ask, due: float) -> None:
        kind, agent, request = ask
        try:
            await self._bus.ask(agent, request, timeout=_PATIENCE)
        except FablewrightError as error:
            self.failed[type(error).__name__] += 1
        self._latencies.append(asyncio.get_running_loop().time() - due)
        self.kinds[kind] += 1
        self.ended += 1

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _TICK
            await asyncio.sleep(_TICK)
            self._lateness.append(loop.time() - due)

    def _close_window(self) -> None:
        took, late = sorted(self._latencies), sorted(self._lateness)
        self._latencies, self._lateness = array("d"), array("d")
        others_before, self._others_before = self._others_before, self._others()
        others = (self._others_before - others_before) / self._window
        middle = (len(self.windows) + 0.5) * self._window
        self.windows.append(Window(middle, len(took), _at(took, 0.5), _at(took, 0.99), _at(late, 0.99), others))


def _at(ordered: list[float], share: float) -> float:
    """Return the value below which a share of them lies; 0 if there are none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
