"""Passages in one SQLite file, found by words with FTS5.

Why SQLite: it is in the standard library, several processes may read while one writes (WAL), and a process
that is killed at any moment leaves the last whole transaction. One file's passages are one transaction.

The ranking is BM25 over three columns (text, headings, file name). The words of a request are alternatives;
neighbouring words and capitalised names are further alternatives as phrases, so that a passage which holds
them together counts them twice.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fablewright.adapters.sqlite_file import connection_to, failure_of, into_wal, result_code
from fablewright.adapters.sqlite_vectors import SqliteVectors
from fablewright.adapters.sqlite_web import SqliteLookups, SqliteWeb
from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError
from fablewright.gm.finding.web import Web
from fablewright.gm.reading.chunks import RULES_VERSION
from fablewright.gm.reading.notes import FileStamp, Passage
from fablewright.gm.reading.passage_filter import acceptance
from fablewright.gm.reading.query_terms import STOP_WORDS, QueryTerms, query_terms, without_apostrophes
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fablewright.gm.finding.lookups import Lookups
    from fablewright.gm.reading.passage_filter import Accepts
    from fablewright.gm.reading.ports import Vector

__all__ = ["Ranking", "SqliteIndex"]

_T = TypeVar("_T")

_LEAST_WORDS = 2
_FEW = 60
"""A search for so few passages is one of several for a question, and looks at a quarter of the rows."""
_MOST_FREQUENCIES = 50_000
_SHORT = 10
_MOST_SHORT = 100
_AT_ONCE = 500
"""Passages that one query reads: older builds of SQLite take no more than 999 values."""

_APPLICATION_ID = 0x4661626C  # "Fabl", in the header of the file: this database is ours
_SCHEMA_VERSION = 1000 * 3 + RULES_VERSION
_SCHEMA = """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE files (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, refusal TEXT NOT NULL
    );
    CREATE TABLE passages (
        id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL, heading TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, text TEXT NOT NULL,
        page INTEGER, table_header TEXT NOT NULL
    );
    CREATE INDEX passages_by_file ON passages (file_id);
    CREATE VIRTUAL TABLE words USING fts5 (
        body, heading, file, tokenize = "porter unicode61 remove_diacritics 2"
    );
"""
_SQLITE_CORRUPT, _SQLITE_NOTADB = 11, 26


@dataclass(frozen=True, slots=True)
class Ranking:
    """What counts how much; each step can be switched off to measure what it brings.

    Attributes:
        heading_weight: Weight of a word in the headings, where one in the text has 1.
        file_weight: Weight of a word in the file's name.
        stop_words: Whether function words are left out of the search.
        phrases: Whether two neighbouring words of the request also count as a phrase.
        names: Whether neighbouring capitalised words also count as a phrase.
        related: How much a word of like meaning counts, where one that was said counts 1; 0: none.
        most_rows: Up to how many passages a search looks at, altogether over its words. In a large index the most
            frequent words of a question are left out: they tell least and cost most. The rarest stays.
    """

    heading_weight: float = 4.0
    file_weight: float = 2.0
    stop_words: bool = True
    phrases: bool = True
    names: bool = True
    related: float = 0.3
    most_rows: int = 3000


_USUAL = Ranking()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is worth keeping of one version of an index.

    Attributes:
        version: Which.
        frequencies: In how many passages words stand, as far as that was counted.
        short: What searches for a few passages found: those that every question of a kind makes.
    """

    version: int
    frequencies: dict[str, int] = field(default_factory=dict)
    short: dict[tuple[str, int, bool], dict[int, float]] = field(default_factory=dict)


