from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
import time
import weakref

import pytest

from fablewright.errors import ContractViolation
from fablewright.runtime.threads import Threads, ThreadsStatistics

pytestmark = pytest.mark.anyio


class Blocker:
    """A call that hangs until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go = threading.Event()

    def __call__(self) -> str:
        self.begun.release()
        assert self.go.wait(10)
        return "done"


async def settled(threads: Threads, expected: ThreadsStatistics) -> bool:
    for _ in range(200):
        if threads.statistics == expected:
            return True
        await asyncio.sleep(0.01)
    return False


async def test_returns_and_raises_what_the_call_does_with_the_callers_context() -> None:
    threads = Threads(2)
    variable = contextvars.ContextVar("variable", default="unset")
    variable.set("set")
    assert await threads.run(variable.get) == "set"
    assert await threads.run(int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        await threads.run(divmod, 1, 0)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await threads.run(next, iter(()))
    threads.close()


async def test_threads_are_daemons_bounded_and_reused() -> None:
    threads = Threads(3, name="pool")
    blocker = Blocker()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(threads.run(blocker)) for _ in range(10)]
        assert await settled(threads, ThreadsStatistics(threads=3, idle=0, queued=7))
        alive = [thread for thread in threading.enumerate() if thread.name.startswith("pool-")]
        assert len(alive) == 3
        assert all(thread.daemon for thread in alive)
        blocker.go.set()
    assert [task.result() for task in tasks] == ["done"] * 10
    assert await settled(threads, ThreadsStatistics(threads=3, idle=3, queued=0))
    await threads.run(int)
    assert threads.statistics.threads == 3
    threads.close()
    assert await settled(threads, ThreadsStatistics(threads=0, idle=0, queued=0))


async def test_a_call_that_waits_for_another_leaves_it_its_place_for_so_long() -> None:
    threads = Threads(1)
    begun, go_on = threading.Event(), threading.Event()

    def outer() -> str:
        with threads.waiting():
            begun.set()
            assert go_on.wait(5)
        return "outer"

    waits = asyncio.get_running_loop().create_task(threads.run(outer))
    await asyncio.to_thread(begun.wait, 5)
    blocker = Blocker()
    inner = asyncio.get_running_loop().create_task(threads.run(blocker))
    third = asyncio.get_running_loop().create_task(threads.run(str))
    assert await settled(threads, ThreadsStatistics(threads=2, idle=0, queued=1))  # one works, and one waits
    go_on.set()
    assert await waits == "outer"
    assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=1))  # it was one too many
    blocker.go.set()
    assert (await inner, await third) == ("done", "")
    assert await settled(threads, ThreadsStatistics(threads=1, idle=1, queued=0))
    threads.close()


async def test_the_place_of_a_call_that_waits_goes_to_what_waited_before_it() -> None:
    threads = Threads(1)
    go_on = threading.Event()

    blocker = Blocker()

    def outer() -> str:
        with threads.waiting():
            assert go_on.wait(5)
        return blocker()

    waits = asyncio.get_running_loop().create_task(threads.run(outer))
    assert await threads.run(go_on.set) is None
    await asyncio.to_thread(blocker.begun.acquire)
    assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=0))  # the helper has left
    third = asyncio.get_running_loop().create_task(threads.run(str))
    assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=1))
    blocker.go.set()
    assert (await waits, await third) == ("done", "")
    threads.close()


async def test_who_waits_on_a_thread_of_its_own_leaves_nobody_a_place() -> None:
    threads = Threads(1)
    blocker = Blocker()
    with threads.waiting():
        calls = [asyncio.get_running_loop().create_task(threads.run(blocker)) for _ in range(2)]
        assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=1))
    blocker.go.set()
    assert await asyncio.gather(*calls) == ["done"] * 2
    threads.close()


async def test_one_call_after_another_needs_one_thread() -> None:
    threads = Threads(8)
    for _ in range(20):
        await threads.run(int)
        assert await settled(threads, ThreadsStatistics(threads=1, idle=1, queued=0))
    threads.close()


async def test_twenty_slow_calls_run_at_once() -> None:
    threads = Threads(20)
    start = time.monotonic()
    await asyncio.gather(*(threads.run(time.sleep, 0.2) for _ in range(20)))
    assert time.monotonic() - start < 1  # one after another: 4 s
    threads.close()


async def test_a_cancelled_caller_leaves_at_once_and_a_waiting_call_is_never_begun() -> None:
    threads = Threads(1)
    blocker = Blocker()
    begun: list[int] = []
    running = asyncio.get_running_loop().create_task(threads.run(blocker))
    assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=0))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(threads.run(begun.append, 1), 0.01)
    assert threads.statistics.queued == 0
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    blocker.go.set()
    assert await threads.run(str, 7) == "7"
    assert begun == []
    threads.close()


async def test_closing_ends_every_waiter() -> None:
    threads = Threads(1)
    blocker = Blocker()
    loop = asyncio.get_running_loop()
    running, waiting = (loop.create_task(threads.run(blocker)) for _ in range(2))
    assert await settled(threads, ThreadsStatistics(threads=1, idle=0, queued=1))
    threads.close()
    threads.close()
    with pytest.raises(ContractViolation, match="closed before"):
        await waiting
    with pytest.raises(ContractViolation, match="is closed"):
        await threads.run(int)
    blocker.go.set()
    assert await running == "done"
    assert await settled(threads, ThreadsStatistics(threads=0, idle=0, queued=0))


async def test_an_idle_thread_keeps_no_result_alive() -> None:
    class Thing:
        pass

    threads = Threads(1)
    reference = weakref.ref(await threads.run(Thing))
    assert await settled(threads, ThreadsStatistics(threads=1, idle=1, queued=0))
    for _ in range(100):  # the loop's own handle of the delivery may outlive the thread's by a moment
        if reference() is None:
            break
        await asyncio.sleep(0.01)
    assert reference() is None
    threads.close()


def test_a_pool_needs_a_thread() -> None:
    with pytest.raises(ContractViolation, match="at least one"):
        Threads(0)


def test_it_serves_one_loop_after_another_and_survives_a_closed_one() -> None:
    threads = Threads(1)
    blocker = Blocker()

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.run(blocker), 0.05)

    asyncio.run(leave())
    blocker.go.set()  # its loop is closed by now
    assert asyncio.run(threads.run(int, "7")) == 7
    threads.close()


HANG = """
import asyncio, threading
from fablewright.runtime.threads import Threads

async def main():
    try:
        await asyncio.wait_for(Threads().run(threading.Event().wait), 0.05)
    except TimeoutError:
        print("left")

asyncio.run(main())
"""


def test_a_call_that_hangs_does_not_keep_the_process_from_exiting() -> None:
    result = subprocess.run([sys.executable, "-c", HANG], timeout=10, capture_output=True, text=True, check=True)
    assert (result.stdout, result.stderr) == ("left\n", "")
