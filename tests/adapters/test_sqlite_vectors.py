"""What only the file has: kill -9, a damaged file, and an index of another version that keeps its vectors."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from fablewright.adapters import sqlite_index
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.reading.embedded_text import vector_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from fablewright.gm.reading.ports import Vector

STAMP = FileStamp(1, 1)
FILES = 12
PER_FILE = 5


def passages(number: int) -> list[Passage]:
    return [Passage(f"An owl of {number}, room {n}.", f"{number}.md", (), n, n + 1) for n in range(PER_FILE)]


def direction(text: str) -> Vector:
    chance = random.Random(text)
    return vector_of(chance.gauss() for _ in range(16))


def embed(index: SqliteIndex, limit: int = 1000) -> int:
    waiting = index.unembedded("m", limit=limit)
    index.store("m", {key: direction(text) for key, text in waiting.items()})
    return len(waiting)


KEEP_WRITING = """
import importlib.util, itertools, os, sys
import numpy
spec = importlib.util.spec_from_file_location("the_test", sys.argv[1])
test = importlib.util.module_from_spec(spec)
spec.loader.exec_module(test)
for _ in sys.stdin:  # a line for each process that shall be killed: a fork is there at once, a new Python is not
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        print("dead", flush=True)
        continue
    index = test.SqliteIndex(sys.argv[2])
    print(os.getpid(), flush=True)
    for number in itertools.cycle(range(test.FILES)):
        index.replace(f"{number}.md", test.STAMP, test.passages(number))
        test.embed(index, 7)
        index.remove([f"{(number + 5) % test.FILES}.md"])
"""


def test_kill_9_at_50_moments_leaves_whole_files_and_whole_vectors(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    chance = random.Random(11)
    seen: set[int] = set()
    command = [sys.executable, "-c", KEEP_WRITING, __file__, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as parent:
        assert parent.stdin
        assert parent.stdout
        for _ in range(50):
            parent.stdin.write("\n")
            pid = int(parent.stdout.readline())
            time.sleep(chance.uniform(0, 0.1))
            os.kill(pid, signal.SIGKILL)
            assert parent.stdout.readline() == "dead\n"
            index = SqliteIndex(path)
            assert index.remark == ""
            assert set(index.counts().values()) <= {PER_FILE}, "a file is half there"
            found = index.nearest("m", direction("x"), limit=1000, filters={})
            assert len(found) == index.embedded("m") <= index.count()
            for each in found[:5]:  # each vector is that of its text
                nearest = index.nearest("m", direction(each.text), limit=1, filters={})[0]
                assert (nearest.text, round(nearest.score, 2)) == (each.text, 1.0)
            seen.add(index.count() * 100 + len(found))
            for number in range(FILES):  # the next run completes
                index.replace(f"{number}.md", STAMP, passages(number))
            embed(index)
            assert index.count() == index.embedded("m") == FILES * PER_FILE
            index.remove([f"{n}.md" for n in range(chance.randrange(FILES), FILES)])
            index.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert len(seen) > 5  # it was killed at different moments indeed


def test_an_index_of_another_version_is_built_anew_and_keeps_its_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = SqliteIndex(tmp_path / "i.sqlite")
    index.replace("1.md", STAMP, passages(1))
    embed(index)
    index.close()
    monkeypatch.setattr(sqlite_index, "_SCHEMA_VERSION", 999_999)
    index = SqliteIndex(tmp_path / "i.sqlite")
    assert "built anew" in index.remark
    assert index.count() == index.embedded("m") == 0
    assert index.nearest("m", direction("x"), limit=9, filters={}) == []
    index.replace("moved.md", STAMP, passages(1))
    assert index.unembedded("m", limit=9) == {}
    assert len(index.nearest("m", direction("x"), limit=9, filters={})) == PER_FILE
    index.close()


def test_a_damaged_file_takes_with_it_what_is_held_in_memory(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "i.sqlite")
    index.replace("1.md", STAMP, passages(1))
    embed(index)
    assert len(index.nearest("m", direction("x"), limit=9, filters={})) == PER_FILE
    for each in tmp_path.glob("i.sqlite*"):
        each.write_bytes(b"no database at all, and long enough to be one" * 300)
    assert index.nearest("m", direction("x"), limit=9, filters={}) == []
    index.replace("2.md", STAMP, passages(2))
    embed(index)
    assert {each.file for each in index.nearest("m", direction("x"), limit=9, filters={})} == {"2.md"}
    index.close()


def test_without_a_search_by_vector_numpy_is_not_loaded(tmp_path: Path) -> None:
    code = f"""
import sys
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.reading.notes import FileStamp, Passage
index = SqliteIndex({str(tmp_path / "i.sqlite")!r})
index.replace("1.md", FileStamp(1, 1), [Passage("An owl.", "1.md", (), 0, 7)])
assert index.search("owl", limit=3, filters={{}})
print("numpy" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.stdout == "False\n", run.stderr
