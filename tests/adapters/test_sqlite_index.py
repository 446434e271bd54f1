from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fablewright.adapters import sqlite_index
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_index import Ranking, SqliteIndex
from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError, InvalidInput
from fablewright.gm.reading.indexing import passages_of, refresh
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STAMP = FileStamp(10, 20, "ab")
NOTES = {
    "places/tower.md": "# The Grey Tower\n\nA ruin on the hill. Bandits sleep in its cellars.",
    "places/inn.md": "# The Blue Heron\n\nAn inn. The keeper fears the grey men in the tower on the hill.",
    "people.md": "# Osgood\n\nA guard who is **drunk**.\n\n# Marta Grey\n\nShe runs the Blue Heron's inn.",
    "rules.md": "# Cover\n\nHalf cover gives a bonus. A heron gives none.",
}


def fill(index: SqliteIndex, notes: dict[str, str] = NOTES) -> None:
    for name, text in notes.items():
        index.replace(name, STAMP, passages_of(name, text))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(tmp_path / "deep" / "index.sqlite")
    fill(opened)
    yield opened
    opened.close()


def places(index: SqliteIndex, query: str, limit: int = 10, **filters: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(p.file, p.heading) for p in index.search(query, limit=limit, filters=filters)]


def test_it_keeps_passages_and_stamps_between_runs(index: SqliteIndex) -> None:
    again = SqliteIndex(index.path)
    assert again.count() == 5
    assert again.counts() == {"people.md": 2, "places/inn.md": 1, "places/tower.md": 1, "rules.md": 1}
    assert again.stamps() == dict.fromkeys(sorted(NOTES), STAMP)
    found = again.search("drunk guard", limit=1, filters={})
    assert [(p.text, p.start, p.end) for p in found] == [("# Osgood\n\nA guard who is **drunk**.", 0, 35)]
    assert found[0].score > 0
    assert again.remark == ""
    again.close()


def test_replace_touch_remove_and_the_version(index: SqliteIndex) -> None:
    versions = [index.version]
    index.touch("rules.md", FileStamp(1, 2, "cd"))
    assert index.version == versions[-1]
    assert index.stamps()["rules.md"] == FileStamp(1, 2, "cd")
    index.replace("rules.md", STAMP, [Passage("A new rule about owls.", "rules.md", (), 0, 22)])
    versions.append(index.version)
    assert places(index, "owls") == [("rules.md", ())]
    assert ("rules.md", ("Cover",)) not in places(index, "cover bonus")
    index.replace("rules.md", STAMP, [])
    versions.append(index.version)
    assert index.counts()["rules.md"] == 0
    index.remove(["rules.md", "never there"])
    versions.append(index.version)
    assert "rules.md" not in index.stamps()
    index.remove([])
    index.remove(["never there"])
    assert index.version == versions[-1]
    assert versions == sorted(set(versions))


def test_a_write_that_fails_leaves_the_file_as_it_was(index: SqliteIndex) -> None:
    before = index.version
    bad = Passage("text", "rules.md", (), 0, 2**70)  # beyond SQLite's integers
    with pytest.raises((OverflowError, FablewrightError)):
        index.replace("rules.md", STAMP, [Passage("An owl.", "rules.md", (), 0, 7), bad])
    assert places(index, "owl") == []
    assert places(index, "bonus") == [("rules.md", ("Cover",))]
    assert index.version == before


def test_headings_weigh_more_than_text(index: SqliteIndex) -> None:
    assert places(index, "blue heron")[0] == ("places/inn.md", ("The Blue Heron",))
    assert places(index, "grey tower")[0] == ("places/tower.md", ("The Grey Tower",))


def test_stems_accents_markup_and_possessives(index: SqliteIndex) -> None:
    index.replace("x.md", STAMP, passages_of("x.md", "Die Tür des <span>K</span>önigs. Gardren\u2019s bandits sleep."))
    for query in ["tur", "TÜR", "königs", "konigs", "gardren", "Gardren's bandit", "sleeping"]:
        assert ("x.md", ()) in places(index, query), query
    assert places(index, "span") == []


