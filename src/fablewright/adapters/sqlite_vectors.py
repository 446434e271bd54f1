"""Vectors in the same SQLite file as the passages, searched by nearness.

A search has three stages, each over fewer: all vectors are compared by the signs of their numbers (one bit a
dimension), the nearest two thousand by their numbers as int8, and the nearest of those by the numbers in the file
(float16). Signs and int8 are held in memory: 432 bytes for 384 dimensions, so 2 MB for 5,000 texts and 86 MB for
200,000. Up to two thousand texts a search is therefore as good as exact. Prior art: binary quantization with
rescoring; ``docs/index-engines.md`` has the figures, and why no extension of SQLite does this: many builds of
Python cannot load one.

Vectors belong to texts by their hash and never change, so that there is nothing to keep in step but which
passage has which text. Triggers see to that in the transaction in which a passage comes or goes: a reader never
finds a passage that is half there.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation
from fablewright.gm.reading.embedded_text import dimensions_of, embedded_text, key_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from fablewright.gm.reading.passage_filter import Accepts
    from fablewright.gm.reading.ports import Vector

__all__ = ["RESCORED", "SqliteVectors"]

RESCORED = 2000
"""How many are compared by int8. Measured: 95 % of the true ten are among them at 200,000 without any clusters."""

_READ_AT_ONCE = 5000
_KEPT_ORPHANS = 1000
"""Vectors without a passage that are kept whatever happens: a note that was moved away may come back."""

_TABLES = """
    CREATE TABLE IF NOT EXISTS texts (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS models (
        id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, dimensions INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS vectors (
        id INTEGER PRIMARY KEY AUTOINCREMENT, model_id INTEGER NOT NULL, text_id INTEGER NOT NULL,
        numbers BLOB NOT NULL, UNIQUE (text_id, model_id)
    );
    CREATE INDEX IF NOT EXISTS vectors_by_model ON vectors (model_id, id);
    CREATE TABLE IF NOT EXISTS epoch (name INTEGER NOT NULL);
    INSERT INTO epoch SELECT random() WHERE NOT EXISTS (SELECT 1 FROM epoch);
    DROP TABLE IF EXISTS text_of;
    CREATE TABLE text_of (passage_id INTEGER PRIMARY KEY, text_id INTEGER NOT NULL);
    CREATE INDEX text_of_by_text ON text_of (text_id)
"""
_TRIGGERS = (
    """CREATE TRIGGER passage_comes AFTER INSERT ON passages BEGIN
           INSERT INTO texts (key) VALUES (text_key(new.heading, new.text)) ON CONFLICT DO NOTHING;
           INSERT INTO text_of (passage_id, text_id)
               SELECT new.id, id FROM texts WHERE key = text_key(new.heading, new.text);
       END""",
    """CREATE TRIGGER passage_goes AFTER DELETE ON passages BEGIN
           DELETE FROM text_of WHERE passage_id = old.id;
       END""",
)


@dataclass(slots=True)
class _Held:
    """One model's vectors, as far as this process has read them; the arrays have room to grow.

    Attributes:
        last: Number of the last vector read.
        epoch: What the database called the time since vectors were last forgotten; another name: read all anew.
        rows: How many are held.
        signs: 64 signs of every vector per row of this array, a column a vector.
        codes: The numbers of a vector as int8, a row a vector.
        scales: What each row of them is multiplied by.
        vectors: The vectors' numbers in the database.
        texts: The numbers of their texts.
    """

    last: int
    epoch: int
    rows: int
    signs: NDArray[np.uint64]
    codes: NDArray[np.int8]
    scales: NDArray[np.float32]
    vectors: NDArray[np.int64]
    texts: NDArray[np.int64]


class SqliteVectors:
    """Keeps vectors beside passages; every method works in the caller's transaction. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what is held, which grows in place
        self._held: dict[str, _Held] = {}

    def connect(self, connection: sqlite3.Connection) -> None:
        """Give a new connection the function that the triggers call."""
        connection.create_function("text_key", 2, _text_key, deterministic=True)

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a database whose passages are new; vectors of earlier ones stay, and are found again."""
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        for trigger in _TRIGGERS:
            connection.execute(trigger)

    def unembedded(self, connection: sqlite3.Connection, model: str, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts without a vector of the model, by key; see the port."""
        rows = connection.execute(
            """SELECT key, heading, text FROM texts JOIN text_of ON text_id = texts.id
               JOIN passages ON passages.id = passage_id
               WHERE NOT EXISTS (SELECT 1 FROM vectors JOIN models ON models.id = model_id
                                 WHERE vectors.text_id = texts.id AND models.name = ?)
               GROUP BY texts.id ORDER BY texts.id LIMIT ?""",
            (model, limit),
        )
        return {key: embedded_text(json.loads(heading), text) for key, heading, text in rows}

    def store(self, connection: sqlite3.Connection, model: str, vectors: Mapping[str, Vector]) -> int:
        """Keep vectors; return how many are new. A text that is gone meanwhile is kept in mind all the same.

        Raises:
            ContractViolation: The numbers of dimensions differ.
        """
        import numpy as np  # noqa: PLC0415 - 0.1 s that an index without vectors need not pay

        sizes = {dimensions_of(vector) for vector in vectors.values()}
        if not sizes:
            return 0
        model_id = _model(connection, model, sizes)
        new = 0
        for key, vector in vectors.items():
            connection.execute("INSERT INTO texts (key) VALUES (?) ON CONFLICT DO NOTHING", (key,))
            (text_id,) = connection.execute("SELECT id FROM texts WHERE key = ?", (key,)).fetchone()
            numbers = np.frombuffer(vector, "<f4")
            stored = connection.execute(
                "INSERT INTO vectors (model_id, text_id, numbers) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (model_id, text_id, numbers.astype("<f2").tobytes()),
            )
            new += stored.rowcount
        return new

    def embedded(self, connection: sqlite3.Connection, model: str) -> int:
        """Return how many passages have a vector of the model."""
        query = """SELECT count(*) FROM text_of JOIN vectors USING (text_id) JOIN models ON models.id = model_id
                   WHERE models.name = ?"""
        return int(connection.execute(query, (model,)).fetchone()[0])

    def sweep(self, connection: sqlite3.Connection) -> int:
        """Forget vectors that no passage has, once there are more of them than of the others; return how many.

        Until then they wait for their text to come back: a note that is cut here and pasted there, or an edit undone.
        """
        gone = """SELECT id FROM texts WHERE NOT EXISTS (SELECT 1 FROM text_of WHERE text_id = texts.id)"""
        orphans = int(connection.execute(f"SELECT count(*) FROM ({gone})").fetchone()[0])  # noqa: S608 - our own words
        held = int(connection.execute("SELECT count(*) FROM texts").fetchone()[0]) - orphans
        if orphans <= max(held, _KEPT_ORPHANS):
            return 0
        connection.execute(f"DELETE FROM vectors WHERE text_id IN ({gone})")  # noqa: S608 - our own words
        connection.execute(f"DELETE FROM texts WHERE id IN ({gone})")  # noqa: S608 - our own words
        connection.execute("UPDATE epoch SET name = random()")
        return orphans

    def nearest(
        self, connection: sqlite3.Connection, model: str, vector: Vector, limit: int, accepts: Accepts | None = None
    ) -> list[tuple[int, float]]:
        """Return the numbers of at most ``limit`` passages with their cosines, nearest first.

        Raises:
            ContractViolation: The vector has another number of dimensions than the model's.
        """
        import numpy as np  # noqa: PLC0415 - as above

        row = connection.execute("SELECT id, dimensions FROM models WHERE name = ?", (model,)).fetchone()
        if row is None or limit <= 0:
            return []
        model_id, dimensions = row
        _same_dimensions(model, dimensions, {dimensions_of(vector)})
        query = np.frombuffer(vector, "<f4")
        allowed = None if accepts is None else _allowed_texts(connection, accepts)
        with self._lock:
            held = self._up_to_date(connection, model, model_id, dimensions)
            near = _by_codes(held, _by_signs(held, query, allowed, max(RESCORED, 20 * limit)), query, 4 * limit + 50)
        scored = _rescored(connection, near, query)
        found: list[tuple[int, float]] = []
        for text_id, cosine in scored:
            for (passage_id,) in connection.execute(
                "SELECT passage_id FROM text_of WHERE text_id = ? ORDER BY passage_id", (text_id,)
            ).fetchall():
                if accepts is None or _accepted(connection, passage_id, accepts):
                    found.append((passage_id, cosine))
            if len(found) >= limit:
                break
        return found[:limit]

    def _up_to_date(self, connection: sqlite3.Connection, model: str, model_id: int, dimensions: int) -> _Held:
        """Read the vectors that came since the last search; once some were forgotten, all are read anew."""
        epoch = int(connection.execute("SELECT name FROM epoch").fetchone()[0])
        held = self._held.get(model)
        if held is None or held.epoch != epoch:
            held = _nothing_held(epoch, dimensions)
        new = connection.execute(
            "SELECT id, text_id, numbers FROM vectors WHERE model_id = ? AND id > ? ORDER BY id", (model_id, held.last)
        )
        while rows := new.fetchmany(_READ_AT_ONCE):
            _append(held, rows)
        self._held[model] = held
        return held


# ---------------------------------------------------------------- what is held in memory


def _nothing_held(epoch: int, dimensions: int) -> _Held:
    import numpy as np  # noqa: PLC0415 - as above

    words = -(-dimensions // 64)
    codes = np.zeros((0, dimensions), np.int8)
    none = np.zeros(0, np.int64)
    return _Held(0, epoch, 0, np.zeros((words, 0), np.uint64), codes, np.zeros(0, np.float32), none, none)


def _append(held: _Held, rows: list[tuple[int, int, bytes]]) -> None:
    import numpy as np  # noqa: PLC0415 - as above

    needed = held.rows + len(rows)
    if needed > len(held.codes):
        more = max(needed, held.rows * 5 // 4) - len(held.codes)
        held.signs = np.pad(held.signs, ((0, 0), (0, more)))
        held.codes = np.pad(held.codes, ((0, more), (0, 0)))
        held.scales, held.vectors, held.texts = (
            np.pad(held.scales, (0, more)),
            np.pad(held.vectors, (0, more)),
            np.pad(held.texts, (0, more)),
        )
    new = slice(held.rows, needed)
    numbers = np.frombuffer(b"".join(raw for _, _, raw in rows), "<f2").reshape(len(rows), -1).astype(np.float32)
    scales = np.abs(numbers).max(axis=1) / 127
    held.signs[:, new] = _signs(numbers).T
    held.codes[new] = np.rint(numbers / scales[:, None])
    held.scales[new] = scales
    held.vectors[new] = [vector for vector, _, _ in rows]
    held.texts[new] = [text for _, text, _ in rows]
    held.rows, held.last = needed, rows[-1][0]


def _signs(numbers: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return the signs of each row, 64 to a word; what is left over of the last word is 0 for every vector."""
    import numpy as np  # noqa: PLC0415 - as above

    count, dimensions = numbers.shape
    packed = np.packbits(numbers > 0, axis=1)
    return np.pad(packed, ((0, 0), (0, -(-dimensions // 64) * 8 - packed.shape[1]))).view(np.uint64).reshape(count, -1)


def _by_signs(
    held: _Held, query: NDArray[np.float32], allowed: NDArray[np.int64] | None, most: int
) -> NDArray[np.int64]:
    """Return the rows of about the ``most`` vectors whose signs differ least from the query's."""
    import numpy as np  # noqa: PLC0415 - as above

    rows = np.arange(held.rows)
    if allowed is not None:
        rows = rows[np.isin(held.texts[: held.rows], allowed)]
    if len(rows) <= most:
        return rows
    differing = np.zeros(held.rows, np.uint16)
    for own, asked in zip(held.signs, _signs(query[None, :])[0], strict=True):
        differing += np.bitwise_count(own[: held.rows] ^ asked)
    if allowed is not None:
        differing = differing[rows]
    # Counting is ten times faster than sorting or partitioning so few different numbers.
    at_most = np.searchsorted(np.cumsum(np.bincount(differing)), most)
    return rows[differing <= at_most][: 2 * most]


def _by_codes(held: _Held, rows: NDArray[np.int64], query: NDArray[np.float32], most: int) -> list[int]:
    """Return the numbers in the database of the ``most`` vectors among these rows that are nearest as int8."""
    import numpy as np  # noqa: PLC0415 - as above

    if len(rows) > most:
        cosines = (held.codes[rows].astype(np.float32) @ query) * held.scales[rows]
        rows = rows[np.argpartition(-cosines, most)[:most]]
    return [int(vector) for vector in held.vectors[rows]]


def _rescored(
    connection: sqlite3.Connection, vectors: list[int], query: NDArray[np.float32]
) -> list[tuple[int, float]]:
    """Return the texts of these vectors with their cosines, nearest first; of equals the earlier."""
    import numpy as np  # noqa: PLC0415 - as above

    rows: list[tuple[int, bytes]] = []
    for start in range(0, len(vectors), 500):
        part = vectors[start : start + 500]
        marks = ",".join("?" * len(part))
        rows += connection.execute(f"SELECT text_id, numbers FROM vectors WHERE id IN ({marks})", part)  # noqa: S608 - marks only
    if not rows:
        return []
    matrix = np.frombuffer(b"".join(raw for _, raw in rows), "<f2").reshape(len(rows), -1).astype(np.float32)
    cosines = np.clip(matrix @ query, -1.0, 1.0)
    texts = np.array([text for text, _ in rows])
    order = np.lexsort((texts, -cosines))
    return [(int(texts[at]), float(cosines[at])) for at in order]


# ---------------------------------------------------------------- rows


def _text_key(heading: str, text: str) -> str:
    return key_of(embedded_text(json.loads(heading), text))


def _model(connection: sqlite3.Connection, model: str, sizes: set[int]) -> int:
    connection.execute(
        "INSERT INTO models (name, dimensions) VALUES (?, ?) ON CONFLICT DO NOTHING", (model, min(sizes))
    )
    model_id, dimensions = connection.execute("SELECT id, dimensions FROM models WHERE name = ?", (model,)).fetchone()
    _same_dimensions(model, dimensions, sizes)
    return int(model_id)


def _same_dimensions(model: str, dimensions: int, sizes: set[int]) -> None:
    if sizes != {dimensions}:
        raise ContractViolation(f"Vectors of {model} have {dimensions} dimensions, not {max(sizes - {dimensions})}.")


def _allowed_texts(connection: sqlite3.Connection, accepts: Accepts) -> NDArray[np.int64]:
    import numpy as np  # noqa: PLC0415 - as above

    rows = connection.execute(
        """SELECT text_id, name, heading FROM text_of JOIN passages ON passages.id = passage_id
           JOIN files ON files.id = file_id"""
    )
    return np.array(
        sorted({text for text, name, heading in rows if accepts(name, tuple(json.loads(heading)))}), np.int64
    )


def _accepted(connection: sqlite3.Connection, passage_id: int, accepts: Accepts) -> bool:
    row = connection.execute(
        "SELECT name, heading FROM passages JOIN files ON files.id = file_id WHERE passages.id = ?", (passage_id,)
    ).fetchone()
    return row is not None and accepts(row[0], tuple(json.loads(row[1])))
