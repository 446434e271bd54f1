"""A ledger in one SQLite file, for all processes of one machine.

What a method has returned from is on the disk (``synchronous = FULL``): it survives the death of any process and of the
system, and a power failure on a disk that does what it says.

How old an entry is, is measured by a clock that all processes of a machine share and nobody can set. It begins anew
with the machine; who was at an entry from before that is not any more.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from fablewright.adapters.sqlite_file import SqliteFile
from fablewright.gm.preparing.ledger import Entry

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from fablewright.runtime.threads import Threads

__all__ = ["SqliteLedger"]

_T = TypeVar("_T")

_APPLICATION_ID = 0x46616241  # "FabA", in the header of the file: this database is ours
_MIGRATIONS = (
    """
    CREATE TABLE entries (
        topic TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, text TEXT NOT NULL,
        PRIMARY KEY (topic, key)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE entries ADD COLUMN at REAL NOT NULL DEFAULT 0",
)
_ENTRY = "key, revision, text, at"


class SqliteLedger:
    """A :class:`~fablewright.gm.preparing.ledger.Ledger` in one file, which is opened or made by the first call.

    Args:
        path: Where the database is or shall be; missing folders are made.
        threads: Where it is used, off the event loop.
        clock: What ages are measured by, in seconds; the same for all processes, and never set.
        busy_timeout: Seconds to wait for another process that is writing.
    """

    def __init__(
        self,
        path: Path | str,
        threads: Threads,
        *,
        clock: Callable[[], float] = time.monotonic,
        busy_timeout: float = 5.0,
    ) -> None:
        self._file = SqliteFile(
            path,
            application_id=_APPLICATION_ID,
            migrations=_MIGRATIONS,
            what="what was accepted",
            busy_timeout=busy_timeout,
        )
        self._threads = threads
        self._clock = clock

    async def add(self, topic: str, key: str, text: str) -> bool:
        """Keep a text, in one write; return False if there is an entry of that key already."""
        insert = "INSERT OR IGNORE INTO entries VALUES (:topic, :key, 1, :text, :now)"
        return await self._changed(insert, topic=topic, key=key, text=text)

    async def read(self, topic: str, key: str) -> Entry | None:
        """Return an entry; None if there is none of that key."""
        query = f"SELECT {_ENTRY} FROM entries WHERE topic = ? AND key = ?"  # noqa: S608 - our own words
        row = await self._read(lambda connection: connection.execute(query, (topic, key)).fetchone())
        return None if row is None else self._entry(*row)

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        """Return all entries of a topic."""
        query = f"SELECT {_ENTRY} FROM entries WHERE topic = ?"  # noqa: S608 - as above
        rows = await self._read(lambda connection: connection.execute(query, (topic,)).fetchall())
        return tuple(self._entry(*row) for row in rows)

    async def swap(self, topic: str, key: str, revision: int, text: str) -> bool:
        """Write an entry anew; return False, and write nothing, if that revision is not its latest."""
        update = """UPDATE entries SET text = :text, at = :now, revision = revision + 1
                    WHERE topic = :topic AND key = :key AND revision = :revision"""
        return await self._changed(update, topic=topic, key=key, revision=revision, text=text)

    async def remove(self, topic: str, key: str, revision: int) -> bool:
        """Remove an entry without a trace; return False, and do nothing, if that revision is not its latest."""
        delete = "DELETE FROM entries WHERE topic = :topic AND key = :key AND revision = :revision"
        return await self._changed(delete, topic=topic, key=key, revision=revision)

    async def close(self) -> None:
        """Close the database; a later call opens it again. Closing twice is harmless."""
        self._file.close()

    def _entry(self, key: str, revision: int, text: str, at: float) -> Entry:
        age = self._clock() - at
        return Entry(key, revision, text, age if age >= 0 else float("inf"))

    async def _changed(self, statement: str, **values: object) -> bool:
        """Do one statement, in which it is ``:now``; return whether it has changed anything."""

        def change(connection: sqlite3.Connection) -> bool:  # by now nobody else is writing
            return bool(connection.execute(statement, {**values, "now": self._clock()}).rowcount)

        return await self._threads.run(self._file.write, change)

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._threads.run(self._file.read, work)
