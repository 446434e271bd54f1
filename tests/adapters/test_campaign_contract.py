"""What every store of campaigns does, whatever is below it: logs in their order, nothing lost, nothing half done."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest

from fablewright.adapters import postgres_campaign, sqlite_campaign
from fablewright.adapters.postgres_campaign import PostgresCampaigns
from fablewright.adapters.postgres_database import place_of
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.campaign.archive import Archive, ArchivedCampaign, LogRow
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.ports import KEPT_SCENES, StoredScene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fablewright.gm.campaign.archive import StateStore

FACT = Fact("chose", "Talk → first", "Ja, „so“", "Wisdom DC 13", -2, "failure", secret=True)


def event(name: str, fact: Fact = FACT) -> Event:
    return Event(name, "2026-11-27", fact, "before")


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str, str]:
    """Where a store is, as its program would be told."""
    if request.param == "postgres":
        return "postgres", request.getfixturevalue("postgres"), f"o{uuid.uuid4().hex[:12]}"
    return "sqlite", str(tmp_path / "folder" / "campaigns.sqlite"), ""


@pytest.fixture
def opened(place: tuple[str, str, str]) -> Iterator[Callable[[], StateStore]]:
    """Yield what opens the same store, as another process would."""
    made: list[StateStore] = []

    def again() -> StateStore:
        kind, where, owner = place
        made.append(PostgresCampaigns(where, owner=owner) if kind == "postgres" else SqliteCampaigns(where))
        return made[-1]

    yield again
    for each in made:
        each.close()
        each.close()


@pytest.fixture
def store(opened: Callable[[], StateStore]) -> StateStore:
    return opened()


def test_what_goes_in_comes_out_in_its_order(store: StateStore) -> None:
    log = [event("b"), event("a", Fact("note", "x")), event("c", Fact("undo", "a"))]
    assert store.append("Mine", log[:2]) == 2
    assert store.append("Mine", log[2:]) == 1
    assert store.events("Mine") == tuple(log)


def test_an_event_that_is_sent_twice_is_there_once(store: StateStore) -> None:
    assert store.append("Mine", [event("a"), event("a")]) == 1
    assert store.append("Mine", [event("a", Fact("note", "another"))]) == 0
    assert store.events("Mine") == (event("a"),)
    assert store.append("Other", [event("a")]) == 1


def test_campaigns_stand_side_by_side(store: StateStore) -> None:
    assert store.campaigns() == {}
    assert store.begin("Tuesday")
    assert not store.begin("Tuesday")
    store.append("Friday", [event("a")])
    assert store.campaigns() == {"Tuesday": 0, "Friday": 1}
    assert store.events("Tuesday") == store.events("Nobody's") == ()


def test_each_set_of_notes_has_a_campaign_of_its_own(store: StateStore) -> None:
    assert store.chosen("notes-1") == ""
    assert store.choose_usual("notes-1", "vault") == "vault"
    assert store.choose_usual("notes-1", "vault") == "vault"
    assert store.choose_usual("notes-2", "vault") == "vault 2"
    store.choose("notes-1", "vault 2")
    assert store.chosen("notes-1") == "vault 2"


def test_the_version_changes_with_the_log_of_that_campaign_only(store: StateStore) -> None:
    before = store.version("Mine")
    store.append("Other", [event("a")])
    assert store.version("Mine") == before
    store.append("Mine", [event("a")])
    assert store.version("Mine") > before


def test_the_latest_scenes_are_kept_for_each_campaign(store: StateStore) -> None:
    assert store.last_scene("Mine") is None
    store.keep_scene("Other", StoredScene("theirs", "2026-11-27", "{}"))
    for number in range(30):
        store.keep_scene("Mine", StoredScene(f"scene {number}", "2026-11-27", "{}"))
    assert store.last_scene("Mine") == StoredScene("scene 29", "2026-11-27", "{}")
    assert store.last_scene("Other") == StoredScene("theirs", "2026-11-27", "{}")
    assert [scene.title for scene in store.scenes("Mine")] == [f"scene {number}" for number in range(29, 9, -1)]
    assert store.scenes("Nobody's") == ()
    assert store.archive().scenes == 21


def test_a_scene_is_kept_once_under_its_key_however_many_came_between(store: StateStore) -> None:
    store.keep_scene("Mine", StoredScene("first", "2026-11-27", "{}", "a"))
    for number in range(KEPT_SCENES + 5):
        store.keep_scene("Mine", StoredScene(f"scene {number}", "2026-11-27", "{}", f"key {number}"))
    before = store.archive()
    store.keep_scene("Mine", StoredScene("first again", "2026-11-27", "{}", "a"))  # itself, it is not kept any more
    store.keep_scene("Other", StoredScene("after the campaign was changed", "2026-11-27", "{}", "a"))
    assert [scene.title for scene in store.scenes("Other")] == []
    assert store.scenes("Mine")[0].title == f"scene {KEPT_SCENES + 4}"
    store.restore(before, force=True)  # what was there is gone, and who asks again is not told that it is there
    store.keep_scene("Mine", StoredScene("first again", "2026-11-27", "{}", "a"))
    assert store.scenes("Mine")[0].title == "first again"


def test_the_keys_of_an_older_release_are_known(opened: Callable[[], StateStore], place: tuple[str, str, str]) -> None:
    store = opened()
    store.keep_scene("Mine", StoredScene("first", "2026-11-27", "{}", "a"))
    store.close()
    kind, where, owner = place
    if kind == "postgres":  # back to the tables as they were before keys stood apart
        with psycopg.connect(where, options=f"-c search_path={place_of('campaigns', owner).schema}") as connection:
            connection.execute("DROP TABLE scene_keys")
            connection.execute("UPDATE alembic_version SET version_num = 'campaigns_2'")
    else:
        with contextlib.closing(sqlite3.connect(where)) as file:
            file.executescript("DROP TABLE scene_keys; PRAGMA user_version = 2;")
    store = opened()
    store.keep_scene("Mine", StoredScene("again", "2026-11-27", "{}", "a"))
    assert [scene.title for scene in store.scenes("Mine")] == ["first"]


def test_a_key_that_stands_beside_a_scene_alone_is_known_too(
    opened: Callable[[], StateStore], place: tuple[str, str, str]
) -> None:
    store = opened()
    store.keep_scene("Mine", StoredScene("by a process of an older release", "2026-11-27", "{}", "a"))
    kind, where, owner = place
    if kind == "postgres":
        with psycopg.connect(where, options=f"-c search_path={place_of('campaigns', owner).schema}") as connection:
            connection.execute("DELETE FROM scene_keys")
    else:
        with contextlib.closing(sqlite3.connect(where)) as file, file:
            file.execute("DELETE FROM scene_keys")
    store.keep_scene("Mine", StoredScene("again", "2026-11-27", "{}", "a"))
    assert [scene.title for scene in store.scenes("Mine")] == ["by a process of an older release"]


def test_keys_do_not_pile_up(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sqlite_campaign, postgres_campaign):
        monkeypatch.setattr(module, "KEPT_KEYS", 30)
    for key in ["a", *(f"key {number}" for number in range(40)), "key 20", "a"]:
        store.keep_scene("Mine", StoredScene(f"scene {key}", "2026-11-27", "{}", key))
    assert [scene.title for scene in store.scenes("Mine")][:2] == ["scene a", "scene key 39"]


def test_several_write_at_once_and_nothing_is_lost(opened: Callable[[], StateStore]) -> None:
    store, *others = [opened() for _ in range(5)]

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
    for number in range(4):  # and each writer's in the order in which they were written
        own = [name for name in names if name.startswith(f"{number}x")]
        assert own == [f"{number}x{step}" for step in range(10)]


def test_another_process_writes_while_this_one_reads(opened: Callable[[], StateStore]) -> None:
    store, other = opened(), opened()
    store.append("Mine", [event("a")])
    other.append("Mine", [event("b")])
    assert [each.id for each in store.events("Mine")] == ["a", "b"]


WRITER = """
import sys
from fablewright.adapters import postgres_campaign, sqlite_campaign
from fablewright.adapters.postgres_campaign import PostgresCampaigns
from fablewright.adapters.sqlite_campaign import SqliteCampaigns
from fablewright.gm.campaign.events import Event, Fact
kind, where, owner, name = sys.argv[1:5]
store = PostgresCampaigns(where, owner=owner) if kind == "postgres" else SqliteCampaigns(where)
for number in range(int(sys.argv[5]), int(sys.argv[6])):
    pair = [Event(f"{name}{number}{end}", "2026-11-27", Fact("note", "x" * 500)) for end in ("", "-2")]
    assert store.append("Mine", pair) == 2
    print(number, store.version("Mine"), flush=True)
