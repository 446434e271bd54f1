"""One SQLite file of ours that several processes write: opened when it is needed, migrated, one transaction a call.

It is in WAL mode. A call that is ``durable`` has its data on the disk when it returns (``synchronous = FULL``); another
survives the death of the process, and what a power failure leaves of the latest ones is whole transactions
(``synchronous = NORMAL``). A file that is damaged, another program's or of a newer version is left as it is: the error
says so. How it is opened, and what is told of what goes wrong, holds for the index too, which has its own rules else.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SqliteFile", "connection_to", "failure_of", "into_wal", "result_code"]

_T = TypeVar("_T")

_BUSY, _LOCKED, _IO_ERROR, _FULL, _CANNOT_OPEN = 5, 6, 10, 13, 14
_LEAST_ROOM = 64 * 1024
"""Bytes that SQLite needs beside a file to read it; with less it speaks of an I/O error as well."""


class SqliteFile:
    """See the top of the file; safe to use from threads and processes.

    Args:
        path: Where the database is or shall be; missing folders are made, by the first call.
        application_id: What the header of our file says.
        migrations: Step by step from one version of the schema to the next; one that was released is never changed.
        what: What to call it, for people: "the campaign log".
        busy_timeout: Seconds to wait for another process that is writing.
    """

    def __init__(
        self, path: Path | str, *, application_id: int, migrations: Sequence[str], what: str, busy_timeout: float
    ) -> None:
        self.path = Path(path)
        self._application_id = application_id
        self._migrations = migrations
        self._what = what
        self._busy_timeout = busy_timeout
        self._lock = threading.Lock()  # one call at a time: each takes a millisecond
        self._connection: sqlite3.Connection | None = None

    def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Return what some work finds in one state of the file.

        Raises:
            FablewrightError: Another program is writing it for too long.
            ConfigurationError: It cannot be used.
        """
        return self._transaction(work, "BEGIN", durable=True)

    def write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True) -> _T:
        """Do some work that writes, all of it or nothing; raises as ``read``."""
        return self._transaction(work, "BEGIN IMMEDIATE", durable=durable)

    def close(self) -> None:
        """Close the database; a later call opens it again. Closing twice is harmless."""
        with self._lock:
            self._let_go()

    def _transaction(self, work: Callable[[sqlite3.Connection], _T], begin: str, *, durable: bool) -> _T:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._open()
                self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._connection.execute(begin)
                result = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException as error:
                self._let_go()
                if isinstance(error, sqlite3.Error | OSError):
                    raise failure_of(error, self.path, self._what) from error
                raise
            return result

    def _let_go(self) -> None:
        """Close the connection, which rolls back; the next call opens another."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = connection_to(self.path, self._busy_timeout)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._check(connection)
        into_wal(connection)
        if _version(connection) == len(self._migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        self._check(connection)  # asked again now that nobody else can be migrating it
        for migration in self._migrations[_version(connection) :]:
            for statement in migration.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {self._application_id}")
        connection.execute(f"PRAGMA user_version = {len(self._migrations)}")
        connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse a file that is not ours to write.

        Raises:
            ConfigurationError: It is another program's, or a newer version's.
        """
        is_new = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if not is_new and connection.execute("PRAGMA application_id").fetchone()[0] != self._application_id:
            raise ConfigurationError(f"{self.path} is another program's database; choose another data_dir.")
        if _version(connection) > len(self._migrations):
            raise ConfigurationError(f"{self.path} was written by a newer Fablewright: update this one to read it.")


def connection_to(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Open a file for any thread; transactions are begun by hand.

    Args:
        path: The file.
        busy_timeout: Seconds to wait for another process that is writing.
    """
    return sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)


def into_wal(connection: sqlite3.Connection) -> None:
    """Have a file written by a log, so that who reads it waits for nobody."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with contextlib.suppress(sqlite3.OperationalError):  # busy: another process is just doing the same
            connection.execute("PRAGMA journal_mode = WAL")


def failure_of(error: sqlite3.Error | OSError, path: Path, what: str) -> FablewrightError:
    """Return what to tell people.

    Args:
        error: What went wrong.
        path: With which file.
        what: What to call it: "the campaign log".
    """
    if result_code(error) in {_BUSY, _LOCKED}:
        return FablewrightError(f"another program is writing {what} {path}; try again in a moment")
    if _is_out_of_room(error, path):
        said = f"the disk has no room left for {what} {path}; make some and try again, nothing is lost"
        return FablewrightError(said)
    return ConfigurationError(f"{what} {path} cannot be used: {error}")


def result_code(error: BaseException) -> int:
    """Return SQLite's result code without its extension; 0 for errors of the Python module itself, and others."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _is_out_of_room(error: BaseException, path: Path) -> bool:
    code = result_code(error)
    if code in {_IO_ERROR, _CANNOT_OPEN}:
        with contextlib.suppress(OSError):
            return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    return code == _FULL


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
