"""DuckDB: its full-text and vector extensions are downloaded when first used, so where they are not: column scans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from benchmarks.index_engines.engine import Unable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DuckDb"]


class DuckDb:
    """An engine for the comparison."""

    def __init__(self, folder: Path) -> None:
        self._db = duckdb.connect(str(folder / "index.duckdb"))
        self._db.execute("CREATE TABLE IF NOT EXISTS passages (number BIGINT, text TEXT, v FLOAT[384])")

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        numbers, rows, words = range(first, first + len(texts)), list(vectors), list(texts)
        batch = {"number": list(numbers), "text": words, "v": rows}
        self._db.execute(
            "INSERT INTO passages SELECT unnest($number), unnest($text), unnest($v)::FLOAT[384]",
            {"number": batch["number"], "text": batch["text"], "v": [row.tolist() for row in rows]},
        )

    def finish(self) -> None:
        try:
            self._db.execute("LOAD fts")
            self._db.execute("PRAGMA create_fts_index('passages', 'number', 'text')")
        except duckdb.Error:
            return  # `lexical` says so

    def count(self) -> int:
        row = self._db.execute("SELECT count(*) FROM passages").fetchone()
        return int(row[0]) if row else 0

    def lexical(self, words: str, limit: int) -> list[int]:
        query = """SELECT number FROM (SELECT number, fts_main_passages.match_bm25(number, ?) AS s FROM passages)
                   WHERE s IS NOT NULL ORDER BY s DESC LIMIT ?"""
        try:
            return [number for (number,) in self._db.execute(query, (words, limit)).fetchall()]
        except duckdb.Error as error:
            raise Unable("no fts extension without a download") from error

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        query = """SELECT number FROM passages
                   ORDER BY array_cosine_similarity(v, ?::FLOAT[384]) DESC LIMIT ?"""
        return [number for (number,) in self._db.execute(query, (vector.tolist(), limit)).fetchall()]
