"""What every ledger does, whatever is below it: only who has seen the latest of an entry can change it."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias

import nats
import pytest

from fablewright.adapters import jetstream_ledger
from fablewright.adapters.jetstream_ledger import JetStreamLedger
from fablewright.adapters.jetstream_link import JetStreamLink
from fablewright.adapters.nats_access import Access
from fablewright.adapters.sqlite_ledger import SqliteLedger
from fablewright.errors import FablewrightError
from fablewright.runtime.threads import Threads
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from fablewright.gm.preparing.ledger import Ledger

pytestmark = pytest.mark.anyio

Opened: TypeAlias = "Callable[[], AbstractAsyncContextManager[Ledger]]"


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    if NatsServer.program() is None:
        pytest.skip("there is no nats-server")
    with NatsServer("-js", "-sd", str(tmp_path_factory.mktemp("nats"))) as server:
        yield server


@pytest.fixture(params=["sqlite", "jetstream"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Return what opens the same ledger, as another process would."""
    server = request.getfixturevalue("nats_server") if request.param == "jetstream" else None

    @asynccontextmanager
    async def open_ledger() -> AsyncIterator[Ledger]:
        threads = Threads(name="ledger")
        ledger = JetStreamLedger(server.url) if server else SqliteLedger(tmp_path / "accepted.sqlite", threads)
        try:
            yield ledger
        finally:
            await ledger.close()
            threads.close()

    return open_ledger


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    return f"Tuesday: „Ü“ *.> {request.node.name}"


async def test_what_is_added_is_there_once_also_for_others(opened: Opened, topic: str) -> None:
    async with opened() as ledger, opened() as other:
        assert await ledger.read(topic, "key-1") is None
        assert await ledger.entries(topic) == ()
        assert await ledger.add(topic, "key-1", "ünd so „weiter“ " * 1000)
        assert not await other.add(topic, "key-1", "something else")
        assert await other.add(topic, "key-2", "two")
        assert await other.add("another topic", "key-1", "not ours")
        found = {entry.key: entry for entry in await other.entries(topic)}
        assert {key: entry.text for key, entry in found.items()} == {"key-1": "ünd so „weiter“ " * 1000, "key-2": "two"}
        read = await ledger.read(topic, "key-2")
        assert read is not None
        assert replace(read, age=0.0) == replace(found["key-2"], age=0.0)


async def test_only_who_has_seen_the_latest_changes_it(opened: Opened, topic: str) -> None:
    async with opened() as ledger, opened() as other:
        await ledger.add(topic, "key", "one")
        seen = await other.read(topic, "key")
        assert seen is not None
        assert await ledger.swap(topic, "key", seen.revision, "two")
        assert not await other.swap(topic, "key", seen.revision, "three")
        assert not await other.remove(topic, "key", seen.revision)
        latest = await other.read(topic, "key")
        assert latest is not None
        assert latest.text == "two"
        assert await other.remove(topic, "key", latest.revision)
        assert not await ledger.swap(topic, "key", latest.revision, "four")
        assert not await ledger.remove(topic, "key", latest.revision)
        assert await ledger.read(topic, "key") is None
        assert await ledger.entries(topic) == ()
        assert await ledger.add(topic, "key", "again")


async def test_how_old_an_entry_is_goes_by_the_ledgers_clock_whatever_ours_says(
    opened: Opened, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, since = time.time, time.monotonic()
    async with opened() as ledger, opened() as other:
        monkeypatch.setattr(time, "time", lambda: right() + 3600)
        await ledger.add(topic, "key", "one")
        monkeypatch.setattr(time, "time", lambda: right() - 3600)
        await asyncio.sleep(0.5)
        (seen,) = await other.entries(topic)
        assert 0.45 < seen.age < time.monotonic() - since
        assert await other.swap(topic, "key", seen.revision, "two")
        again = time.monotonic()
        await asyncio.sleep(0.1)
        read = await ledger.read(topic, "key")
        assert read is not None
        assert 0.05 < read.age < time.monotonic() - again + 0.05


async def test_what_is_from_before_the_machine_was_started_is_older_than_anything(tmp_path: Path) -> None:
    threads = Threads(name="ledger")
    before = SqliteLedger(tmp_path / "accepted.sqlite", threads, clock=lambda: 1000.0)
    await before.add("topic", "key", "text")
    since = SqliteLedger(tmp_path / "accepted.sqlite", threads, clock=lambda: 20.0)
    assert [entry.age for entry in await since.entries("topic")] == [float("inf")]
    for ledger in (before, since):
        await ledger.close()
    threads.close()


@pytest.mark.parametrize(("set_back", "age"), [(5.0, 0.0), (3600.0, float("inf"))])
async def test_what_is_from_before_the_servers_clock_was_set_back_is_older_than_anything(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch, set_back: float, age: float
) -> None:
    ledger = JetStreamLedger(nats_server.url)
    await ledger.add("topic", f"key-{set_back:.0f}", "text")
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() - set_back)
    monkeypatch.setattr("fablewright.adapters.jetstream_ledger.time", clock)
    read = await ledger.read("topic", f"key-{set_back:.0f}")
    assert read is not None
    assert read.age == age
    await ledger.close()


