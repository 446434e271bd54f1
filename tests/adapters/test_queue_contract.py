"""What every work queue does, whatever is below it: accepted once, leased to one, written once, whoever dies."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import nats
import pytest

from fablewright.adapters.jetstream_queue import JetStreamQueue
from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.errors import FablewrightError
from fablewright.gm.preparing.ports import Batch, Task
from fablewright.protocol.job import UNFINISHED, JobRules, State
from fablewright.runtime.threads import Threads
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    from fablewright.gm.preparing.ports import Lease, WorkQueue

pytestmark = pytest.mark.anyio

Opened: TypeAlias = "Callable[..., AbstractAsyncContextManager[WorkQueue]]"
LONG = JobRules(lease=60.0, tries=3)
SHORT = JobRules(lease=0.4, tries=2)


def start_nats(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a NATS server that keeps its streams in a folder, and wait until it answers."""
    program = Path(sys.executable).parent / "nats-server"
    options = ["-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(folder / "store"), "-l", str(folder / "log")]
    server = subprocess.Popen([str(program), *options])
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.05)
        else:
            return server


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    server = start_nats(tmp_path_factory.mktemp("nats"), port)
    yield f"nats://127.0.0.1:{port}"
    server.terminate()
    server.wait(10)


@pytest.fixture(params=["sqlite", "jetstream"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """Which queue it is, and where: what another process needs to open it."""
    if request.param == "jetstream":
        return [request.param, request.getfixturevalue("nats_server")]
    return [request.param, str(tmp_path / "work.sqlite")]


@asynccontextmanager
async def open_queue(place: list[str], rules: JobRules = LONG) -> AsyncIterator[WorkQueue]:
    kind, where = place
    threads = Threads(name="queue")
    queue = JetStreamQueue(where, rules) if kind == "jetstream" else SqliteQueue(where, threads, rules)
    try:
        yield queue
    finally:
        await queue.close()
        threads.close()


@pytest.fixture
def opened(place: list[str]) -> Opened:
    """Return what opens the same queue, as another process would."""
    return lambda rules=LONG: open_queue(place, rules)


def batch(topic: str = "", **parts: object) -> Batch:
    name = uuid.uuid4().hex
    return Batch(name, topic or f"topic of {name}", **parts)  # type: ignore[arg-type] # each of its kind


def tasks(count: int) -> list[Task]:
    return [Task(f"key-{number}", json.dumps({"number": number})) for number in range(count)]


async def leased(queue: WorkQueue, name: str) -> Lease:
    """Wait for a lease: a queue on a server may take a moment to notice that one is over."""
    async with asyncio.timeout(10):
        while True:
            if (lease := await queue.lease(name)) is not None:
                return lease
            await asyncio.sleep(0.05)


async def states(queue: WorkQueue, name: str) -> list[str]:
    return [each.state.value for each in await queue.look(name)]


# ------------------------------------------------------------------ accepting


async def test_what_is_accepted_is_there_in_its_order_also_for_others(opened: Opened) -> None:
    mine = batch(words="the mill", begins=5.0, remark="three only")
    async with opened() as queue, opened() as other:
        assert await queue.latest(mine.topic) is None
        assert await queue.accept(mine, tasks(3))
        assert await other.latest(mine.topic) == mine
        found = await other.look(mine.id)
        assert [each.task for each in found] == tasks(3)
        assert {(each.state, each.result, each.reason) for each in found} == {(State.WAITING, "", "")}


async def test_a_batch_that_is_sent_twice_is_there_once(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue:
        assert await queue.accept(mine, tasks(2))
        assert not await queue.accept(mine, tasks(3))
        assert len(await queue.look(mine.id)) == 2
        assert await queue.finish(await leased(queue, mine.id), "one")
        assert not await queue.accept(mine, tasks(2))
        await queue.give_back(await leased(queue, mine.id))
        assert await states(queue, mine.id) == ["done", "waiting"]


async def test_the_latest_batch_of_a_topic_counts_and_topics_stand_side_by_side(opened: Opened) -> None:
    first, second, other = batch("Tuesday: „Ü“ *.> "), batch("Tuesday: „Ü“ *.> "), batch("Friday")
    async with opened() as queue:
        for each in (first, second, other):
            assert await queue.accept(each, tasks(1))
        assert await queue.latest("Tuesday: „Ü“ *.> ") == second
        assert await queue.latest("Friday") == other
        assert await queue.look("nobody's") == ()
        assert await queue.lease("nobody's") is None


# ------------------------------------------------------------------ working


async def test_each_task_is_leased_to_one_and_its_result_is_kept(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue, opened() as other:
        await queue.accept(mine, tasks(2))
        first, second = await leased(queue, mine.id), await leased(other, mine.id)
        assert {first.task.key, second.task.key} == {"key-0", "key-1"}
        assert await queue.lease(mine.id) is None
        assert await queue.finish(first, "ünd so „weiter“ " * 1000)
        assert await other.finish(second, "two")
        by_key = {each.task.key: each for each in await other.look(mine.id)}
        assert by_key[first.task.key].result == "ünd so „weiter“ " * 1000
        assert by_key[second.task.key].result == "two"
        assert await states(queue, mine.id) == ["done", "done"]
        assert await queue.lease(mine.id) is None


async def test_a_result_that_comes_twice_is_written_once(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue:
        await queue.accept(mine, tasks(1))
        lease = await leased(queue, mine.id)
        assert await queue.finish(lease, "first")
        assert not await queue.finish(lease, "second")
        assert (await queue.look(mine.id))[0].result == "first"


async def test_a_lease_that_is_over_is_taken_up_and_who_lost_it_writes_nothing_more(opened: Opened) -> None:
    mine = batch()
    async with opened(SHORT) as queue, opened(SHORT) as other:
        await queue.accept(mine, tasks(1))
        lost = await leased(queue, mine.id)
        taken = await leased(other, mine.id)
        assert (lost.tries, taken.tries, taken.task) == (1, 2, lost.task)
        assert await other.finish(taken, "hers")
        assert not await queue.finish(lost, "late")
        await queue.fail(lost, "late too")
        assert [(each.state, each.result) for each in await queue.look(mine.id)] == [(State.DONE, "hers")]


@pytest.mark.parametrize("is_short_first", [True, False])
async def test_a_lease_lasts_as_long_as_who_took_it_needs_however_others_are_set_up(
    opened: Opened, *, is_short_first: bool
) -> None:
    mine = batch()
    async with opened(LONG) as queue, opened(SHORT) as other:
        await queue.accept(mine, tasks(2))
        if is_short_first:
            await other.give_back(await leased(other, mine.id))
        await leased(queue, mine.id)
        await leased(queue, mine.id)
        assert await other.lease(mine.id) is None
        await asyncio.sleep(2 * SHORT.lease)
        assert await other.lease(mine.id) is None


async def test_who_lost_a_lease_may_be_first_and_then_the_other_writes_nothing(opened: Opened) -> None:
    mine = batch()
    async with opened(SHORT) as queue, opened(SHORT) as other:
        await queue.accept(mine, tasks(1))
        lost = await leased(queue, mine.id)
        taken = await leased(other, mine.id)
        assert await queue.finish(lost, "first after all")
        assert not await other.finish(taken, "second")
        assert (await queue.look(mine.id))[0].result == "first after all"


async def test_a_task_that_breaks_is_tried_again_and_fails_with_its_reason(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue:
        await queue.accept(mine, tasks(1))
        for number in (1, 2, 3):
            lease = await leased(queue, mine.id)
            assert lease.tries == number
            await queue.fail(lease, f"reason {number}")
        assert await queue.lease(mine.id) is None
        found = (await queue.look(mine.id))[0]
        assert (found.state, found.reason) == (State.FAILED, "reason 3")
        assert not await queue.finish(lease, "late")


async def test_a_task_that_kills_whoever_begins_it_fails_at_last(opened: Opened) -> None:
    mine = batch()
    async with opened(SHORT) as queue:
        await queue.accept(mine, tasks(1))
        for _ in range(SHORT.tries):
            await leased(queue, mine.id)
        async with asyncio.timeout(10):
            while await states(queue, mine.id) != ["failed"]:
                assert await queue.lease(mine.id) is None
                await asyncio.sleep(0.05)
        assert (await queue.look(mine.id))[0].reason == UNFINISHED


async def test_what_is_given_back_was_no_try(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue:
        await queue.accept(mine, tasks(1))
        for _ in range(5):
            lease = await leased(queue, mine.id)
            assert lease.tries == 1
            await queue.give_back(lease)
        assert await states(queue, mine.id) == ["waiting"]


# ------------------------------------------------------------------ by hand


async def test_what_is_paused_is_not_begun_until_it_is_resumed(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue, opened() as other:
        await queue.accept(mine, tasks(2))
        under_way = await leased(other, mine.id)
        await queue.pause(mine.id)
        found = await other.latest(mine.topic)
        assert found is not None
        assert found.paused
        assert await other.lease(mine.id) is None
        assert await other.finish(under_way, "what was begun may end")
        await queue.resume(mine.id)
        assert await other.finish(await leased(other, mine.id), "and on")


async def test_what_is_to_begin_later_is_not_begun_before_unless_it_is_resumed(opened: Opened) -> None:
    later, over = batch(begins=time.time() + 3600), batch(begins=time.time() - 1)
    async with opened() as queue:
        for each in (later, over):
            await queue.accept(each, tasks(1))
        assert await queue.lease(later.id) is None
        await leased(queue, over.id)
        await queue.resume(later.id)
        await leased(queue, later.id)


async def test_what_is_called_off_is_not_done_and_what_is_done_stays(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue:
        await queue.accept(mine, tasks(3))
        assert await queue.finish(await leased(queue, mine.id), "kept")
        under_way = await leased(queue, mine.id)
        assert await queue.cancel(mine.id) == 2
        assert await queue.cancel(mine.id) == 0
        assert not await queue.finish(under_way, "late")
        assert await queue.lease(mine.id) is None
        assert sorted(await states(queue, mine.id)) == ["cancelled", "cancelled", "done"]


async def test_many_workers_at_once_do_each_task_once(opened: Opened) -> None:
    mine = batch()
    async with opened() as queue, opened() as other:
        await queue.accept(mine, tasks(30))
        written: list[str] = []

        async def work(queue: WorkQueue) -> None:
            while "waiting" in await states(queue, mine.id):
                lease = await queue.lease(mine.id)
                if lease is not None and await queue.finish(lease, "done"):
                    written.append(lease.task.key)

        await asyncio.gather(*(work(each) for each in (queue, other) * 3))
        assert sorted(written) == sorted(task.key for task in tasks(30))


# ------------------------------------------------------------------ kill -9

WORKER = """
import asyncio, importlib.util, json, random, sys, uuid
spec = importlib.util.spec_from_file_location("contract", sys.argv[1])
contract = importlib.util.module_from_spec(spec)
spec.loader.exec_module(contract)
place, names, me = json.loads(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]

def say(*words):
    print(json.dumps(words), flush=True)

async def main():
    async with contract.open_queue(place, contract.FOR_WORKERS) as queue:
        for number in range(10**9):
            mine = contract.Batch(f"{me}-{number}", me)
            say("sent", mine.id)
            await queue.accept(mine, contract.tasks(4))
            say("accepted", mine.id)
            for name in random.sample(names, len(names)):
                latest = await queue.latest(name)
                while latest and (lease := await queue.lease(latest.id)):
                    await asyncio.sleep(random.random() * 0.01)
                    result = uuid.uuid4().hex
                    if await queue.finish(lease, result):
                        say("written", lease.batch, lease.task.key, result)

asyncio.run(main())
"""
FOR_WORKERS = JobRules(lease=0.5, tries=50)


def killed_workers(place: list[str], dice: random.Random) -> list[list[str]]:
    """Return what three workers said who worked on each other's batches until they were killed."""
    names = [uuid.uuid4().hex for _ in range(3)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, __file__, json.dumps(place), json.dumps(names), name],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    told = [worker.stdout.readline() for worker in workers if worker.stdout]  # all have begun
    for worker in workers:
        time.sleep(dice.random() * 0.4)
        worker.send_signal(signal.SIGKILL)
    for worker in workers:
        told += worker.communicate()[0].splitlines()
    return [json.loads(line) for line in told if line.strip().endswith("]")]


async def test_killed_at_any_moment_nothing_accepted_is_lost_or_written_twice(place: list[str], opened: Opened) -> None:
    dice = random.Random(7)
    told = [said for _ in range(2) for said in killed_workers(place, dice)]
    written = {(said[1], said[2]): said[3] for said in told if said[0] == "written"}
    assert written
    assert len(written) == len([said for said in told if said[0] == "written"])  # nobody was told so twice
    accepted = {said[1] for said in told if said[0] == "accepted"}
    async with opened(FOR_WORKERS) as queue:
        for name in [said[1] for said in told if said[0] == "sent"]:
            found = await queue.look(name)
            assert len(found) == 4 or (name not in accepted and not found)  # all of it or nothing
            while {each.state for each in found} - {State.DONE}:
                assert await queue.finish(await leased(queue, name), "by the survivor")
                found = await queue.look(name)
            for each in found:
                assert each.result == written.get((name, each.task.key), each.result)


# ------------------------------------------------------------------ the server of NATS


async def test_what_nats_acknowledged_is_there_when_its_server_was_killed(tmp_path: Path) -> None:
    port, mine = free_port(), batch()
    server = start_nats(tmp_path, port)
    async with open_queue(["jetstream", f"nats://127.0.0.1:{port}"]) as queue:
        await queue.accept(mine, tasks(3))
        assert await queue.finish(await leased(queue, mine.id), "kept")
        under_way = await leased(queue, mine.id)
        server.kill()
        server.wait(10)
        with pytest.raises(FablewrightError, match="The work queue on NATS cannot be used: the server does not answer"):
            await queue.finish(under_way, "not acknowledged")
        server = start_nats(tmp_path, port)
        assert [each.result for each in await queue.look(mine.id)] == ["kept", "", ""]
        written = [await queue.finish(under_way, "who was at it asks again")]
        while set(await states(queue, mine.id)) != {"done"}:  # the server may deliver the one under way once more
            lease = await queue.lease(mine.id)
            if lease is not None:
                written.append(await queue.finish(lease, "after it"))
        assert written.count(True) == 2
        assert [each.result for each in await queue.look(mine.id)] == ["kept", "who was at it asks again", "after it"]
    server.kill()
    server.wait(10)


# ------------------------------------------------------------------ on a server


async def test_owners_on_one_server_see_nothing_of_each_other(nats_server: str) -> None:
    async with AsyncExitStack() as stack:
        queues = [JetStreamQueue(nats_server, LONG, owner=owner) for owner in ("anna", "bob", "")]
        for queue in queues:
            stack.push_async_callback(queue.close)
        mine = batch()
        assert await queues[0].accept(mine, tasks(1))
        for other in queues[1:]:
            assert await other.latest(mine.topic) is None
            assert await other.look(mine.id) == ()
        assert await queues[0].finish(await leased(queues[0], mine.id), "hers")


async def test_what_the_operator_has_changed_of_the_stream_stays(nats_server: str) -> None:
    mine, queue = batch(), JetStreamQueue(nats_server, LONG, owner="carla")
    await queue.accept(mine, tasks(1))
    await queue.close()
    client = await nats.connect(nats_server)
    config = (await client.jetstream().stream_info("FW_WORK_carla")).config
    await client.jetstream().update_stream(replace(config, description="on three machines", max_age=1e6))
    await client.close()
    again = JetStreamQueue(nats_server, LONG, owner="carla")
    assert await again.latest(mine.topic) == mine
    await again.close()


async def test_a_server_that_keeps_nothing_and_one_that_is_not_there_are_said() -> None:
    with NatsServer() as without:
        for url, said in (
            (without.url, "no JetStream.*start it with -js"),
            ("nats://127.0.0.1:1", "there is no server"),
        ):
            queue = JetStreamQueue(url, LONG)
            with pytest.raises(FablewrightError, match=f"work queue on NATS cannot be used: .*{said}"):
                await queue.latest("x")
            await queue.close()


async def test_who_dies_while_accepting_loses_no_task(nats_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, queue, other = batch(), JetStreamQueue(nats_server, LONG), JetStreamQueue(nats_server, LONG)
    with monkeypatch.context() as dying:

        async def die(*_: object, **__: object) -> None:
            raise OSError

        dying.setattr(queue, "_publish", die)
        with pytest.raises(FablewrightError):
            await queue.accept(mine, tasks(2))
    assert {(await leased(other, mine.id)).task.key for _ in range(2)} == {"key-0", "key-1"}
    assert await other.lease(mine.id) is None
    await queue.close()
    await other.close()


async def test_a_task_that_is_published_twice_is_in_the_stream_once(nats_server: str) -> None:
    mine, queue = batch(), JetStreamQueue(nats_server, LONG, owner="dora")
    await queue.accept(mine, tasks(3))
    async with queue._link.opened() as (stream, _):
        for task in tasks(3):  # by who had no word of the first time
            await queue._publish(stream, mine.id, task, f"{mine.id}.{task.key}")
        assert (await stream.stream_info("FW_WORK_dora")).state.messages == 3
    await queue.close()
