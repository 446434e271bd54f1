"""LanceDB: its own full-text index, and vectors compared one by one (no graph, so that nothing is missed)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lancedb
import pyarrow as pa
from lancedb.index import FTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LanceDb"]


class LanceDb:
    """An engine for the comparison."""

    def __init__(self, folder: Path) -> None:
        schema = pa.schema([("number", pa.int64()), ("text", pa.string()), ("vector", pa.list_(pa.float32(), 384))])
        self._table = lancedb.connect(folder).create_table("passages", schema=schema, exist_ok=True)

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        rows = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 384)
        numbers = pa.array(range(first, first + len(texts)))
        self._table.add(pa.table({"number": numbers, "text": pa.array(texts), "vector": rows}))

    def finish(self) -> None:
        self._table.create_index("text", config=FTS())
        self._table.optimize()

    def count(self) -> int:
        return int(self._table.count_rows())

    def lexical(self, words: str, limit: int) -> list[int]:
        found = self._table.search(words, query_type="fts").select(["number"]).limit(limit).to_arrow()
        return [int(number) for number in found["number"].to_pylist()]

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        query = self._table.search(vector, query_type="vector").distance_type("cosine")
        return [int(number) for number in query.select(["number"]).limit(limit).to_arrow()["number"].to_pylist()]