async def test_a_file_of_before_ages_were_kept_is_read_on(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "accepted.sqlite")) as file:
        file.executescript(
            """CREATE TABLE entries (topic TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
               text TEXT NOT NULL, PRIMARY KEY (topic, key)) WITHOUT ROWID;
               INSERT INTO entries VALUES ('topic', 'old', 7, 'text');
               PRAGMA application_id = 1180787265; PRAGMA user_version = 1;"""
        )
    threads = Threads(name="ledger")
    ledger = SqliteLedger(tmp_path / "accepted.sqlite", threads)
    assert await ledger.add("topic", "new", "text")
    assert {(entry.key, entry.text) for entry in await ledger.entries("topic")} == {("old", "text"), ("new", "text")}
    assert await ledger.swap("topic", "old", 7, "changed")
    await ledger.close()
    threads.close()


async def test_what_somebody_takes_out_of_a_bucket_by_hand_is_not_there(nats_server: NatsServer) -> None:
    ledger = JetStreamLedger(nats_server.url)
    for key in ("one", "two"):
        await ledger.add("by hand", key, "")
    client = await nats.connect(nats_server.url)
    bucket = await client.jetstream().key_value("FW_ACCEPTED")
    await bucket.delete(jetstream_ledger._place("by hand", "one"))
    await client.close()
    assert await ledger.read("by hand", "one") is None
    assert [(entry.key, entry.text) for entry in await ledger.entries("by hand")] == [("two", "")]
    await ledger.close()


async def test_a_bucket_of_one_server_is_told_where_three_are_named(
    nats_server: NatsServer, caplog: pytest.LogCaptureFixture
) -> None:
    for urls in ([nats_server.url], [nats_server.url] * 3):
        caplog.clear()
        ledger = JetStreamLedger(urls)
        await ledger.read("topic", "none")
        await ledger.close()
        assert ("is on one server, though 3 are named" in caplog.text) == (len(urls) == 3)


async def test_of_many_who_try_at_once_one_does(opened: Opened, topic: str) -> None:
    async with opened() as ledger, opened() as other:
        await ledger.add(topic, "key", "")
        for _ in range(5):
            seen = await ledger.read(topic, "key")
            assert seen is not None
            tries = [each.swap(topic, "key", seen.revision, str(n)) for n, each in enumerate([ledger, other] * 4)]
            did = await asyncio.gather(*tries)
            assert did.count(True) == 1
            latest = await other.read(topic, "key")
            assert latest is not None
            assert latest.text == str(did.index(True))


async def test_a_nats_server_that_is_killed_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    if NatsServer.program() is None:
        pytest.skip("there is no nats-server")
    with NatsServer("-js", "-sd", str(tmp_path / "store")) as server:
        ledger = JetStreamLedger(server.url)
        assert await ledger.add("topic", "key", "text")
        server.stop()  # by SIGKILL
        with pytest.raises(FablewrightError, match=r"What was accepted on NATS cannot be used: "):
            await ledger.read("topic", "key")
        server.start()
        assert [entry.text for entry in await ledger.entries("topic")] == ["text"]
        await ledger.close()


@pytest.mark.benchmark
async def test_accepting_on_jetstream_takes_less_than_five_milliseconds(
    nats_server: NatsServer, topic: str, slowness: float
) -> None:
    ledger = JetStreamLedger(nats_server.url)
    await ledger.read(topic, "key")  # connected, as a front that has begun is
    took = []
    for number in range(50):
        before = time.perf_counter()
        assert await ledger.add(topic, f"key-{number}", "x" * 1000)
        took.append(time.perf_counter() - before)
    await ledger.close()
    assert sorted(took)[25] < 0.005 * slowness


async def test_a_cancellation_that_the_client_of_nats_swallows_counts_all_the_same(nats_server: NatsServer) -> None:
    async def ready(_: object) -> str:
        return "ready"

    link = JetStreamLink(nats_server.url, Access(), ready, "the store")

    async def swallowing() -> None:
        async with link.opened():
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(swallowing(), 0.3)
    let_go: list[bool] = []

    async def letting_go() -> None:
        try:
            await asyncio.sleep(60)
        finally:  # while it is cancelled, and that is no other cancellation
            async with link.opened():
                let_go.append(True)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(letting_go(), 0.1)
    assert let_go == [True]
    await link.close()
