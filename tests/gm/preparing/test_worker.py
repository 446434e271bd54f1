from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.errors import FablewrightError
from fablewright.gm.preparing.ports import Batch, Task
from fablewright.gm.preparing.worker import Progress, work
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

TASKS = [Task(f"k{number}", str(number)) for number in range(3)]


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[SqliteQueue]:
    threads = Threads(name="queue")
    queue = SqliteQueue(tmp_path / "work.sqlite", threads, JobRules(tries=2))
    await queue.accept(Batch("b", "t"), TASKS)
    yield queue
    await queue.close()
    threads.close()


async def test_all_is_done_and_what_cannot_be_done_fails(queue: SqliteQueue) -> None:
    asked: list[str] = []
    told: list[Progress] = []

    async def do(task: Task) -> str:
        asked.append(task.body)
        if task.body == "1":
            raise FablewrightError("it is gone")
        return f"scene {task.body}"

    assert await work(queue, "b", "t", do, told.append)
    assert asked == ["0", "1", "2", "1"]  # what broke comes last again
    assert [each.result or each.reason for each in await queue.look("b")] == ["scene 0", "it is gone", "scene 2"]
    assert (told[0], told[-1], told[-1].left) == (Progress(3), Progress(3, done=2, failed=1), 0)


async def test_who_is_stopped_gives_back_what_she_is_at(queue: SqliteQueue) -> None:
    begun = asyncio.Event()

    async def do(task: Task) -> str:
        begun.set()
        await asyncio.sleep(60)
        return ""

    working = asyncio.get_running_loop().create_task(work(queue, "b", "t", do, lambda _: None))
    await begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert [each.state.value for each in await queue.look("b")] == ["waiting"] * 3
    lease = await queue.lease("b")
    assert lease is not None
    assert (lease.task, lease.tries) == (TASKS[0], 1)


async def test_a_pause_ends_the_work_after_the_scene_that_is_being_written(queue: SqliteQueue) -> None:
    async def do(task: Task) -> str:
        await queue.pause("b")
        return "done"

    assert not await work(queue, "b", "t", do, lambda _: None)
    assert [each.state.value for each in await queue.look("b")] == ["done", "waiting", "waiting"]


async def test_work_ends_when_another_batch_takes_its_place(queue: SqliteQueue) -> None:
    await queue.accept(Batch("c", "t"), TASKS)

    async def do(task: Task) -> str:
        return pytest.fail("nobody wants this any more")

    assert not await work(queue, "b", "t", do, lambda _: None)