def test_words_of_the_file_name_are_found_and_its_suffix_is_not(index: SqliteIndex) -> None:
    assert {file for file, _ in places(index, "people")} == {"people.md"}
    assert places(index, "md") == []


def test_each_step_of_the_ranking_can_be_switched_off(tmp_path: Path) -> None:
    notes = {
        "a.md": "# North\n\nThe lonely guard keeps a torch, the torch is the light of the lonely.",
        "b.md": "# South\n\nThey call the watchtower on this side of the hill the Lonely Torch, it is old.",
        "c.md": "# West\n\nNothing at all is here.",
        "d.md": "# East\n\nNothing at all is there.",
    }
    for ranking, first in [
        (Ranking(), "b.md"),
        (Ranking(phrases=False), "b.md"),
        (Ranking(names=False), "b.md"),
        (Ranking(phrases=False, names=False), "a.md"),
    ]:
        index = SqliteIndex(tmp_path / "index.sqlite", ranking=ranking)
        fill(index, notes)
        assert places(index, "the Lonely Torch")[0][0] == first, ranking
        assert len(places(index, "what is the torch")) == (2 if ranking.stop_words else 4)
        index.ranking = Ranking(stop_words=False)
        assert len(places(index, "what is the torch")) == 4
        index.close()


def test_words_of_like_meaning_are_found_after_those_that_were_said(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite")
    notes = {"a.md": "# Start\n\nAn ambush.", "b.md": "# Late\n\nAn encounter.", "c.md": "# Other\n\nRain."}
    fill(index, notes)
    assert [file for file, _ in places(index, "the encounter")] == ["b.md", "a.md"]
    assert [file for file, _ in places(index, "encounters", file="a*")] == ["a.md"]
    index.ranking = Ranking(related=0)
    assert [file for file, _ in places(index, "the encounter")] == ["b.md"]
    index.close()


def test_equal_scores_are_in_the_order_of_file_and_place_however_they_were_stored(tmp_path: Path) -> None:
    names = [f"{letter}.md" for letter in "abcdefgh"]
    orders = []
    for seed in range(3):
        index = SqliteIndex(tmp_path / f"{seed}.sqlite")
        for name in random.Random(seed).sample(names, 8):
            index.replace(name, STAMP, [Passage("An owl.", name, (), 0, 7), Passage("An owl.", name, (), 9, 16)])
        orders.append([(p.file, p.start) for p in index.search("owl", limit=5, filters={})])
        index.close()
    assert orders == [[("a.md", 0), ("a.md", 9), ("b.md", 0), ("b.md", 9), ("c.md", 0)]] * 3


def test_filters(index: SqliteIndex) -> None:
    query = "grey heron hill cover"
    assert {file for file, _ in places(index, query)} == set(NOTES)
    assert {file for file, _ in places(index, query, file="PLACES/*")} == {"places/inn.md", "places/tower.md"}
    assert places(index, query, heading="GREY t") == [("places/tower.md", ("The Grey Tower",))]
    assert places(index, query, limit=1, file="rules.md") == [("rules.md", ("Cover",))]
    assert places(index, query, file="*.txt") == []
    assert places(index, query, file="[") == []
    with pytest.raises(InvalidInput, match="There is no filter 'color'; there are: file, heading"):
        places(index, query, color="red")


@pytest.mark.parametrize("query", ["", " ", "\0", "?!", '""', "*", "^", "\ud800"])
def test_no_words_no_passages(index: SqliteIndex, query: str) -> None:
    assert places(index, query) == []


def test_only_stop_words_are_searched_for_as_they_are(index: SqliteIndex) -> None:
    assert places(index, "who is the") != []


@pytest.mark.parametrize("limit", [0, -1])
def test_no_limit_to_speak_of(index: SqliteIndex, limit: int) -> None:
    assert places(index, "heron", limit) == []


SYNTAX = st.lists(
    st.sampled_from(['"', "'", "NEAR(", ")", "AND", "OR", "NOT", "*", "^", ":", "-", "+", "{body}", "\0", "body:heron"])
    | st.text(max_size=5),
    max_size=12,
).map(" ".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(SYNTAX | st.text())
def test_no_text_is_query_syntax(index: SqliteIndex, query: str) -> None:
    found = index.search(query, limit=3, filters={})
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    # The word beside whatever was typed is found as always: nothing switched it off or cut it away.
    assert "places/inn.md" in {p.file for p in index.search(f"{query[:200]} heron", limit=10, filters={})}


@pytest.mark.benchmark
def test_a_hundred_thousand_words_are_searched_for_in_time(index: SqliteIndex) -> None:
    start = time.process_time()
    places(index, "grey tower " * 50_000)
    assert time.process_time() - start < 1


# ---------------------------------------------------------------- files that are not as they should be


@pytest.mark.parametrize("content", [b"not a database at all, " * 100, b"SQLite format 3\0" + b"\xff" * 5000, b"x"])
def test_what_is_no_database_is_moved_aside(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(content)
    index = SqliteIndex(path)
    fill(index)
    assert index.count() == 5
    assert "index.sqlite.damaged" in index.remark
    assert (tmp_path / "index.sqlite.damaged").read_bytes() == content
    index.close()


def test_an_empty_file_is_an_empty_index(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").touch()
    index = SqliteIndex(tmp_path / "index.sqlite")
    assert (index.count(), index.remark) == (0, "")
    index.close()


def test_pages_damaged_in_the_middle_are_found_out_and_the_index_heals(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    index = SqliteIndex(path)
    fill(index, {f"{number}.md": f"# Heron {number}\n\n" + "A heron flies. " * 50 for number in range(100)})
    index.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(random.Random(1).randbytes(size - 4096))
    index = SqliteIndex(path)
    assert index.search("heron", limit=5, filters={}) == []
    assert index.stamps() == {}
    fill(index)
    assert ("places/inn.md", ("The Blue Heron",)) in places(index, "heron")
    assert "damaged" in index.remark
    index.close()


@pytest.mark.parametrize("change", [-1, 1])
def test_another_version_of_the_schema_is_built_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    path = tmp_path / "index.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite_index, "_SCHEMA_VERSION", sqlite_index._SCHEMA_VERSION + change)
        index = SqliteIndex(path)
        fill(index)
        version = index.version
        index.close()
    index = SqliteIndex(path)
    assert index.count() == 0
    assert index.version > version
    assert "another version" in index.remark
    index.close()
    index = SqliteIndex(path)
    assert index.remark == ""
    index.close()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(ConfigurationError, match="another program's database"):
        SqliteIndex(path)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("photos",)]
    connection.close()


def test_a_place_that_cannot_hold_an_index(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in [tmp_path, tmp_path / "file" / "index.sqlite"]:
        with pytest.raises(ConfigurationError, match=r"the index .* cannot be used") as caught:
            SqliteIndex(path)
        assert "\n" not in str(caught.value)


def test_a_sqlite_without_fts5_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_index, "_SCHEMA", "CREATE VIRTUAL TABLE words USING fts5_is_missing (body)")
    with pytest.raises(ConfigurationError, match="no FTS5"):
        SqliteIndex(tmp_path / "index.sqlite")


def test_a_closed_index_says_so(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite")
    index.close()
    index.close()
    with pytest.raises(ContractViolation, match="closed"):
        index.count()


# ---------------------------------------------------------------- threads and processes


def test_many_threads_read_while_one_writes_and_see_whole_files_only(index: SqliteIndex) -> None:
    def text(number: int) -> str:
        return f"An owl of {number}."

    stop = threading.Event()

    def write() -> int:
        rounds = 0
        while not stop.is_set():
            rounds += 1
            index.replace("o.md", STAMP, [Passage(text(rounds), "o.md", (), at, at + 1) for at in range(20)])
        return rounds

    def read() -> int:
        seen = 0
        while not stop.is_set():
            found = index.search("owl", limit=50, filters={})
            assert len(found) in {0, 20}
            assert len({p.text for p in found}) <= 1
            seen += bool(found)
        return seen

    with ThreadPoolExecutor(9) as threads:
        readers = [threads.submit(read) for _ in range(8)]
        writer = threads.submit(write)
        time.sleep(0.7)
        stop.set()
        assert writer.result() > 1
        assert all(reader.result() > 0 for reader in readers)
    assert len(index._idle) <= 9


def test_a_second_writer_waits_and_then_says_that_it_is_busy(index: SqliteIndex) -> None:
    other = SqliteIndex(index.path, busy_timeout=0.05)
    with sqlite3.connect(index.path, isolation_level=None) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(FablewrightError, match="another program is writing"):
            other.remove(["rules.md"])
        assert places(other, "heron") != []  # readers are not held up
        holder.execute("ROLLBACK")
    holder.close()
    other.remove(["rules.md"])
    assert "rules.md" not in index.stamps()
    other.close()


KEEP_INDEXING = """
import sys, time
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.reading.indexing import refresh
index = SqliteIndex(sys.argv[2])
print("begun", flush=True)
while True:
    for report in refresh(NotesFolder(sys.argv[1]), index, now_ns=time.time_ns()):
        pass
    index.remove(list(index.stamps())[::2])
"""


def generated(folder: Path, files: int) -> dict[str, list[Passage]]:
    folder.mkdir()
    expected = {}
    for number in range(files):
        text = "".join(f"# Room {room}\n\nAn owl of {number} sits here, in room {room}.\n\n" for room in range(20))
        (folder / f"{number}.md").write_bytes(text.encode())
        expected[f"{number}.md"] = passages_of(f"{number}.md", text)
    return expected


def test_kill_9_at_any_moment_leaves_whole_files_and_the_next_run_completes(tmp_path: Path) -> None:
    expected = generated(tmp_path / "notes", 40)
    path = tmp_path / "index.sqlite"
    chance = random.Random(7)
    for _ in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", KEEP_INDEXING, tmp_path / "notes", path], stdout=subprocess.PIPE
        )
        with process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.uniform(0, 0.12))
            process.send_signal(signal.SIGKILL)
        index = SqliteIndex(path)
        assert index.remark == ""
        held = index.counts()
        assert all(held[name] == len(expected[name]) for name in held), "a file is half there"
        found = index.search("owl", limit=2000, filters={})
        assert len(found) == index.count() == sum(held.values())
        list(refresh(NotesFolder(tmp_path / "notes"), index, now_ns=time.time_ns()))
        assert index.counts() == {name: len(passages) for name, passages in expected.items()}
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        connection.close()
        index.remove(list(expected)[chance.randrange(40) :])
        index.close()


def test_pages_table_headers_and_refusals_are_kept(index: SqliteIndex) -> None:
    row = Passage(
        "| 14 | dawn |", "rules.pdf", ("Events",), 500, 513, page=12, table_header="| d20 | Omen |\n|---|---|"
    )
    index.replace("rules.pdf", STAMP, [row])
    refused = FileStamp(1, 2, "cd", "it is encrypted")
    index.replace("odd.pdf", refused, [])
    again = SqliteIndex(index.path)
    (found,) = again.search("omen", limit=5, filters={})  # a word of the header finds the row
    assert (found.text, found.page, found.table_header) == (row.text, 12, row.table_header)
    assert found.place == "rules.pdf, p. 12 › Events"
    assert again.stamps()["odd.pdf"] == refused
    again.touch("odd.pdf", FileStamp(1, 3, "cd", "it is damaged"))
    assert index.stamps()["odd.pdf"] == FileStamp(1, 3, "cd", "it is damaged")
    assert index.counts()["odd.pdf"] == 0
    again.close()
