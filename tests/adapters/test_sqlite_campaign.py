from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.errors import ConfigurationError, FablewrightError
from fablewright.gm.campaign.events import Event, Fact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FACT = Fact("chose", "Talk → first", "Ja, „so“", "Wisdom DC 13", -2, "failure", secret=True)


def event(name: str, fact: Fact = FACT) -> Event:
    return Event(name, "2026-11-27", fact, "before")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteCampaigns]:
    store = SqliteCampaigns(tmp_path / "folder" / "campaigns.sqlite")
    yield store
    store.close()


def test_a_locked_file_is_a_sentence(store: SqliteCampaigns) -> None:
    store.append("Mine", [event("a")])
    hasty = SqliteCampaigns(store.path, busy_timeout=0.05)
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(FablewrightError, match="another program is writing"):
        hasty.append("Mine", [event("b")])
    assert len(hasty.events("Mine")) == 1  # reading goes on
    connection.execute("ROLLBACK")
    connection.close()
    assert hasty.append("Mine", [event("b")]) == 1
    hasty.close()


@pytest.mark.parametrize("content", [b"no database at all, but long enough " * 20, b"\x00" * 4096])
def test_a_damaged_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "campaigns.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + content)
    store = SqliteCampaigns(path)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            store.events("Mine")
    store.close()
    assert path.read_bytes() == b"SQLite format 3\x00" + content


def test_a_newer_or_another_programs_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    newer = SqliteCampaigns(tmp_path / "newer.sqlite")
    newer.append("Mine", [event("a")])
    newer.close()
    with sqlite3.connect(newer.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="newer Fablewright"):
        newer.events("Mine")
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    with pytest.raises(ConfigurationError, match="another program's database"):
        SqliteCampaigns(other).events("Mine")


def test_a_folder_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "campaigns.sqlite").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be used"):
        SqliteCampaigns(tmp_path / "campaigns.sqlite").campaigns()


def test_a_fact_of_a_kind_that_is_not_known_is_kept_as_a_note_for_the_game_master(store: SqliteCampaigns) -> None:
    store.append("Mine", [event("a")])
    with sqlite3.connect(store.path) as connection:
        connection.execute("""UPDATE events SET fact = '{"kind": "sang", "text": "a song"}'""")
    connection.close()
    assert store.events("Mine")[0].fact == Fact("note", '{"kind": "sang", "text": "a song"}', secret=True)
