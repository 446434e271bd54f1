from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from benchmarks.chaos.books import PostgresBooks, SqliteBooks, key_of_note, key_of_scene, title_of
from benchmarks.chaos.witness import Witness, broken_by

from fablewright.adapters import postgres_campaign, sqlite_campaign
from fablewright.adapters.postgres_campaign import PostgresCampaigns
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.ports import StoredScene
from fablewright.runtime.bus import Bus
from fablewright.testing.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.chaos.books import Books

    from fablewright.gm.campaign.archive import StateStore

_DAY = "2026-11-27"


def told(title: str, total: float, compose: float = 2.0) -> str:
    timings = {"retrieve_ms": 1.0, "compose_ms": compose, "total_ms": total}
    return json.dumps({"scene": {"title": title}, "timings": timings})


@pytest.fixture(params=["file", "postgres"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[StateStore, Books]]:
    """Where a campaign is kept, and its books; PostgreSQL is another one than other tests have: it has no owner."""
    if request.param == "file":
        path = tmp_path / "campaigns.sqlite"
        yield SqliteCampaigns(path), SqliteBooks(path)
        return
    if PostgresServer.programs() is None:
        pytest.skip("no PostgreSQL with pgvector")
    with PostgresServer("-F") as server:
        yield PostgresCampaigns(server.url), PostgresBooks(server.url)


def test_all_that_is_written_is_counted_also_what_the_campaign_has_forgotten(
    kept: tuple[StateStore, Books], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, books = kept
    store.begin("ours")
    store.keep_scene("ours", StoredScene(title_of(0), _DAY, told(title_of(0), 0)))  # before anybody counted
    books.open()
    for number in range(1, 31):
        store.keep_scene("ours", StoredScene(title_of(number), _DAY, told(title_of(number), 0)))
    store.keep_scene("ours", StoredScene(title_of(7), _DAY, told(title_of(7), 0)))
    for compose in (2.0, 3.0, 3.0):
        store.keep_scene("ours", StoredScene("The ford", _DAY, told("The ford", total=0, compose=compose)))
    for key in ("b", "", "a", "b"):  # the second of a key is not kept
        store.keep_scene("ours", StoredScene("Asked with a key", _DAY, told("", 0, compose=len(key)), key))
    for number in range(31, 52):
        store.keep_scene("ours", StoredScene(title_of(number), _DAY, told(title_of(number), 0)))
    for adapter in (sqlite_campaign, postgres_campaign):  # one that took each key for a new one would be found out
        monkeypatch.setattr(adapter, "_is_first", lambda *_: True)
    store.keep_scene("ours", StoredScene("Asked with a key", _DAY, told("", 0, compose=9.0), "b"))
    facts = [Fact("note", title_of(7)), Fact("note", "of somebody else"), Fact("met", "Mira", "at the inn")]
    store.append("ours", [Event(f"{number}", _DAY, fact) for number, fact in enumerate(facts)])
    assert len(store.scenes("ours")) < 30
    store.close()
    found = books.read()
    assert {found[title_of(number)] for number in range(1, 31) if number != 7} == {1}
    assert found[title_of(0)] == 0
    assert found[title_of(7)] == 2
    assert found[key_of_note(title_of(7))] == 1
    as_a_server_sends_it = told("The ford", total=9.9, compose=3.0)
    assert found[key_of_scene("The ford", as_a_server_sends_it)] == 2
    assert found["what was asked under the key b"] == 2
    assert [found[key] for key in found if "Asked" in key] == [1] * 4  # what says the same under two keys is two
    assert len(found) == 51 + 2 + 1 + 4 + 1


def test_what_was_acknowledged_is_there_and_nothing_is_there_twice() -> None:
    assert broken_by({"a": 1, "b": 1}, {"a"}) == []
    assert broken_by({"a": 1, "accepted": 0}, {"a"}) == ["accepted was acknowledged and is lost"]
    assert broken_by({"a": 1, "b": 2}, {"c", "a", "d"}) == [
        "b was written 2 times",
        "c was acknowledged and is lost",
        "d was acknowledged and is lost",
    ]


def test_a_scene_is_acknowledged_when_its_asker_has_it_and_the_memory_has_shown_it() -> None:
    witness = Witness(Bus())
    witness.had("shown and had")
    witness.had("had")
    witness._seen.update({"shown under a key": "shown and had", "shown": "shown"})
    assert witness.acknowledged == {"shown under a key"}
    witness._noted.add("noted")
    assert witness.acknowledged == {"shown under a key", "noted"}
