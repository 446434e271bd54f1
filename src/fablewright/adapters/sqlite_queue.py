"""A work queue in one SQLite file: tasks, their leases and their results, for all processes of one machine.

Each call is one transaction in which ``protocol.job`` decides, so two processes are never given the same lease and a
result is stored together with the state that forbids a second one.

What is promised: what was accepted, finished, failed, paused, resumed or cancelled is on the disk when the call returns
(``synchronous = FULL``: the log is flushed first). It survives the death of any process and of the system, and a power
failure on a disk that does what it says. A lease is granted without waiting for the disk (``synchronous = NORMAL``): it
survives every process, and after a power failure at worst a task is done again, and written once all the same.

Leases are measured by a clock that all processes of a machine share and nobody can set. It begins anew with the
machine; a lease from before that ends at once, or after the time that it had at the latest.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

from fablewright.adapters.sqlite_file import SqliteFile
from fablewright.gm.preparing.ports import Batch, Lease, Task, Worked
from fablewright.protocol.job import Broke, Effect, Finished, GivenBack, Job, JobRules, State, Wanted, Withdrawn, step

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fablewright.protocol.job import Fact
    from fablewright.runtime.threads import Threads

__all__ = ["SqliteQueue"]

_T = TypeVar("_T")

_APPLICATION_ID = 0x46616257  # "FabW", in the header of the file: this database is ours
_MIGRATIONS = (
    """
    CREATE TABLE batches (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL, words TEXT NOT NULL,
        begins REAL NOT NULL, paused INTEGER NOT NULL, remark TEXT NOT NULL
    );
    CREATE INDEX batches_of_topic ON batches (topic, seq);
    CREATE TABLE jobs (
        batch INTEGER NOT NULL REFERENCES batches, place INTEGER NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
        state TEXT NOT NULL, lease INTEGER NOT NULL, until REAL NOT NULL, tries INTEGER NOT NULL,
        reason TEXT NOT NULL, result TEXT NOT NULL, PRIMARY KEY (batch, place), UNIQUE (batch, key)
    );
    """,
    # How long a lease from before lasts is not known: until its end, and an hour at most.
    "ALTER TABLE jobs ADD COLUMN lasts REAL NOT NULL DEFAULT 3600",
)
_OPEN = f"('{State.WAITING.value}', '{State.LEASED.value}')"
_JOB = "place, key, body, state, lease, until, lasts, tries, reason"


class SqliteQueue:
    """A :class:`~fablewright.gm.preparing.ports.WorkQueue` in one file.

    The file is opened, and made where there is none, by the first call.

    Args:
        path: Where the database is or shall be; missing folders are made.
        threads: Where it is used, off the event loop.
        rules: How long a lease lasts that is taken here, and how many tries there are.
        now: The system's clock, in seconds since 1970: for batches that begin later.
        clock: What leases are measured by, in seconds; the same for all processes, and never set.
        busy_timeout: Seconds to wait for another process that is writing.
    """

    def __init__(
        self,
        path: Path | str,
        threads: Threads,
        rules: JobRules,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        busy_timeout: float = 10.0,
    ) -> None:
        self._file = SqliteFile(
            path,
            application_id=_APPLICATION_ID,
            migrations=_MIGRATIONS,
            what="the prepared work",
            busy_timeout=busy_timeout,
        )
        self._threads = threads
        self._rules = rules
        self._now = now
        self._clock = clock

    async def accept(self, batch: Batch, tasks: Sequence[Task]) -> bool:
        """Take a batch, all of it or nothing; return False if there is one of this id already."""

        def write(connection: sqlite3.Connection) -> bool:
            if _number(connection, batch.id) is not None:
                return False
            row = (batch.id, batch.topic, batch.words, batch.begins, batch.paused, batch.remark)
            insert = "INSERT INTO batches (id, topic, words, begins, paused, remark) VALUES (?, ?, ?, ?, ?, ?)"
            number = connection.execute(insert, row).lastrowid
            job = Job()
            connection.executemany(
                f"""INSERT INTO jobs (batch, {_JOB}, result)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')""",  # noqa: S608 - our own words
                [(number, place, task.key, task.body, *_columns(job)) for place, task in enumerate(tasks)],
            )
            return True

        return await self._write(write)

    async def latest(self, topic: str) -> Batch | None:
        """Return the batch of a topic that was accepted last."""
        query = """SELECT id, topic, words, begins, paused, remark FROM batches
                   WHERE topic = ? ORDER BY seq DESC LIMIT 1"""
        row = await self._read(lambda connection: connection.execute(query, (topic,)).fetchone())
        if row is None:
            return None
        name, topic, words, begins, paused, remark = row
        return Batch(name, topic, words, begins, bool(paused), remark)

    async def look(self, batch: str) -> tuple[Worked, ...]:
        """Return how the tasks of a batch stand, in the order in which they were accepted."""
        query = """SELECT key, body, state, result, jobs.reason FROM jobs JOIN batches ON batch = batches.seq
                   WHERE batches.id = ? ORDER BY place"""
        rows = await self._read(lambda connection: connection.execute(query, (batch,)).fetchall())
        return tuple(Worked(Task(key, body), State(state), result, why) for key, body, state, result, why in rows)

    async def lease(self, batch: str) -> Lease | None:
        """Return a task to work on, those first that were tried least; None if there is none now."""
        query = f"""SELECT jobs.{_JOB} FROM jobs JOIN batches ON batch = batches.seq
                    WHERE batches.id = ? AND NOT paused AND begins <= ? AND state IN {_OPEN}
                          AND (until <= ? OR until > ? + lasts)
                    ORDER BY tries, place"""  # noqa: S608 - our own words

        def write(connection: sqlite3.Connection) -> Lease | None:
            now = self._clock()
            number = _number(connection, batch)
            found = connection.execute(query, (batch, self._now(), now, now)).fetchall()
            for place, key, body, *columns in found:
                job, effect = step(_job(columns), Wanted(now), self._rules)
                _store(connection, number, place, job)
                if effect is Effect.GRANT:
                    return Lease(batch, Task(key, body), job.lease, job.tries)
            return None

        return await self._write(write, durable=False)

    async def finish(self, lease: Lease, result: str) -> bool:
        """Keep a task's result; return False if it has an outcome already, and then this result is dropped."""
        return await self._tell(lease, Finished(lease.number), result) is Effect.WRITE

    async def fail(self, lease: Lease, reason: str) -> None:
        """Say that a task could not be done; it is tried again unless this was its last try."""
        await self._tell(lease, Broke(lease.number, reason))

    async def give_back(self, lease: Lease) -> None:
        """Let somebody else have a task that was begun; it does not count as a try."""
        await self._tell(lease, GivenBack(lease.number))

    async def pause(self, batch: str) -> None:
        """Let nobody begin another task of a batch."""
        update = "UPDATE batches SET paused = TRUE WHERE id = ?"
        await self._write(lambda connection: connection.execute(update, (batch,)))

    async def resume(self, batch: str) -> None:
        """Let a batch go on, now: whether it was paused or was to begin later."""
        update = "UPDATE batches SET paused = FALSE, begins = 0 WHERE id = ?"
        await self._write(lambda connection: connection.execute(update, (batch,)))

    async def cancel(self, batch: str) -> int:
        """Call off what is not done yet; return how many tasks that were."""
        query = f"SELECT {_JOB} FROM jobs WHERE batch = ? AND state IN {_OPEN}"  # noqa: S608 - our own words

        def write(connection: sqlite3.Connection) -> int:
            number = _number(connection, batch)
            rows = connection.execute(query, (number,)).fetchall()
            for place, _, _, *columns in rows:
                _store(connection, number, place, step(_job(columns), Withdrawn(), self._rules)[0])
            return len(rows)

        return await self._write(write)

    async def close(self) -> None:
        """Close the database; a later call opens it again. Closing twice is harmless."""
        self._file.close()

    async def _tell(self, lease: Lease, fact: Fact, result: str = "") -> Effect:
        """Have the rules decide what a fact does to a task, and store that with its result."""
        query = f"SELECT {_JOB} FROM jobs WHERE batch = ? AND key = ?"  # noqa: S608 - our own words

        def write(connection: sqlite3.Connection) -> Effect:
            number = _number(connection, lease.batch)
            place, _, _, *columns = connection.execute(query, (number, lease.task.key)).fetchone()
            job, effect = step(_job(columns), fact, self._rules)
            if effect is not Effect.LATE:
                _store(connection, number, place, job, result if effect is Effect.WRITE else "")
            return effect

        return await self._write(write)

    async def _read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        return await self._threads.run(self._file.read, work)

    async def _write(self, work: Callable[[sqlite3.Connection], _T], *, durable: bool = True) -> _T:
        return await self._threads.run(self._file.write, work, durable=durable)


def _number(connection: sqlite3.Connection, batch: str) -> int | None:
    row = connection.execute("SELECT seq FROM batches WHERE id = ?", (batch,)).fetchone()
    return None if row is None else int(row[0])


def _job(columns: Sequence[Any]) -> Job:
    state, *others = columns
    return Job(State(state), *others)


def _columns(job: Job) -> tuple[Any, ...]:
    return job.state.value, job.lease, job.until, job.lasts, job.tries, job.reason


def _store(connection: sqlite3.Connection, batch: int | None, place: int, job: Job, result: str = "") -> None:
    connection.execute(
        """UPDATE jobs SET state = ?, lease = ?, until = ?, lasts = ?, tries = ?, reason = ?, result = ?
           WHERE batch = ? AND place = ?""",
        (*_columns(job), result, batch, place),
    )
