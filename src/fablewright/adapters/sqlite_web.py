"""What a SQLite index holds of passages besides their words: the web of names between them, and lookups in all of it.

A query follows the web by primary keys: nothing here reads more than a few dozen rows, however large the index is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from fablewright.gm.finding.web import Web
    from fablewright.gm.reading.ports import Vector

__all__ = ["SqliteLookups", "SqliteWeb"]

_SCHEMA = (
    """CREATE TABLE names (
        key TEXT NOT NULL, passage_id INTEGER NOT NULL, strength INTEGER NOT NULL, plain TEXT NOT NULL,
        PRIMARY KEY (key, passage_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX names_by_passage ON names (passage_id)",
    "CREATE TABLE web (passage_id INTEGER PRIMARY KEY, sort TEXT NOT NULL, mentions TEXT NOT NULL)",
    """CREATE TABLE pins (
        kind TEXT NOT NULL, passage_id INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (kind, passage_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX pins_by_passage ON pins (passage_id)",
)


class SqliteWeb:
    """The tables of the web, within whatever transaction they are used in."""

    tables: ClassVar[tuple[str, ...]] = ("names", "web", "pins")

    @staticmethod
    def prepare(connection: sqlite3.Connection) -> None:
        """Make the tables."""
        for statement in _SCHEMA:
            connection.execute(statement)

    @staticmethod
    def write(connection: sqlite3.Connection, passage_id: int, web: Web) -> None:
        """Store what is kept of a passage under its number."""
        connection.executemany(
            "INSERT INTO names (key, passage_id, strength, plain) VALUES (?, ?, ?, ?)",
            [(name.key, passage_id, name.strength, name.plain) for name in web.names],
        )
        connection.execute(
            "INSERT INTO web (passage_id, sort, mentions) VALUES (?, ?, ?)",
            (passage_id, web.sort, "\n".join(web.mentions)),
        )
        if web.pin:
            connection.execute(
                "INSERT INTO pins (kind, passage_id, place) VALUES (?, ?, ?)",
                (web.pin.kind, passage_id, web.pin.order),
            )

    @classmethod
    def forget(cls, connection: sqlite3.Connection, file_id: int) -> None:
        """Delete what is stored of a file's passages."""
        for table in cls.tables:
            connection.execute(
                f"DELETE FROM {table} WHERE passage_id IN (SELECT id FROM passages WHERE file_id = ?)",  # noqa: S608 - ours
                (file_id,),
            )


class _ByWords(Protocol):
    def __call__(
        self, connection: sqlite3.Connection, query: str, limit: int, *, related: bool
    ) -> dict[int, float]: ...


class _ByMeaning(Protocol):
    def nearest(
        self, connection: sqlite3.Connection, model: str, vector: Vector, limit: int
    ) -> list[tuple[int, float]]: ...


class SqliteLookups:
    """:class:`~fablewright.gm.finding.lookups.Lookups` within one transaction; each word is looked up once.

    Args:
        connection: In a transaction.
        by_words: The index's search by words.
        vectors: The index's search by meaning.
    """

    def __init__(self, connection: sqlite3.Connection, by_words: _ByWords, vectors: _ByMeaning) -> None:
        self._connection = connection
        self._by_words = by_words
        self._vectors = vectors
        self._count: int | None = None
        self._with_word: dict[str, tuple[int, list[int]]] = {}

    def version(self) -> int:
        """Return the number of this state of the index."""
        return self._number("SELECT value FROM meta WHERE key = 'version'")

    def count(self) -> int:
        """Return the number of passages, by the greatest of their numbers: counting them would read them all."""
        if self._count is None:
            self._count = self._number("SELECT coalesce(max(id), 0) FROM passages")
        return self._count

    def by_words(self, query: str, limit: int, *, related: bool = True) -> dict[int, float]:
        """Return passages that share words with a query; see the port."""
        return self._by_words(self._connection, query, limit, related=related)

    def by_meaning(self, model: str, vector: Vector, limit: int) -> dict[int, float]:
        """Return passages near a vector; see the port."""
        return dict(self._vectors.nearest(self._connection, model, vector, limit))

    def with_word(self, word: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages that have a word; see the port."""
        known = self._with_word.get(word)
        if known is None or len(known[1]) == known[0] < limit:
            query = "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?"
            plain = word.replace('"', "")
            rows = self._connection.execute(query, (f'"{plain}"', limit))
            known = self._with_word[word] = limit, [passage for (passage,) in rows]
        return known[1][:limit]

    def named(self, key: str, limit: int) -> list[tuple[int, int, str]]:
        """Return at most ``limit`` passages that explain a name; see the port."""
        query = "SELECT passage_id, strength, plain FROM names WHERE key = ? LIMIT ?"
        return self._connection.execute(query, (key, limit)).fetchall()

    def heads(self, passage: int) -> list[str]:
        """Return the names at the heads of a passage's paragraphs and rows; see the port."""
        query = "SELECT key FROM names WHERE passage_id = ? AND strength = 1"
        return [key for (key,) in self._connection.execute(query, (passage,))]

    def mentions(self, passages: Sequence[int]) -> dict[int, list[str]]:
        """Return the names that passages mention; see the port."""
        rows = self._of("SELECT passage_id, mentions FROM web WHERE passage_id IN ({})", passages)
        return {passage: mentions.split("\n") for passage, mentions in rows if mentions}

    def pinned(self, kind: str) -> list[tuple[int, int]]:
        """Return the passages pinned as something; see the port."""
        query = "SELECT passage_id, place FROM pins WHERE kind = ?"
        return self._connection.execute(query, (kind,)).fetchall()

    def beside(self, passage: int) -> list[tuple[int, str, str]]:
        """Return the passages right before and after one; see the port. Those of a file are stored in a row."""
        query = """SELECT other.id, own.heading, other.heading FROM passages AS own JOIN passages AS other
                   ON other.id IN (own.id - 1, own.id + 1) AND other.file_id = own.file_id WHERE own.id = ?"""
        return self._connection.execute(query, (passage,)).fetchall()

    def texts(self, passages: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages."""
        return dict(self._of("SELECT id, text FROM passages WHERE id IN ({})", passages))

    def about(self, passages: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return the sort and the section of passages; see the port."""
        query = """SELECT passages.id, sort, file_id || heading FROM passages
                   JOIN web ON passage_id = passages.id WHERE passages.id IN ({})"""
        return {passage: (sort, section) for passage, sort, section in self._of(query, passages)}

    def _of(self, query: str, passages: Sequence[int]) -> list[Any]:
        return self._connection.execute(query.format(",".join("?" * len(passages))), passages).fetchall()

    def _number(self, query: str) -> int:
        return int(self._connection.execute(query).fetchone()[0])
