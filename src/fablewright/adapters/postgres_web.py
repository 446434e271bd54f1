"""What the index in PostgreSQL holds of passages besides their words, and lookups in all of it within one snapshot.

The same web of names as in ``sqlite_web``, followed by the same keys.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

from fablewright.adapters.postgres_words import Counted, scores, weighed
from fablewright.gm.reading.query_terms import without_apostrophes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from fablewright.gm.finding.web import Web
    from fablewright.gm.reading.ports import Vector

__all__ = ["PostgresLookups", "write_web"]


def write_web(cursor: psycopg.Cursor[Any], webs: Sequence[tuple[int, Web]]) -> None:
    """Store what is kept of passages under their numbers; sort and mentions stand in the passages' own rows."""
    cursor.executemany(
        "INSERT INTO names (key, passage_id, strength, plain) VALUES (%s, %s, %s, %s)",
        [(name.key, passage, name.strength, name.plain) for passage, web in webs for name in web.names],
    )
    cursor.executemany(
        "INSERT INTO pins (kind, passage_id, place) VALUES (%s, %s, %s)",
        [(web.pin.kind, passage, web.pin.order) for passage, web in webs if web.pin],
    )


class _ByMeaning(Protocol):
    def __call__(
        self, db: psycopg.Connection[Any], model: str, vector: Vector, limit: int
    ) -> Sequence[tuple[int, float]]: ...


class PostgresLookups:
    """:class:`~fablewright.gm.finding.lookups.Lookups` within one transaction; each word is looked up once.

    Args:
        db: In a transaction that sees one snapshot.
        counted: What has been counted of that state of the index.
        by_meaning: The index's search by meaning.
    """

    def __init__(self, db: psycopg.Connection[Any], counted: Counted, by_meaning: _ByMeaning) -> None:
        self._db = db
        self._counted = counted
        self._by_meaning = by_meaning
        self._with_word: dict[str, tuple[int, list[int]]] = {}

    def version(self) -> int:
        """Return the number of this state of the index."""
        return self._counted.version

    def count(self) -> int:
        """Return the number of passages."""
        return self._counted.passages

    def by_words(self, query: str, limit: int, *, related: bool = True) -> dict[int, float]:
        """Return passages that share words with a query; see the port."""
        weights = weighed(self._db, query, self._counted, limit=limit, related=related)
        return dict(scores(self._db, weights, self._counted, limit))

    def by_meaning(self, model: str, vector: Vector, limit: int) -> dict[int, float]:
        """Return passages near a vector; see the port."""
        return dict(self._by_meaning(self._db, model, vector, limit))

    def with_word(self, word: str, limit: int) -> list[int]:
        """Return at most ``limit`` passages that have a word; see the port."""
        known = self._with_word.get(word)
        if known is None or len(known[1]) == known[0] < limit:
            # phraseto_tsquery takes any text for words. Without ORDER BY, which would make it read along all numbers.
            query = "SELECT id FROM passages WHERE words @@ phraseto_tsquery('english', %s) LIMIT %s"
            found = sorted(
                passage for (passage,) in self._rows(query, without_apostrophes(word).replace('"', ""), limit)
            )
            known = self._with_word[word] = limit, found
        return known[1][:limit]

    def named(self, key: str, limit: int) -> list[tuple[int, int, str]]:
        """Return at most ``limit`` passages that explain a name; see the port."""
        return self._rows("SELECT passage_id, strength, plain FROM names WHERE key = %s LIMIT %s", key, limit)

    def heads(self, passage: int) -> list[str]:
        """Return the names at the heads of a passage's paragraphs and rows; see the port."""
        rows = self._rows("SELECT key FROM names WHERE passage_id = %s AND strength = 1 ORDER BY key", passage)
        return [key for (key,) in rows]

    def mentions(self, passages: Sequence[int]) -> dict[int, list[str]]:
        """Return the names that passages mention; see the port."""
        query: LiteralString = "SELECT id, mentions FROM passages WHERE id = ANY(%s) AND mentions <> ''"
        return {passage: mentions.split("\n") for passage, mentions in self._rows(query, list(passages))}

    def pinned(self, kind: str) -> list[tuple[int, int]]:
        """Return the passages pinned as something; see the port."""
        return self._rows("SELECT passage_id, place FROM pins WHERE kind = %s ORDER BY passage_id", kind)

    def beside(self, passage: int) -> list[tuple[int, str, str]]:
        """Return the passages right before and after one; see the port."""
        query: LiteralString = """
            SELECT other.id, own.place, other.place FROM passages AS own, LATERAL (
                (SELECT id, place FROM passages WHERE file_id = own.file_id AND id < own.id ORDER BY id DESC LIMIT 1)
                UNION ALL
                (SELECT id, place FROM passages WHERE file_id = own.file_id AND id > own.id ORDER BY id LIMIT 1)
            ) AS other WHERE own.id = %s"""
        return [(other, _heading(one), _heading(two)) for other, one, two in self._rows(query, passage)]

    def texts(self, passages: Sequence[int]) -> dict[int, str]:
        """Return the texts of passages."""
        rows = self._rows("SELECT id, text FROM passages WHERE id = ANY(%s)", list(passages))
        return {passage: bytes(text).decode("utf-8", "surrogatepass") for passage, text in rows}

    def about(self, passages: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return the sort and the section of passages; see the port."""
        rows = self._rows("SELECT id, sort, file_id, place FROM passages WHERE id = ANY(%s)", list(passages))
        return {passage: (sort, f"{file}{_heading(place)}") for passage, sort, file, place in rows}

    def _rows(self, query: LiteralString, *values: object) -> list[Any]:
        return self._db.execute(query, values).fetchall()


def _heading(place: str) -> str:
    return json.dumps(json.loads(place)["heading"], ensure_ascii=False)
