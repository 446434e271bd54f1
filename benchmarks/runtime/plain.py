"""Without a runtime: the baseline, and what one writes by hand when a deadline is wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.runtime.contestant import DEADLINE, Add, Contestant, Gate, Hold

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["BareAsyncio", "BareFutures", "TaskAndTimeout"]

_Parcel: TypeAlias = "tuple[Add | Hold, asyncio.Future[int]]"


class BareAsyncio(Contestant):
    """The least that asks with a deadline: one worker reads a queue; the asker makes a future and a timer.

    No correlation, no metrics, no bound, no care for a worker that crashes: what a request must cost on asyncio.
    """

    name = "bare asyncio"

    def __init__(self) -> None:
        self._queue: asyncio.Queue[_Parcel] = asyncio.Queue()
        self._held: list[_Parcel] = []
        self._missing = 0

    async def start(self) -> None:
        """Start the worker."""
        self._loop = asyncio.get_running_loop()
        self._worker = self._loop.create_task(self._work())

    async def stop(self) -> None:
        """End the worker."""
        self._worker.cancel()
        await asyncio.wait([self._worker])

    def ask(self, n: int) -> Coroutine[Any, Any, int]:
        """Make a future and a timer, and wait."""
        return self._send(Add(n), DEADLINE)

    def hold(self, n: int, timeout: float) -> Coroutine[Any, Any, int]:
        """As ``ask``; the worker keeps the future on a list."""
        return self._send(Hold(n), timeout)

    def expect(self, count: int) -> None:
        """Say how many."""
        self._missing = count

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self._held)

    def release(self) -> None:
        """Answer what is on the list."""
        held, self._held = self._held, []
        for request, future in held:
            if not future.done():
                future.set_result(request.n + 1)

    async def _send(self, request: Add | Hold, timeout: float) -> int:
        loop = self._loop
        future: asyncio.Future[int] = loop.create_future()
        timer = loop.call_at(loop.time() + timeout, _expire, future)
        try:
            self._queue.put_nowait((request, future))
            return await future
        finally:
            timer.cancel()

    async def _work(self) -> None:
        while True:
            parcel = await self._queue.get()
            request, future = parcel
            if isinstance(request, Add):
                if not future.done():
                    future.set_result(request.n + 1)
                continue
            self._held.append(parcel)
            self._missing -= 1
            if self._missing == 0:
                self.release()


def _expire(future: asyncio.Future[int]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


class BareFutures(BareAsyncio):
    """As above, but where many are in flight one caller makes all futures and then awaits them one by one.

    Nobody who waits for one reply can use it: it is the floor, half of which the callers' own tasks cost.
    """

    name = "bare asyncio, one caller"
    only_many = True

    async def burst(self, count: int) -> None:
        """Make all futures, await all."""
        await self._from_one_caller(Add, count)

    async def crowd_of(self, count: int) -> None:
        """Make all futures, await all; the worker keeps them until it has the last."""
        self.expect(count)
        await self._from_one_caller(Hold, count)

    async def _from_one_caller(self, message: type[Add | Hold], count: int) -> None:
        loop = self._loop
        waiting = []
        for n in range(count):
            future: asyncio.Future[int] = loop.create_future()
            timer = loop.call_at(loop.time() + DEADLINE, _expire, future)
            self._queue.put_nowait((message(n), future))
            waiting.append((future, timer))
        for n, (future, timer) in enumerate(waiting):
            if await future != n + 1:
                raise AssertionError("a reply went to the wrong caller")
            timer.cancel()


class TaskAndTimeout(Contestant):
    """What one writes by hand: a task for the handler, awaited inside ``asyncio.timeout``."""

    name = "create_task + timeout"

    def __init__(self) -> None:
        self._gate = Gate()

    async def start(self) -> None:
        """There is nothing to start."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """There is nothing to stop."""

    async def ask(self, n: int) -> int:
        """Run the handler in a task."""
        async with asyncio.timeout(DEADLINE):
            return await self._loop.create_task(self._add(Add(n)))

    async def hold(self, n: int, timeout: float) -> int:
        """As ``ask``."""
        async with asyncio.timeout(timeout):
            return await self._loop.create_task(self._add_at_the_gate(Hold(n)))

    def expect(self, count: int) -> None:
        """Say how many."""
        self._gate.expect(count)

    @property
    def held(self) -> int:
        """How many are held."""
        return len(self._gate)

    def release(self) -> None:
        """Open the gate."""
        self._gate.open()

    async def _add(self, request: Add) -> int:
        return request.n + 1

    async def _add_at_the_gate(self, request: Hold) -> int:
        await self._gate.wait()
        return request.n + 1
