from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.errors import ConfigurationError, FablewrightError
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.ports import StoredScene

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


def test_what_goes_in_comes_out_in_its_order(store: SqliteCampaigns) -> None:
    log = [event("b"), event("a", Fact("note", "x")), event("c", Fact("undo", "a"))]
    assert store.append("Mine", log[:2]) == 2
    assert store.append("Mine", log[2:]) == 1
    assert store.events("Mine") == tuple(log)


def test_an_event_that_is_sent_twice_is_there_once(store: SqliteCampaigns) -> None:
    assert store.append("Mine", [event("a"), event("a")]) == 1
    assert store.append("Mine", [event("a", Fact("note", "another"))]) == 0
    assert store.events("Mine") == (event("a"),)
    assert store.append("Other", [event("a")]) == 1


def test_campaigns_stand_side_by_side(store: SqliteCampaigns) -> None:
    assert store.campaigns() == {}
    assert store.begin("Tuesday")
    assert not store.begin("Tuesday")
    store.append("Friday", [event("a")])
    assert store.campaigns() == {"Tuesday": 0, "Friday": 1}
    assert store.events("Tuesday") == store.events("Nobody's") == ()


def test_each_set_of_notes_has_a_campaign_of_its_own(store: SqliteCampaigns) -> None:
    assert store.chosen("notes-1") == ""
    assert store.choose_usual("notes-1", "vault") == "vault"
    assert store.choose_usual("notes-1", "vault") == "vault"
    assert store.choose_usual("notes-2", "vault") == "vault 2"
    store.choose("notes-1", "vault 2")
    assert store.chosen("notes-1") == "vault 2"


def test_the_version_changes_with_the_log_of_that_campaign_only(store: SqliteCampaigns) -> None:
    before = store.version("Mine")
    store.append("Other", [event("a")])
    assert store.version("Mine") == before
    store.append("Mine", [event("a")])
    assert store.version("Mine") > before


def test_the_latest_scenes_are_kept_for_each_campaign(store: SqliteCampaigns) -> None:
    assert store.last_scene("Mine") is None
    store.keep_scene("Other", StoredScene("theirs", "2026-11-27", "{}"))
    for number in range(30):
        store.keep_scene("Mine", StoredScene(f"scene {number}", "2026-11-27", "{}"))
    assert store.last_scene("Mine") == StoredScene("scene 29", "2026-11-27", "{}")
    assert store.last_scene("Other") == StoredScene("theirs", "2026-11-27", "{}")
    assert [scene.title for scene in store.scenes("Mine")] == [f"scene {number}" for number in range(29, 9, -1)]
    assert store.scenes("Nobody's") == ()
    with sqlite3.connect(store.path) as connection:
        counts = dict(connection.execute("SELECT campaign, count(*) FROM scenes GROUP BY campaign"))
    connection.close()
    assert sorted(counts.values()) == [1, 20]


def test_several_write_at_once_and_nothing_is_lost(store: SqliteCampaigns) -> None:
    others = [SqliteCampaigns(store.path) for _ in range(4)]

    def write(number: int) -> None:
        for step in range(10):
            others[number].append("Mine", [event(f"{number}x{step}")])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [each.id for each in store.events("Mine")]
    assert sorted(names) == sorted(f"{number}x{step}" for number in range(4) for step in range(10))
    for other in others:
        other.close()


WRITER = """
import sys
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.gm.campaign.events import Event, Fact
store = SqliteCampaigns(sys.argv[1])
for number in range(int(sys.argv[2]), 10**9):
    pair = [Event(f"e{number}{end}", "2026-11-27", Fact("note", "x" * 500)) for end in ("", "-2")]
    store.append("Mine", pair)
    print(number, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "campaigns.sqlite"
    dice = random.Random(5)
    acknowledged = -1
    for _ in range(4):
        command = [sys.executable, "-c", WRITER, str(path), str(acknowledged + 1)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = [writer.stdout.readline()]
        time.sleep(dice.uniform(0.0, 0.15))
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.read().splitlines()
        writer.wait()
        writer.stdout.close()
        acknowledged = max(int(line) for line in said if line.strip())
        store = SqliteCampaigns(path)
        names = {each.id for each in store.events("Mine")}
        store.close()
        assert {f"e{number}" for number in range(acknowledged + 1)} <= names
        assert {name for name in names if not name.endswith("-2")} == {name.removesuffix("-2") for name in names}
        acknowledged = len(names) // 2 - 1


def test_another_process_writes_while_this_one_reads(store: SqliteCampaigns) -> None:
    store.append("Mine", [event("a")])
    other = SqliteCampaigns(store.path)
    other.append("Mine", [event("b")])
    other.close()
    assert [each.id for each in store.events("Mine")] == ["a", "b"]


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
