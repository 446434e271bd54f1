"""Vectors in the same SQLite file as the passages, searched by nearness.

A search has two stages. All vectors are compared by the signs of their numbers (one bit a dimension, held in
memory: 48 bytes for 384 dimensions, so 10 MB for 200,000 texts), then the nearest two thousand by the numbers
themselves, which are read from the file (float16). Up to that many texts a search is therefore exact. Prior art
and price: binary quantization with rescoring; ``docs/index-engines.md`` has the figures, and why no extension of
SQLite does this: many builds of Python cannot load one.

Vectors belong to texts by their hash and never change, so that there is nothing to keep in step but which
passage has which text. Triggers see to that in the transaction in which a passage comes or goes: a reader never
finds a passage that is half there. New passages have text 0 until somebody asks what is unembedded.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
"""How many are compared by their numbers. Measured: 95 % of the true ten at 200,000 without any clusters in them."""

_LINKED_AT_ONCE = 2000
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
    CREATE TABLE IF NOT EXISTS signs (
        model_id INTEGER NOT NULL, vector_id INTEGER NOT NULL, text_id INTEGER NOT NULL, bits BLOB NOT NULL,
        PRIMARY KEY (model_id, vector_id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS epoch (name INTEGER NOT NULL);
    INSERT INTO epoch SELECT random() WHERE NOT EXISTS (SELECT 1 FROM epoch);
    DROP TABLE IF EXISTS text_of;
    CREATE TABLE text_of (passage_id INTEGER PRIMARY KEY, text_id INTEGER NOT NULL);
    CREATE INDEX text_of_by_text ON text_of (text_id)
"""
_TRIGGERS = (
    """CREATE TRIGGER passage_comes AFTER INSERT ON passages BEGIN
           INSERT INTO text_of (passage_id, text_id) VALUES (new.id, 0);
       END""",
    """CREATE TRIGGER passage_goes AFTER DELETE ON passages BEGIN
           DELETE FROM text_of WHERE passage_id = old.id;
       END""",
)


@dataclass(slots=True)
class _Signs:
    """The signs of one model's vectors, as far as this process has read them.

    Attributes:
        last: Number of the last vector read.
        epoch: What the database called the time since vectors were last forgotten; another name: read all anew.
        rows: How many are held.
        columns: 64 signs of every vector per row of this array, with room to grow; columns by vector.
        vectors: Their numbers.
        texts: The numbers of their texts.
    """

    last: int
    epoch: int
    rows: int
    columns: NDArray[np.uint64]
    vectors: NDArray[np.int64]
    texts: NDArray[np.int64]


