"""SQLite with FTS5 and the extension sqlite-vec, vectors as int8; by way of apsw, which can load extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import apsw
import numpy as np
import sqlite_vec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["SqliteVec"]


class SqliteVec:
    """An engine for the comparison."""

    def __init__(self, folder: Path) -> None:
        self._db = apsw.Connection(str(folder / "index.sqlite"))
        self._db.set_busy_timeout(10_000)
        self._db.enable_load_extension(enable=True)
        self._db.load_extension(sqlite_vec.loadable_path())
        self._db.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        self._db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(body, tokenize = 'porter unicode61')")
        self._db.execute("CREATE VIRTUAL TABLE IF NOT EXISTS near USING vec0(v int8[384] distance_metric=cosine)")

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        with self._db:
            for n, (text, row) in enumerate(zip(texts, vectors, strict=True)):
                self._db.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (first + n, text))
                values = (first + n, _int8(row))
                self._db.execute("INSERT INTO near (rowid, v) VALUES (?, vec_int8(?))", values)

    def finish(self) -> None:
        """Nothing is left to do."""

    def count(self) -> int:
        query = "SELECT (SELECT count(*) FROM words), (SELECT count(*) FROM near)"
        words, near = self._db.execute(query).fetchone()
        if words != near:
            raise AssertionError((words, near))
        return int(words)

    def lexical(self, words: str, limit: int) -> list[int]:
        query = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY bm25(words) LIMIT ?"
        return [number for (number,) in self._db.execute(query, (" OR ".join(words.split()), limit))]

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        query = "SELECT rowid FROM near WHERE v MATCH vec_int8(?) AND k = ?"
        return [number for (number,) in self._db.execute(query, (_int8(vector), limit))]


def _int8(row: NDArray[np.float32]) -> bytes:
    return np.clip(np.round(row * 400), -127, 127).astype(np.int8).tobytes()