class SqliteIndex:
    """A :class:`~fablewright.gm.reading.ports.PassageIndex` in one file, safe to use from threads and processes.

    A file that is damaged or no database is moved to ``<name>.damaged`` and replaced by an empty index, and
    one written by another version of this program is emptied; ``remark`` then says so.

    Args:
        path: Where the database is or shall be; missing folders are made.
        ranking: What counts how much in a search.
        busy_timeout: Seconds to wait for another process that is writing.

    Raises:
        ConfigurationError: The file cannot be used: a folder, another program's database, no permission, or
            this Python's SQLite has no FTS5.
    """

    searches_at_once = 2
    """More would fight for the interpreter's lock, which SQLite lets go of and takes again with every row: thirty
    threads find half as much in the same time as one, two find a little more."""

    def __init__(self, path: Path | str, *, ranking: Ranking = _USUAL, busy_timeout: float = 10.0) -> None:
        self.path = Path(path)
        self.ranking = ranking
        self.remark = ""
        self._kept = _Kept(0)
        self.vectors = SqliteVectors()
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()  # guards the fields below
        self._writing = threading.Lock()  # one writer per process; between processes SQLite sees to it
        self._idle: list[sqlite3.Connection] = []
        self._generation = 0  # counts replacements of a damaged file: connections of an older one are dropped
        self._closed = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"the index {self.path} cannot be used: {error.strerror}") from error
        if _is_too_short(self.path):
            self._set_aside()
        self._guarded(_nothing)

    # ------------------------------------------------------------ the port

    def stamps(self) -> dict[str, FileStamp]:
        """Return the stamp of every file in the index, by name."""

        def read(connection: sqlite3.Connection) -> dict[str, FileStamp]:
            rows = connection.execute("SELECT name, size, modified_ns, sha256, refusal FROM files ORDER BY name")
            return {name: FileStamp(*stamp) for name, *stamp in rows}

        return self._guarded(read)

    def counts(self) -> dict[str, int]:
        """Return the number of passages of every file in the index, by name."""
        query = """SELECT name, count(passages.id) FROM files LEFT JOIN passages ON file_id = files.id
                   GROUP BY files.id ORDER BY name"""
        return self._guarded(lambda connection: dict(connection.execute(query).fetchall()))

    def holds(self, name: str) -> bool:
        """Whether a file of that name is in the index."""
        query = "SELECT 1 FROM files WHERE name = ?"
        value = name.encode("utf-8", "replace").decode()  # half a character is in no name that was read
        return self._guarded(lambda connection: connection.execute(query, (value,)).fetchone() is not None)

    def count(self) -> int:
        """Return the number of passages."""
        return self._number("SELECT count(*) FROM passages")

    @property
    def version(self) -> int:
        """A number that grows with every change of what a search can find, also over a rebuilt file."""
        return self._number("SELECT value FROM meta WHERE key = 'version'")

    def replace(self, name: str, stamp: FileStamp, passages: Sequence[Passage]) -> None:
        """Store one file's passages in place of what was there, in one transaction."""
        file_words = _file_words(name)
        # The slow part comes before the transaction, so that other processes wait as briefly as possible.
        rows = []
        for number, passage in enumerate(passages):
            plain = searchable(_searched(passage))
            heading = json.dumps(passage.heading, ensure_ascii=False)
            place = (passage.start, passage.end, passage.text, passage.page, passage.table_header)
            words = (without_apostrophes(plain), without_apostrophes(" / ".join(passage.heading)))
            rows.append(((heading, *place), words, Web.of(passage, plain, first=number == 0)))

        def write(connection: sqlite3.Connection) -> None:
            _forget(connection, name)
            file_id = connection.execute(
                "INSERT INTO files (name, size, modified_ns, sha256, refusal) VALUES (?, ?, ?, ?, ?)",
                (name, stamp.size, stamp.modified_ns, stamp.sha256, stamp.refusal),
            ).lastrowid
            for stored, words, web in rows:
                passage_id = connection.execute(
                    """INSERT INTO passages (file_id, heading, first, last, text, page, table_header)
                       VALUES (?, ?, ?, ?, ?, ?, ?)""",
                    (file_id, *stored),
                ).lastrowid
                connection.execute(
                    "INSERT INTO words (rowid, body, heading, file) VALUES (?, ?, ?, ?)",
                    (passage_id, *words, file_words),
                )
                SqliteWeb.write(connection, int(passage_id or 0), web)
            _count_up(connection)

        self._write(write)

    def touch(self, name: str, stamp: FileStamp) -> None:
        """Note that a file looks new but reads the same; what a search finds, and ``version``, stay."""
        change = "UPDATE files SET size = ?, modified_ns = ?, sha256 = ?, refusal = ? WHERE name = ?"
        values = (stamp.size, stamp.modified_ns, stamp.sha256, stamp.refusal, name)
        self._write(lambda connection: connection.execute(change, values))

    def remove(self, names: Iterable[str]) -> None:
        """Forget files, all in one transaction; names that are not there are passed over."""
        gone = list(names)

        def write(connection: sqlite3.Connection) -> None:
            if sum(_forget(connection, name) for name in gone):
                _count_up(connection)

        if gone:
            self._write(write)

    def search(self, query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, best first; equal scores in the order of file and place.

        Args:
            query: A person's words; nothing in them is query syntax.
            limit: How many passages at most.
            filters: ``file`` (a glob over the file's name) and ``heading`` (part of the headings), both
                without regard to capitals.

        Raises:
            InvalidInput: A filter of another name.
        """
        accepts = acceptance(filters)
        stop_words = STOP_WORDS if self.ranking.stop_words else frozenset[str]()
        terms = query_terms(query, stop_words=stop_words)
        if not terms.words or limit <= 0:
            return []
        return self._guarded(lambda connection: self._ranked(connection, terms, limit, accepts))

    # ------------------------------------------------------------ the port of a search of several steps

    def look(self, work: Callable[[Lookups], _T]) -> _T:
        """Do several lookups in one state of the index, whatever is written meanwhile."""
        return self._guarded(lambda connection: work(SqliteLookups(connection, self._by_words, self.vectors)))

    def passages(self, scored: Sequence[tuple[int, float]]) -> list[Passage]:
        """Return passages by their numbers, with these scores, in this order; those that are gone are left out."""

        def read(connection: sqlite3.Connection) -> list[Passage]:
            return _passages(connection, scored)

        return self._guarded(read)

    # ------------------------------------------------------------ the port of vectors

    def unembedded(self, model: str, *, limit: int) -> dict[str, str]:
        """Return at most ``limit`` texts that have no vector of this model yet, by their keys."""
        return self._guarded(lambda connection: self.vectors.unembedded(connection, model, limit))

    def store(self, model: str, vectors: Mapping[str, Vector]) -> None:
        """Keep vectors by the keys of their texts, in one transaction.

        Raises:
            ContractViolation: A vector has another number of dimensions than those of this model that are there.
        """

        def write(connection: sqlite3.Connection) -> None:
            if self.vectors.store(connection, model, vectors) + self.vectors.sweep(connection):
                _count_up(connection)

        self._write(write)

    def embedded(self, model: str) -> int:
        """Return how many passages can be found by their vector."""
        return self._guarded(lambda connection: self.vectors.embedded(connection, model))

    def nearest(self, model: str, vector: Vector, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        """Return at most ``limit`` passages, nearest first; the score is the cosine, from -1 to 1.

        Raises:
            ContractViolation: The vector has another number of dimensions than the model's.
            InvalidInput: A filter of another name.
        """
        accepts = acceptance(filters)

        def read(connection: sqlite3.Connection) -> list[Passage]:
            found = self.vectors.nearest(connection, model, vector, limit, accepts)
            return [p for number, cosine in found if (p := _passage(connection, number, cosine))]

        return self._guarded(read)

    def close(self) -> None:
        """Close the database; searches that still run end by themselves. Closing twice is harmless."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # ------------------------------------------------------------ searching

    def _by_words(self, connection: sqlite3.Connection, query: str, limit: int, *, related: bool) -> dict[int, float]:
        """Return passages for one step of a search; the same short question comes again and again, and is kept."""
        kept = self._of_this_version(connection)
        known = kept.short.get((query, limit, related)) if limit <= _SHORT else None
        if known is not None:
            return dict(known)
        stop_words = STOP_WORDS if self.ranking.stop_words else frozenset[str]()
        terms = query_terms(query, stop_words=stop_words)
        if not terms.words:
            return {}
        if limit <= _FEW:
            if limit > _SHORT and all(self._frequency(connection, w) > self.ranking.most_rows for w in terms.words):
                return {}  # a clause of words that are everywhere says nothing
            terms = replace(terms, phrases=(), related=terms.related if related else ())
        elif not related:
            terms = replace(terms, related=())
        found = dict(self._summed(connection, terms, limit, None)[:limit])
        if limit <= _SHORT and len(kept.short) < _MOST_SHORT:
            kept.short[query, limit, related] = dict(found)
        return found

    def _of_this_version(self, connection: sqlite3.Connection) -> _Kept:
        """Return what is kept of the index as this transaction sees it; what belonged to another state is dropped."""
        version = int(connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()[0])
        kept = self._kept
        if kept.version != version or len(kept.frequencies) > _MOST_FREQUENCIES:
            kept = self._kept = _Kept(version)
        return kept

    def _ranked(
        self, connection: sqlite3.Connection, terms: QueryTerms, limit: int, accepts: Accepts | None
    ) -> list[Passage]:
        ranked = self._summed(connection, terms, limit, accepts)
        found: list[Passage] = []
        for passage_id, score in ranked:
            # All that share the last score are read before the cut: chance shall not choose among them.
            if len(found) >= limit and score < found[-1].score:
                break
            passage = _passage(connection, passage_id, score)
            if passage:
                found.append(passage)
        found.sort(key=lambda passage: (-passage.score, passage.file, passage.start))
        return found[:limit]

    def _summed(
        self, connection: sqlite3.Connection, terms: QueryTerms, limit: int, accepts: Accepts | None
    ) -> list[tuple[int, float]]:
        terms = self._pruned(connection, terms, self.ranking.most_rows if limit > _FEW else self.ranking.most_rows // 4)
        said = _match_expression(terms, self.ranking)
        related = self._related(connection, terms) if self.ranking.related else ""
        # Two lists are added up only as far down as they can matter; one list needs no more than asked for.
        most = max(200, 4 * limit) if related else limit
        scores = self._scores(connection, said, most, accepts)
        if related:
            for passage_id, score in self._scores(connection, related, most, accepts).items():
                scores[passage_id] = scores.get(passage_id, 0.0) + self.ranking.related * score
        return sorted(scores.items(), key=lambda item: -item[1])

    def _pruned(self, connection: sqlite3.Connection, terms: QueryTerms, most: int) -> QueryTerms:
        """Leave out the most frequent words until the rest stands in at most so many passages altogether."""
        if len(terms.words) == 1:
            return terms
        counts = {word: self._frequency(connection, word) for word in terms.words}
        kept: set[str] = set()
        rows = 0
        for word in sorted(counts, key=lambda word: counts[word]):
            rows += counts[word]
            if len(kept) >= (_LEAST_WORDS if counts[word] <= self.ranking.most_rows else 1) and rows > most:
                break
            kept.add(word)
        if len(kept) == len(terms.words):
            return terms
        return replace(
            terms,
            words=tuple(word for word in terms.words if word in kept),
            phrases=tuple(phrase for phrase in terms.phrases if kept.issuperset(phrase)),
            names=tuple(name for name in terms.names if kept.issuperset(name)),
        )

    def _related(self, connection: sqlite3.Connection, terms: QueryTerms) -> str:
        """Write the words of like meaning as an expression, the rarest first, as many as half the rows allow."""
        kept: list[str] = []
        rows = 0
        for count, word in sorted((self._frequency(connection, word), word) for word in terms.related):
            rows += count
            if rows > self.ranking.most_rows // 2:
                break
            kept.append(word)
        return " OR ".join(f'"{word}"' for word in kept)

    def _frequency(self, connection: sqlite3.Connection, word: str) -> int:
        """Return in how many passages a word stands, counted no further than it matters, once for each version."""
        known = self._of_this_version(connection).frequencies
        if word not in known:
            query = "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)"
            known[word] = int(connection.execute(query, (f'"{word}"', self.ranking.most_rows + 1)).fetchone()[0])
        return known[word]

    def _scores(
        self, connection: sqlite3.Connection, expression: str, most: int, accepts: Accepts | None
    ) -> dict[int, float]:
        """Return the best ``most`` passages that the filters accept, and all that are as good as the last."""
        weights = (1.0, self.ranking.heading_weight, self.ranking.file_weight)
        hits = connection.execute(
            "SELECT rowid, -bm25(words, ?, ?, ?) AS score FROM words WHERE words MATCH ? ORDER BY score DESC",
            (*weights, expression),
        )
        scores: dict[int, float] = {}
        last = 0.0
        for passage_id, score in hits:
            if len(scores) >= most and score < last:
                break
            if accepts is not None:
                passage = _passage(connection, passage_id, score)
                if passage is None or not accepts(passage.file, passage.heading):
                    continue
            scores[passage_id] = last = score
        hits.close()
        return scores

    def _number(self, query: str) -> int:
        return int(self._guarded(lambda connection: connection.execute(query).fetchone()[0]))

    # ------------------------------------------------------------ transactions and connections

    def _write(self, work: Callable[[sqlite3.Connection], object]) -> None:
        with self._writing:
            self._guarded(work, begin="BEGIN IMMEDIATE")

    def _guarded(self, work: Callable[[sqlite3.Connection], _T], *, begin: str = "BEGIN") -> _T:
        """Do ``work`` in one transaction; if the file is damaged, begin an empty one and do it there."""
        for attempt in range(3):
            generation = self._generation
            try:
                return self._transaction(work, begin, generation)
            except sqlite3.Error as error:
                # The second look is for another process that has just replaced the file under our hands.
                if attempt == 2 or not _is_damage(error):
                    raise self._failure(error) from error
                self._drop_connections(generation, set_aside=attempt == 1)
        raise AssertionError  # the last attempt returned or raised

    def _transaction(self, work: Callable[[sqlite3.Connection], _T], begin: str, generation: int) -> _T:
        connection = self._borrow()
        try:
            connection.execute(begin)
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                connection.close()  # rolls back, and whatever state it was in goes with it
            raise
        with self._lock:
            if not self._closed and self._generation == generation:
                self._idle.append(connection)
                return result
        connection.close()
        return result

    def _borrow(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise ContractViolation("the index is closed")
            if self._idle:
                return self._idle.pop()
        connection = connection_to(self.path, self._busy_timeout)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        into_wal(connection)
        # In WAL this is safe against kill -9; a power cut may lose the last files, which are then read again.
        connection.execute("PRAGMA synchronous = NORMAL")
        self.vectors.connect(connection)
        if _is_current(connection):
            return
        connection.execute("BEGIN IMMEDIATE")
        if not _is_current(connection):  # asked again now that nobody else can be building it
            self._build(connection)
        connection.execute("COMMIT")

    def _build(self, connection: sqlite3.Connection) -> None:
        tables = [
            str(name)
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ]
        if tables and connection.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION_ID:
            raise ConfigurationError(f"{self.path} is another program's database; choose another place for the index")
        if tables:
            self.remark = "the index was written by another version of Fablewright and is built anew"
        for table in ("words", *SqliteWeb.tables, "passages", "files", "meta"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        SqliteWeb.prepare(connection)
        self.vectors.prepare(connection)
        # Begins with the time, so that a rebuilt index never shows a version that a cache has seen before.
        connection.execute("INSERT INTO meta VALUES ('version', ?)", (time.time_ns(),))
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def _drop_connections(self, generation: int, *, set_aside: bool) -> None:
        with self._lock:
            if self._generation != generation:
                return  # another thread has seen to it
            self._generation += 1
            idle, self._idle = self._idle, []
            for connection in idle:
                connection.close()
            if set_aside:
                self._set_aside()

    def _set_aside(self) -> None:
        damaged = self.path.with_name(self.path.name + ".damaged")
        try:
            self.path.replace(damaged)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise ConfigurationError(f"cannot replace the damaged index {self.path}: {error.strerror}") from error
        self.remark = f"the index was damaged; it was moved to {damaged.name} and is built anew"

    def _failure(self, error: sqlite3.Error) -> FablewrightError:
        if "fts5" in str(error) and "module" in str(error):
            return ConfigurationError(
                "this Python's SQLite has no FTS5 full-text search; install Python from python.org or with uv"
            )
        return failure_of(error, self.path, "the index")


# ---------------------------------------------------------------- rows


def _nothing(_connection: sqlite3.Connection) -> None:
    """Open the database and see that it is sound."""


def _is_too_short(path: Path) -> bool:
    """Whether something stands there that SQLite would take for an empty database, and write over."""
    try:
        return 0 < path.stat().st_size < 100  # the length of a database's header
    except OSError:
        return False


def _is_current(connection: sqlite3.Connection) -> bool:
    return bool(
        connection.execute("PRAGMA user_version").fetchone()[0] == _SCHEMA_VERSION
        and connection.execute("PRAGMA application_id").fetchone()[0] == _APPLICATION_ID
    )


def _forget(connection: sqlite3.Connection, name: str) -> int:
    """Delete a file and its passages; return 1, or 0 when it was not there."""
    row = connection.execute("SELECT id FROM files WHERE name = ?", (name,)).fetchone()
    if row is None:
        return 0
    connection.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE file_id = ?)", row)
    SqliteWeb.forget(connection, int(row[0]))
    connection.execute("DELETE FROM passages WHERE file_id = ?", row)
    connection.execute("DELETE FROM files WHERE id = ?", row)
    return 1


def _count_up(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'version'")


def _passage(connection: sqlite3.Connection, passage_id: int, score: float) -> Passage | None:
    row = connection.execute(
        """SELECT name, heading, first, last, text, page, table_header FROM passages JOIN files ON files.id = file_id
           WHERE passages.id = ?""",
        (passage_id,),
    ).fetchone()
    return None if row is None else _of_row(row, score)


def _passages(connection: sqlite3.Connection, scored: Sequence[tuple[int, float]]) -> list[Passage]:
    """Return passages in the order given: in one query, since each gives other threads a turn."""
    rows: dict[int, list[Any]] = {}
    numbers = [number for number, _ in scored]
    for at in range(0, len(numbers), _AT_ONCE):
        some = numbers[at : at + _AT_ONCE]
        query = f"""SELECT passages.id, name, heading, first, last, text, page, table_header
                    FROM passages JOIN files ON files.id = file_id
                    WHERE passages.id IN ({",".join("?" * len(some))})"""  # noqa: S608 - of marks for numbers
        rows |= {number: row for number, *row in connection.execute(query, some)}
    return [_of_row(rows[number], score) for number, score in scored if number in rows]


def _of_row(row: Sequence[Any], score: float) -> Passage:
    name, heading, start, end, text, page, table_header = row
    return Passage(text, name, tuple(json.loads(heading)), start, end, score, page, table_header)


def _searched(passage: Passage) -> str:
    return f"{passage.table_header}\n{passage.text}" if passage.table_header else passage.text


def _file_words(name: str) -> str:
    return without_apostrophes(name.rpartition(".")[0] or name)


# ---------------------------------------------------------------- queries


def _match_expression(terms: QueryTerms, ranking: Ranking) -> str:
    """Write terms as an FTS5 expression; terms hold letters and digits only, and each is quoted."""
    phrases: list[tuple[str, ...]] = [(word,) for word in terms.words]
    if ranking.phrases:
        phrases.extend(terms.phrases)
    if ranking.names:
        phrases.extend(terms.names)
    return " OR ".join('"' + " ".join(phrase) + '"' for phrase in phrases)


def _is_damage(error: sqlite3.Error) -> bool:
    return result_code(error) in {_SQLITE_CORRUPT, _SQLITE_NOTADB}