class SqliteVectors:
    """Keeps vectors beside passages; every method works in the caller's transaction. Safe to use from threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the signs, which grow in place
        self._signs: dict[str, _Signs] = {}

    def prepare(self, connection: sqlite3.Connection) -> None:
        """Make the tables in a database whose passages are new; vectors of earlier ones stay, and are found again."""
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        for trigger in _TRIGGERS:
            connection.execute(trigger)

    def unembedded(self, connection: sqlite3.Connection, model: str, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts without a vector of the model, by key; see the port. Writes: links texts."""
        _link(connection)
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
            if stored.rowcount:
                connection.execute(
                    "INSERT INTO signs (model_id, vector_id, text_id, bits) VALUES (?, ?, ?, ?)",
                    (model_id, stored.lastrowid, text_id, _bits(numbers).tobytes()),
                )
                new += 1
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
        for table in ("signs", "vectors"):
            connection.execute(f"DELETE FROM {table} WHERE text_id IN ({gone})")  # noqa: S608 - our own words
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
            signs = self._up_to_date(connection, model, model_id, dimensions)
            chosen = _candidates(signs, _bits(query), allowed, max(RESCORED, 20 * limit))
        scored = _rescored(connection, chosen, query)
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

    def _up_to_date(self, connection: sqlite3.Connection, model: str, model_id: int, dimensions: int) -> _Signs:
        """Read the signs that came since the last search; once some were forgotten, all are read anew."""
        import numpy as np  # noqa: PLC0415 - as above

        epoch = int(connection.execute("SELECT name FROM epoch").fetchone()[0])
        words = -(-dimensions // 64)
        signs = self._signs.get(model)
        if signs is None or signs.epoch != epoch:
            none = np.zeros(0, np.int64)
            signs = _Signs(0, epoch, 0, np.zeros((words, 0), np.uint64), none, none)
        rows = connection.execute(
            "SELECT vector_id, text_id, bits FROM signs WHERE model_id = ? AND vector_id > ? ORDER BY vector_id",
            (model_id, signs.last),
        ).fetchall()
        if rows:
            _append(signs, rows, words)
        self._signs[model] = signs
        return signs


# ---------------------------------------------------------------- signs


def _bits(numbers: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return the signs of numbers, 64 to a word; what is left over of the last word is 0 for every vector."""
    import numpy as np  # noqa: PLC0415 - as above

    packed = np.packbits(numbers > 0)
    return np.frombuffer(packed.tobytes().ljust(-(-len(numbers) // 64) * 8, b"\0"), "<u8")


def _append(signs: _Signs, rows: list[tuple[int, int, bytes]], words: int) -> None:
    import numpy as np  # noqa: PLC0415 - as above

    needed = signs.rows + len(rows)
    if needed > signs.columns.shape[1]:
        room = max(needed, signs.columns.shape[1] * 3 // 2)
        grown = np.zeros((words, room), np.uint64)
        grown[:, : signs.rows] = signs.columns[:, : signs.rows]
        signs.columns = grown
        signs.vectors = np.concatenate([signs.vectors[: signs.rows], np.zeros(room - signs.rows, np.int64)])
        signs.texts = np.concatenate([signs.texts[: signs.rows], np.zeros(room - signs.rows, np.int64)])
    new = slice(signs.rows, needed)
    signs.columns[:, new] = np.frombuffer(b"".join(bits for _, _, bits in rows), "<u8").reshape(-1, words).T
    signs.vectors[new] = [vector for vector, _, _ in rows]
    signs.texts[new] = [text for _, text, _ in rows]
    signs.rows, signs.last = needed, rows[-1][0]


def _candidates(
    signs: _Signs, query: NDArray[np.uint64], allowed: NDArray[np.int64] | None, most: int
) -> NDArray[np.int64]:
    """Return the numbers of about the ``most`` vectors whose signs differ least from the query's."""
    import numpy as np  # noqa: PLC0415 - as above

    held = signs.vectors[: signs.rows]
    if allowed is None and signs.rows <= most:
        return held.copy()
    differing = np.zeros(signs.rows, np.uint16)
    for own, asked in zip(signs.columns, query, strict=True):
        differing += np.bitwise_count(own[: signs.rows] ^ asked)
    if allowed is not None:
        let_through = np.isin(signs.texts[: signs.rows], allowed)
        held, differing = held[let_through], differing[let_through]
    if len(held) <= most:
        return held.copy()
    # Counting is ten times faster than sorting or partitioning so few different numbers.
    at_most = np.searchsorted(np.cumsum(np.bincount(differing)), most)
    return held[differing <= at_most][: 2 * most]


def _rescored(
    connection: sqlite3.Connection, chosen: NDArray[np.int64], query: NDArray[np.float32]
) -> list[tuple[int, float]]:
    """Return the texts of these vectors with their cosines, nearest first; of equals the earlier."""
    import numpy as np  # noqa: PLC0415 - as above

    rows: list[tuple[int, bytes]] = []
    numbers = chosen.tolist()
    for start in range(0, len(numbers), 500):
        part: list[Any] = numbers[start : start + 500]
        marks = ",".join("?" * len(part))
        rows += connection.execute(f"SELECT text_id, numbers FROM vectors WHERE id IN ({marks})", part)  # noqa: S608 - marks only
    if not rows:
        return []
    matrix = np.frombuffer(b"".join(held for _, held in rows), "<f2").reshape(len(rows), -1).astype(np.float32)
    cosines = np.clip(matrix @ query, -1.0, 1.0)
    texts = np.array([text for text, _ in rows])
    order = np.lexsort((texts, -cosines))
    return [(int(texts[at]), float(cosines[at])) for at in order]


# ---------------------------------------------------------------- rows


def _link(connection: sqlite3.Connection) -> None:
    """Find out the texts of passages that came since the last time."""
    while rows := connection.execute(
        """SELECT passage_id, heading, text FROM text_of JOIN passages ON passages.id = passage_id
           WHERE text_id = 0 LIMIT ?""",
        (_LINKED_AT_ONCE,),
    ).fetchall():
        for passage_id, heading, text in rows:
            key = key_of(embedded_text(json.loads(heading), text))
            connection.execute("INSERT INTO texts (key) VALUES (?) ON CONFLICT DO NOTHING", (key,))
            connection.execute(
                "UPDATE text_of SET text_id = (SELECT id FROM texts WHERE key = ?) WHERE passage_id = ?",
                (key, passage_id),
            )


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