"""


def writer(place: tuple[str, str, str], name: str, first: int, end: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, *place, name, str(first), str(end)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_write_the_same_campaign_at_once(store: StateStore, place: tuple[str, str, str]) -> None:
    store.begin("Mine")
    writers = [writer(place, name, 0, 25) for name in "ab"]
    seen: list[tuple[int, int]] = []  # the version, and how long the log was by then
    while any(each.poll() is None for each in writers):
        version = store.version("Mine")
        seen.append((version, len(store.events("Mine"))))
    for each in writers:
        assert each.stdout is not None
        versions = [int(line.split()[1]) for line in each.stdout.read().splitlines()]
        each.stdout.close()
        assert versions == sorted(set(versions))
        assert each.wait() == 0
        assert len(versions) == 25
    names = [each.id for each in store.events("Mine")]
    assert len(names) == len(set(names)) == 100
    for name in "ab":
        expected = [f"{name}{number}{end}" for number in range(25) for end in ("", "-2")]
        assert [each for each in names if each.startswith(name)] == expected
    for at in range(0, 100, 2):  # what was appended together stands together
        assert names[at + 1] == f"{names[at]}-2"
    assert seen == sorted(seen)  # nobody saw a log that grew before what was seen already


def test_kill_9_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done(
    opened: Callable[[], StateStore], place: tuple[str, str, str]
) -> None:
    dice = random.Random(5)
    acknowledged = -1
    for _ in range(2):
        killed = writer(place, "e", acknowledged + 1, 10**9)
        assert killed.stdout is not None
        said = [killed.stdout.readline()]
        time.sleep(dice.uniform(0.0, 0.15))
        killed.send_signal(signal.SIGKILL)
        said += killed.stdout.read().splitlines()
        killed.wait()
        killed.stdout.close()
        acknowledged = max(int(line.split()[0]) for line in said if line.strip())
        store = opened()
        names = {each.id for each in store.events("Mine")}
        store.close()
        assert {f"e{number}" for number in range(acknowledged + 1)} <= names
        assert {name for name in names if not name.endswith("-2")} == {name.removesuffix("-2") for name in names}
        acknowledged = len(names) // 2 - 1


ODD = Archive(
    (
        ArchivedCampaign(
            "Tuesday „Tisch“",
            (
                LogRow("k3f9", "2026-11-27", "top", '{"kind": "met", "text": "Ünal → \\u0000"}'),
                LogRow("k3f9-2", "2026-11-27", "", '{"kind": "sang of what comes later", "text": 1}'),
                LogRow("u1", "2026-11-28", "k3f9", '{"kind":"undo",   "text":"k3f9"}'),
            ),
            (StoredScene("First\x00", "2026-11-27", '{"a": "\u2028"}'), StoredScene("Second", "2026-11-28", "{}")),
        ),
        ArchivedCampaign("Empty"),
        ArchivedCampaign("Another"),
    ),
    (("notes-1", "Another"), ("notes-2", "Tuesday „Tisch“")),
)


def test_everything_is_carried_away_and_put_back_sign_for_sign(store: StateStore) -> None:
    store.restore(ODD)
    assert store.archive() == ODD
    assert store.events("Tuesday „Tisch“")[1].fact.secret  # kept for the game master, and as it was
    assert store.chosen("notes-1") == "Another"
    assert [scene.title for scene in store.scenes("Tuesday „Tisch“")] == ["Second", "First\x00"]
    assert list(store.campaigns()) == ["Tuesday „Tisch“", "Empty", "Another"]


def test_what_is_there_is_only_replaced_when_told_to_and_the_version_goes_on(store: StateStore) -> None:
    store.append("Mine", [event("a"), event("b")])
    store.choose("notes-1", "Mine")
    before, version = store.archive(), store.version("Mine")
    other = Archive((ArchivedCampaign("Mine", before.campaigns[0].log[:1]),))
    with pytest.raises(InvalidInput, match="--force replaces them all"):
        store.restore(other)
    assert store.archive() == before
    store.restore(other, force=True)
    assert store.archive() == other
    assert store.version("Mine") > version  # nobody takes the old log for this one
    assert store.chosen("notes-1") == ""


def test_putting_back_is_all_or_nothing(store: StateStore) -> None:
    store.append("Mine", [event("a")])
    before = store.archive()
    broken = LogRow("b", "2026-11-27", "", None)  # type: ignore[arg-type] # something that no store takes
    with pytest.raises(FablewrightError):
        store.restore(Archive((ArchivedCampaign("Good"), ArchivedCampaign("Bad", (broken,)))), force=True)
    assert store.archive() == before
