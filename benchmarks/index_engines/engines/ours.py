"""What Fablewright does: FTS5, signs in memory and numbers in SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.reading.embedded_text import key_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Ours"]


class Ours:
    """An engine for the comparison; the number of a passage is its place in its file."""

    def __init__(self, folder: Path) -> None:
        self._index = SqliteIndex(folder / "index.sqlite")

    def add(self, first: int, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
        passages = [Passage(text, f"{first}.md", (), first + n, first + n + 1) for n, text in enumerate(texts)]
        self._index.replace(f"{first}.md", FileStamp(1, 1), passages)
        keys = map(key_of, texts)
        self._index.store("m", {key: row.tobytes() for key, row in zip(keys, vectors, strict=True)})

    def finish(self) -> None:
        """Nothing is left to do."""

    def count(self) -> int:
        return self._index.count()

    def lexical(self, words: str, limit: int) -> list[int]:
        return [passage.start for passage in self._index.search(words, limit=limit, filters={})]

    def nearest(self, vector: NDArray[np.float32], limit: int) -> list[int]:
        found = self._index.nearest("m", vector.tobytes(), limit=limit, filters={})
        return [passage.start for passage in found]
