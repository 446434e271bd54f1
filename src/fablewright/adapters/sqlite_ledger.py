"""A ledger in one SQLite file, for all processes of one machine.

What a method has returned from is on the disk (``synchronous = FULL``): it survives the death of any process and of the
system, and a power failure on a disk that does what it says.
"""

from __future__ import annotations

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
)


class SqliteLedger:
    """A :class:`~fablewright.gm.preparing.ledger.Ledger` in one file, which is opened or made by the first call.

    Args:
        path: Where the database is or shall be; missing folders are made.
        threads: Where it is used, off the event loop.
        busy_timeout: Seconds to wait for another process that is writing.
    """

    def __init__(self, path: Path | str, threads: Threads, *, busy_timeout: float = 5.0) -> None:
        self._file = SqliteFile(
            path,
            application_id=_APPLICATION_ID,
            migrations=_MIGRATIONS,
            what="what was accepted",
            busy_timeout=busy_timeout,
        )
        self._threads = threads

    async def add(self, topic: str, key: str, text: str) -> bool:
        """Keep a text, in one write; return False if there is an entry of that key already."""
        return await self._changed("INSERT OR IGNORE INTO entries VALUES (?, ?, 1, ?)", topic, key, text)

    async def read(self, topic: str, key: str) -> Entry | None:
        """Return an entry; None if there is none of that key."""
        query = "SELECT key, revision, text FROM entries WHERE topic = ? AND key = ?"
        row = await self._read(lambda connection: connection.execute(query, (topic, key)).fetchone())
        return None if row is None else Entry(*row)

    async def entries(self, topic: str) -> tuple[Entry, ...]:
        """Return all entries of a topic."""
        query = "SELECT key, revision, text FROM entries WHERE topic = ?"
        rows = await self._read(lambda connection: connection.execute(query, (topic,)).fetchall())
        return tuple(Entry(*row) for row in rows)

    async def swap(self, topic: str, key: str, revision: int, text: str) -> bool:
        """Write an entry anew; return False, and write nothing, if that revision is not its latest."""
        update = "UPDATE entries SET text = ?, revision = revision + 1 WHERE topic = ? AND key = ? AND revision = ?"
        return await self._changed(update, text, topic, key, revision)

    async def remove(self, topic: str, key: str, revision: int) -> bool:
        """Remove an entry without a trace; return False, and do nothing, if that revision is not its latest."""
        delete = "DELETE FROM entries WHERE topic = ? AND key = ? AND revision = ?"
        return await self._changed(delete, topic, key, revision)

    async def close(self) -> None:
        """Close the database; a later call opens it again. Closing twice is harmless."""
        self._file.close()

    async def _changed(self, statement: str, *values: object) -> bool:
        """Do one statement; return whether it has changed anything."""
        return await self._threads.run(
            self._file.write, lambda connection: bool(connection.execute(statement, values).rowcount)
        )

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._threads.run(self._file.read, work)
