"""Passages in PostgreSQL: words by its full-text search, vectors by pgvector.

For when one machine is outgrown: many processes on many machines read and write the same index. What is different from
the file of ``sqlite_index`` is the ranking by words (``postgres_words``); the web of names (``postgres_web``), and so
all other steps of a search, are the same.

Each set of notes has a schema of its own in the database (``postgres_database``), whose tables are made by migrations.
Writers take turns, a file is one transaction, and each search reads one snapshot: nobody sees half
an update. Text is stored as bytes, because notes may hold what PostgreSQL's text may not (a NUL), and a passage is
exactly what stands in the note.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from fablewright.adapters.postgres_database import PostgresDatabase, place_of
from fablewright.adapters.postgres_web import PostgresLookups, write_web
from fablewright.adapters.postgres_words import Counted, scores, weighed
from fablewright.errors import ContractViolation
from fablewright.gm.finding.web import Web
from fablewright.gm.reading.chunks import RULES_VERSION
from fablewright.gm.reading.embedded_text import dimensions_of, embedded_text, key_of
from fablewright.gm.reading.notes import FileStamp, Passage
from fablewright.gm.reading.passage_filter import acceptance
from fablewright.gm.reading.query_terms import without_apostrophes
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import psycopg

    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.reading.passage_filter import Accepts
    from fablewright.gm.reading.ports import Vector

__all__ = ["PostgresIndex"]

_T = TypeVar("_T")

_RULES = 1000 * 3 + RULES_VERSION
"""What passages and words of this release are; the thousands say what earlier ones called the tables."""

_MOST_DIMENSIONS = 4000
"""More than that pgvector cannot put into an index of halves; such vectors are compared one by one."""

_KEPT_ORPHANS = 1000
_WORD = re.compile(r"[^\W_]+")
_MOST_FREQUENCIES = 50_000
_DEEP = 100
"""A search for so many passages goes by phrases too; one for fewer would be taken for a step of several."""


class PostgresIndex:
    """A :class:`~fablewright.gm.reading.ports.PassageIndex` and ``VectorIndex`` in a PostgreSQL database.

    Safe to use from threads and processes; each thread that is at work has a connection.

    Args:
        url: ``postgresql://user:password@host:port/database``. The password is never shown.
        notes: What tells one set of notes from others in the same database.
        owner: Whose notes they are; empty: the user's.
        timeout: Seconds for connecting, and for one statement.

    Raises:
        MissingExtra: psycopg is not installed.
        ConfigurationError: The server refuses, or has no pgvector.
        FablewrightError: The server cannot be reached.
    """

    remark = ""
    searches_at_once = 8
    """Most of the time the server works and we wait; each has a connection of its own."""

    def __init__(self, url: str, notes: str, *, owner: str = "", timeout: float = 10.0) -> None:
        self._db = PostgresDatabase(url, place_of("index", owner, notes), timeout=timeout)
        self._counted = Counted(-1, 0)
        self._db.write(self._begin)

    def __repr__(self) -> str:
        return f"<PostgresIndex {self._db.place.schema}>"

    # ------------------------------------------------------------ the port

    def stamps(self) -> dict[str, FileStamp]:
        """Return the stamp of every file in the index, by name."""
        query: LiteralString = "SELECT name, size, modified_ns, sha256, refusal FROM files"
        rows = self._db.read(lambda db: db.execute(query).fetchall())
        return {
            _text(name): FileStamp(size, modified_ns, sha256, _text(refusal))
            for name, size, modified_ns, sha256, refusal in sorted(rows)
        }

    def counts(self) -> dict[str, int]:
        """Return the number of passages of every file in the index, by name."""
        query: LiteralString = """SELECT name, count(passages.id) FROM files LEFT JOIN passages ON file_id = files.id
                                  GROUP BY name"""
        rows = self._db.read(lambda db: db.execute(query).fetchall())
        return {_text(name): count for name, count in sorted(rows)}

    def holds(self, name: str) -> bool:
        """Whether a file of that name is in the index."""
        query: LiteralString = "SELECT 1 FROM files WHERE name = %s"
        return self._db.read(lambda db: db.execute(query, (_bytes(name),)).fetchone() is not None)

    def count(self) -> int:
        """Return the number of passages."""
        return int(self._db.read(lambda db: _one(db, "SELECT count(*) FROM passages")))

    @property
    def version(self) -> int:
        """A number that grows with every change of what a search can find, also over a rebuilt index."""
        return int(self._db.read(lambda db: _one(db, "SELECT value FROM meta WHERE key = 'version'")))

    def replace(self, name: str, stamp: FileStamp, passages: Sequence[Passage]) -> None:
        """Store one file's passages in place of what was there, in one transaction."""
        file_words = _words(name.rpartition(".")[0] or name)
        rows, webs = [], []
        for number, passage in enumerate(passages):
            plain = searchable(_searched(passage))
            webs.append(Web.of(passage, plain, first=number == 0))
            rows.append(
                (
                    _place(passage),
                    _bytes(passage.text),
                    key_of(embedded_text(passage.heading, passage.text)),
                    webs[-1].sort,
                    "\n".join(webs[-1].mentions),
                    _words(" / ".join(passage.heading)),
                    file_words,
                    _words(plain),
                )
            )

        def write(db: psycopg.Connection[Any]) -> None:
            db.execute("DELETE FROM files WHERE name = %s", (_bytes(name),))
            file_id = _one(
                db,
                """INSERT INTO files (name, size, modified_ns, sha256, refusal) VALUES (%s, %s, %s, %s, %s)
                   RETURNING id""",
                (_bytes(name), stamp.size, stamp.modified_ns, stamp.sha256, _bytes(stamp.refusal)),
            )
            # Numbers beforehand: what hangs on the passages needs them, and those of a file go up with its text.
            taken = "SELECT nextval('passages_id_seq') FROM generate_series(1, %s)"
            ids = [number for (number,) in db.execute(taken, (len(rows),))]
            with db.cursor() as cursor:
                cursor.executemany(
                    """INSERT INTO passages (id, file_id, place, text, key, sort, mentions, words)
                       VALUES (%s, %s, %s, %s, %s, %s, %s, setweight(to_tsvector('english', %s), 'A')
                       || setweight(to_tsvector('english', %s), 'B') || to_tsvector('english', %s))""",
                    [(number, file_id, *row) for number, row in zip(ids, rows, strict=True)],
                )
                write_web(cursor, list(zip(ids, webs, strict=True)))
            _count_up(db)

        self._db.write(write)

    def touch(self, name: str, stamp: FileStamp) -> None:
        """Note that a file looks new but reads the same; what a search finds, and ``version``, stay."""
        change: LiteralString = (
            "UPDATE files SET size = %s, modified_ns = %s, sha256 = %s, refusal = %s WHERE name = %s"
        )
        values = (stamp.size, stamp.modified_ns, stamp.sha256, _bytes(stamp.refusal), _bytes(name))
        self._db.write(lambda db: db.execute(change, values))

    def remove(self, names: Iterable[str]) -> None:
        """Forget files, all in one transaction; names that are not there are passed over."""
        gone = [_bytes(name) for name in names]

        def write(db: psycopg.Connection[Any]) -> None:
            if db.execute("DELETE FROM files WHERE name = ANY(%s)", (gone,)).rowcount:
                _count_up(db)

        if gone:
            self._db.write(write)

    def search(self, query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, best first; equal scores in the order of file and place.

        Raises:
            InvalidInput: A filter of another name.
        """
        accepts = acceptance(filters)
        if limit <= 0:
            return []

        def read(db: psycopg.Connection[Any]) -> list[Passage]:
            counted = self._counts_of(db)
            weights = weighed(db, query, counted, limit=max(limit, _DEEP), related=True)
            # All that share the last score are read before the cut: chance shall not choose among them.
            found = scores(db, weights, counted, None if accepts else 4 * limit + 50)
            passages = _by_numbers(db, [number for number, _ in found])
            scored = [replace(passages[number], score=score) for number, score in found]
            kept = [p for p in scored if accepts is None or accepts(p.file, p.heading)]
            return sorted(kept, key=lambda passage: (-passage.score, passage.file, passage.start))[:limit]

        return self._db.read(read)

    # ------------------------------------------------------------ the port of a search of several steps

    def look(self, work: Callable[[Lookups], _T]) -> _T:
        """Do several lookups in one state of the index, whatever is written meanwhile."""
        return self._db.read(lambda db: work(PostgresLookups(db, self._counts_of(db), _near)))

    def passages(self, scored: Sequence[tuple[int, float]]) -> list[Passage]:
        """Return passages by their numbers, with these scores, in this order; those that are gone are left out."""
        there = self._db.read(lambda db: _by_numbers(db, [number for number, _ in scored]))
        return [replace(there[number], score=score) for number, score in scored if number in there]

    def _counts_of(self, db: psycopg.Connection[Any]) -> Counted:
        """Return what has been counted of the index as this transaction sees it; what was of another state is gone."""
        version = int(_one(db, "SELECT value FROM meta WHERE key = 'version'"))
        counted = self._counted
        if counted.version != version or len(counted.frequencies) > _MOST_FREQUENCIES:
            counted = self._counted = Counted(version, int(_one(db, "SELECT count(*) FROM passages")))
        return counted

    def _begin(self, db: psycopg.Connection[Any]) -> None:
        """Empty an index whose passages other rules have made; vectors stay, and are found again by their texts."""
        rules = _one(db, "SELECT value FROM meta WHERE key = 'schema'")
        if rules == _RULES:
            return
        if rules is not None:
            self.remark = "the index was written by another version of Fablewright and is built anew"
        db.execute("TRUNCATE names, pins, passages, files, meta")
        # Begins with the time, so that a rebuilt index never shows a version that a cache has seen before.
        values = (_RULES, time.time_ns())
        db.execute("INSERT INTO meta (key, value) VALUES ('schema', %s), ('version', %s)", values)

    def close(self) -> None:
        """Close the connections; searches that still run end by themselves. Closing twice is harmless."""
        self._db.close()

    # ------------------------------------------------------------ the port of vectors

    def unembedded(self, model: str, *, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts that have no vector of this model yet, by their keys."""
        query: LiteralString = """
            SELECT key, min(place), (array_agg(text))[1] FROM passages WHERE NOT EXISTS (
                SELECT 1 FROM vectors JOIN models ON models.id = model_id
                WHERE vectors.key = passages.key AND models.name = %s
            ) GROUP BY key ORDER BY min(id) LIMIT %s"""
        rows = self._db.read(lambda db: db.execute(query, (model, limit)).fetchall())
        return {key: embedded_text(json.loads(place)["heading"], _text(text)) for key, place, text in rows}

    def store(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by the keys of their texts, in one transaction.

        Raises:
            ContractViolation: A vector has another number of dimensions than those of this model that are there.
        """
        sizes = {dimensions_of(vector) for vector in vectors.values()}

        def write(db: psycopg.Connection[Any]) -> None:
            model_id = _model_for(db, model, sizes)
            with db.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO vectors (model_id, key, numbers) VALUES (%s, %s, %s::halfvec) ON CONFLICT DO NOTHING",
                    [(model_id, key, _numbers(vector)) for key, vector in vectors.items()],
                )
                new = cursor.rowcount
            if new + _sweep(db):
                _count_up(db)

        if sizes:
            self._db.write(write)

    def embedded(self, model: str) -> int:
        """Return how many passages can be found by their vector."""
        query: LiteralString = """SELECT count(*) FROM passages JOIN vectors USING (key)
                                  JOIN models ON models.id = model_id WHERE models.name = %s"""
        return int(self._db.read(lambda db: _one(db, query, (model,))))

    def nearest(self, model: str, vector: Vector, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, nearest first; the score is the cosine, from -1 to 1.

        Raises:
            ContractViolation: The vector has another number of dimensions than the model's.
            InvalidInput: A filter of another name.
        """
        accepts = acceptance(filters)

        def read(db: psycopg.Connection[Any]) -> list[Passage]:
            found = _near(db, model, vector, limit, accepts)
            passages = _by_numbers(db, [number for number, _ in found])
            return [replace(passages[number], score=cosine) for number, cosine in found]

        return self._db.read(read)


# ---------------------------------------------------------------- words


def _searched(passage: Passage) -> str:
    """Return what is searched of a passage: a row is found by its table's header too."""
    return f"{passage.table_header}\n{passage.text}" if passage.table_header else passage.text


def _words(text: str) -> str:
    """Return what is searched of a text: its words, cut as those of a query are.

    PostgreSQL's own parser would see addresses and versions in "a_b/c-d", and needs seconds for a page of such signs.
    """
    return " ".join(_WORD.findall(without_apostrophes(text[:500_000])))


# ---------------------------------------------------------------- vectors


def _near(
    db: psycopg.Connection[Any], model: str, vector: Vector, limit: int, accepts: Accepts | None = None
) -> list[tuple[int, float]]:
    """Return passages near a vector, nearest first, with their cosines."""
    size = dimensions_of(vector)
    row = db.execute("SELECT id, dimensions FROM models WHERE name = %s", (model,)).fetchone()
    if row is None or limit <= 0:
        return []
    _same_dimensions(model, row[1], {size})
    found = _nearest(db, row[0], size, _numbers(vector), limit) if accepts is None else []
    if len(found) < limit:  # filtered, or vectors of texts that are gone took the places: compare all
        found = _nearest_of_all(db, row[0], size, _numbers(vector), limit, accepts)
    return found


def _nearest(db: psycopg.Connection[Any], model_id: int, size: int, vector: str, limit: int) -> list[tuple[int, float]]:
    """Search the graph of nearest neighbours: good, and fast, but not all of it is looked at."""
    asked = min(1000, 2 * limit + 100)
    db.execute("SELECT set_config('hnsw.ef_search', %s, true)", (str(asked),))
    if size > _MOST_DIMENSIONS or limit > asked:
        return []
    kind = f"halfvec({size})"
    return db.execute(
        f"""WITH near AS MATERIALIZED (
                    SELECT key, numbers::{kind} <=> %s::{kind} AS distance FROM vectors
                    WHERE model_id = {model_id:d} ORDER BY numbers::{kind} <=> %s::{kind} LIMIT %s
                )
                SELECT passages.id, 1 - distance FROM near JOIN passages USING (key)
                ORDER BY distance, passages.id LIMIT %s""",  # noqa: S608 - two numbers
        (vector, vector, asked, limit),
    ).fetchall()


def _nearest_of_all(  # noqa: PLR0917 - one query's parts
    db: psycopg.Connection[Any], model_id: int, size: int, vector: str, limit: int, accepts: Accepts | None
) -> list[tuple[int, float]]:
    allowed = None
    if accepts is not None:
        rows = db.execute("SELECT passages.id, name, place FROM passages JOIN files ON files.id = file_id")
        allowed = [number for number, name, place in rows if accepts(_text(name), tuple(json.loads(place)["heading"]))]
    return db.execute(
        f"""SELECT passages.id, 1 - (numbers::halfvec({size:d}) <=> %s::halfvec({size:d})) AS cosine
                FROM passages JOIN vectors USING (key)
                WHERE model_id = %s AND (%s::bigint[] IS NULL OR passages.id = ANY(%s::bigint[]))
                ORDER BY cosine DESC, passages.id LIMIT %s""",  # noqa: S608 - a number
        (vector, model_id, allowed, allowed, limit),
    ).fetchall()


def _model_for(db: psycopg.Connection[Any], model: str, sizes: set[int]) -> int:
    """Return the number of a model; a new one gets an index over its vectors."""
    row = db.execute("SELECT id, dimensions FROM models WHERE name = %s", (model,)).fetchone()
    if row is None:
        size = min(sizes)
        model_id = int(_one(db, "INSERT INTO models (name, dimensions) VALUES (%s, %s) RETURNING id", (model, size)))
        row = (model_id, size)
        if size <= _MOST_DIMENSIONS:
            kind = f"halfvec({size:d})"
            made = f"""CREATE INDEX nearest_{model_id:d} ON vectors
                       USING hnsw ((numbers::{kind}) halfvec_cosine_ops) WHERE model_id = {model_id:d}"""
            db.execute(made)
    _same_dimensions(model, row[1], sizes)
    return int(row[0])


def _same_dimensions(model: str, dimensions: int, sizes: set[int]) -> None:
    if sizes != {dimensions}:
        raise ContractViolation(f"Vectors of {model} have {dimensions} dimensions, not {max(sizes - {dimensions})}.")


def _sweep(db: psycopg.Connection[Any]) -> int:
    """Forget vectors that no passage has, once there are more of them than of the others; return how many."""
    gone: LiteralString = "FROM vectors WHERE NOT EXISTS (SELECT 1 FROM passages WHERE passages.key = vectors.key)"
    held, orphans = int(_one(db, "SELECT count(*) FROM vectors")), int(_one(db, "SELECT count(*) " + gone))
    if orphans <= max(held - orphans, _KEPT_ORPHANS):
        return 0
    return db.execute("DELETE " + gone).rowcount


def _numbers(vector: Vector) -> str:
    """Write a vector as pgvector reads it."""
    return "[" + ",".join(f"{number:.6g}" for number in memoryview(vector).cast("f")) + "]"


# ---------------------------------------------------------------- rows


def _count_up(db: psycopg.Connection[Any]) -> None:
    db.execute("UPDATE meta SET value = value + 1 WHERE key = 'version'")


def _one(db: psycopg.Connection[Any], query: LiteralString, values: tuple[Any, ...] = ()) -> Any:  # noqa: ANN401 - any column
    row = db.execute(query, values).fetchone()
    return row[0] if row else None


def _place(passage: Passage) -> str:
    """Write all of a passage but its text, file and score as ASCII; new fields of it need no new columns."""
    return json.dumps({k: v for k, v in asdict(passage).items() if k not in {"text", "file", "score"}}, sort_keys=True)


def _by_numbers(db: psycopg.Connection[Any], numbers: Sequence[int]) -> dict[int, Passage]:
    """Return those passages that there are, by their numbers."""
    query: LiteralString = """SELECT passages.id, name, place, text FROM passages JOIN files ON files.id = file_id
                              WHERE passages.id = ANY(%s)"""
    return {number: _passage(*row) for number, *row in db.execute(query, (list(numbers),))}


def _passage(name: bytes, place: str, text: bytes) -> Passage:
    fields = json.loads(place)
    heading = tuple(fields.pop("heading"))
    return Passage(text=_text(text), file=_text(name), heading=heading, **fields)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return bytes(raw).decode("utf-8", "surrogatepass")
