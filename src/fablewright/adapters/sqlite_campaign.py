"""Campaigns in one SQLite file: their logs, and the scenes that were asked for last.

Several processes may write at once (WAL, one transaction a call). A call that has returned has its data on the disk:
``synchronous = FULL``, for what a table has played cannot be read again from anywhere, and a write happens once in
minutes. A kept scene can be asked for again, and need not wait for the disk. Nothing is ever deleted but old scenes,
and a file that is damaged or of a newer version is left as it is: the error says so, and nothing is remembered until
somebody has seen to it.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_file import SqliteFile
from fablewright.errors import InvalidInput
from fablewright.gm.campaign.archive import Archive, ArchivedCampaign, LogRow
from fablewright.gm.campaign.events import Event
from fablewright.gm.campaign.ports import KEPT_KEYS, KEPT_SCENES, StoredScene
from fablewright.gm.campaign.stored_fact import fact_stored, stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["SqliteCampaigns"]

_APPLICATION_ID = 0x46616243  # "FabC", in the header of the file: this database is ours
_MIGRATIONS = (
    """
    CREATE TABLE campaigns (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE chosen (notes TEXT PRIMARY KEY, campaign INTEGER NOT NULL REFERENCES campaigns) WITHOUT ROWID;
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, campaign INTEGER NOT NULL REFERENCES campaigns,
        id TEXT NOT NULL, day TEXT NOT NULL, after TEXT NOT NULL, fact TEXT NOT NULL, UNIQUE (campaign, id)
    );
    CREATE TABLE scenes (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, campaign INTEGER NOT NULL REFERENCES campaigns,
        title TEXT NOT NULL, day TEXT NOT NULL, data TEXT NOT NULL
    );
    CREATE INDEX scenes_of_campaign ON scenes (campaign, seq);
    """,
    "ALTER TABLE scenes ADD COLUMN key TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE scene_keys (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE);
    INSERT OR IGNORE INTO scene_keys (key) SELECT key FROM scenes WHERE key != '' ORDER BY seq;
    """,
)
"""Step by step from one version of the schema to the next; a step that was released is never changed."""


class SqliteCampaigns:
    """A :class:`~fablewright.gm.campaign.ports.StateStore` in one file, safe to use from threads and processes.

    The file is opened, and made where there is none, by the first call.

    Args:
        path: Where the database is or shall be; missing folders are made.
        busy_timeout: Seconds to wait for another process that is writing.
    """

    def __init__(self, path: Path | str, *, busy_timeout: float = 5.0) -> None:
        self._file = SqliteFile(
            path,
            application_id=_APPLICATION_ID,
            migrations=_MIGRATIONS,
            what="the campaign log",
            busy_timeout=busy_timeout,
        )

    @property
    def path(self) -> Path:
        """Where the database is."""
        return self._file.path

    def campaigns(self) -> dict[str, int]:
        """Return how many events each campaign has, by its name, in the order in which they were begun."""
        query = """SELECT name, count(events.seq) FROM campaigns LEFT JOIN events ON campaign = campaigns.id
                   GROUP BY campaigns.id ORDER BY campaigns.id"""
        return self._file.read(lambda connection: dict(connection.execute(query).fetchall()))

    def begin(self, campaign: str) -> bool:
        """Begin a campaign; return False if there is one of that name already."""
        query = "INSERT OR IGNORE INTO campaigns (name) VALUES (?)"
        return bool(self._file.write(lambda connection: connection.execute(query, (campaign,)).rowcount))

    def chosen(self, notes: str) -> str:
        """Return which campaign is played with some notes; empty before one was chosen."""
        query = "SELECT name FROM chosen JOIN campaigns ON campaigns.id = campaign WHERE notes = ?"
        row = self._file.read(lambda connection: connection.execute(query, (notes,)).fetchone())
        return str(row[0]) if row else ""

    def choose(self, notes: str, campaign: str) -> None:
        """Remember which campaign is played with some notes."""
        query = "INSERT INTO chosen VALUES (?, ?) ON CONFLICT (notes) DO UPDATE SET campaign = excluded.campaign"
        self._file.write(lambda connection: connection.execute(query, (notes, _id_of(connection, campaign))))

    def choose_usual(self, notes: str, name: str) -> str:
        """Return which campaign is played with some notes; where none was chosen, begin one and choose it."""
        if chosen := self.chosen(notes):
            return chosen

        def write(connection: sqlite3.Connection) -> str:
            query = "SELECT name FROM chosen JOIN campaigns ON campaigns.id = campaign WHERE notes = ?"
            row = connection.execute(query, (notes,)).fetchone()  # another process may have been quicker
            if row:
                return str(row[0])
            names = (name if number == 1 else f"{name} {number}" for number in itertools.count(1))
            insert = "INSERT OR IGNORE INTO campaigns (name) VALUES (?)"
            begun = next(each for each in names if connection.execute(insert, (each,)).rowcount)
            connection.execute("INSERT INTO chosen VALUES (?, ?)", (notes, _id_of(connection, begun)))
            return begun

        return self._file.write(write)

    def version(self, campaign: str) -> int:
        """Return the number of the log's latest event: it only grows."""
        query = "SELECT max(seq) FROM events JOIN campaigns ON campaigns.id = campaign WHERE name = ?"
        return int(self._file.read(lambda connection: connection.execute(query, (campaign,)).fetchone()[0]) or 0)

    def events(self, campaign: str) -> tuple[Event, ...]:
        """Return a campaign's log as it grew."""
        query = """SELECT events.id, day, fact, after FROM events JOIN campaigns ON campaigns.id = campaign
                   WHERE name = ? ORDER BY seq"""
        rows = self._file.read(lambda connection: connection.execute(query, (campaign,)).fetchall())
        return tuple(Event(name, day, fact_stored(data), after) for name, day, data, after in rows)

    def append(self, campaign: str, events: Sequence[Event]) -> int:
        """Put events at the end of a log, all or none; return how many were new."""
        query = "INSERT OR IGNORE INTO events (campaign, id, day, after, fact) VALUES (?, ?, ?, ?, ?)"

        def write(connection: sqlite3.Connection) -> int:
            number = _id_of(connection, campaign)
            rows = [(number, each.id, each.on, each.after, stored(each.fact)) for each in events]
            return sum(connection.execute(query, row).rowcount for row in rows)

        return self._file.write(write)

    def keep_scene(self, campaign: str, scene: StoredScene) -> None:
        """Keep a scene that was asked for, unless one was kept under its key before; see the port."""

        def write(connection: sqlite3.Connection) -> None:
            number = _id_of(connection, campaign)
            if scene.key and not _is_first(connection, scene.key):
                return
            row = (number, scene.title, scene.on, scene.data, scene.key)
            connection.execute("INSERT INTO scenes (campaign, title, day, data, key) VALUES (?, ?, ?, ?, ?)", row)
            connection.execute(
                """DELETE FROM scenes WHERE campaign = ? AND seq <= (
                       SELECT seq FROM scenes WHERE campaign = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)""",
                (number, number, KEPT_SCENES),
            )

        self._file.write(write, durable=False)

    def scenes(self, campaign: str) -> tuple[StoredScene, ...]:
        """Return the scenes that are kept, the latest first."""
        query = """SELECT title, day, data, key FROM scenes JOIN campaigns ON campaigns.id = campaign
                   WHERE name = ? ORDER BY seq DESC"""
        rows = self._file.read(lambda connection: connection.execute(query, (campaign,)).fetchall())
        return tuple(StoredScene(*row) for row in rows)

    def last_scene(self, campaign: str) -> StoredScene | None:
        """Return the scene that was asked for last."""
        query = """SELECT title, day, data, key FROM scenes JOIN campaigns ON campaigns.id = campaign
                   WHERE name = ? ORDER BY seq DESC LIMIT 1"""
        row = self._file.read(lambda connection: connection.execute(query, (campaign,)).fetchone())
        return StoredScene(*row) if row else None

    def archive(self) -> Archive:
        """Return everything that is stored, as it is in one moment."""

        def read(connection: sqlite3.Connection) -> Archive:
            choices = connection.execute(
                "SELECT notes, name FROM chosen JOIN campaigns ON campaigns.id = campaign ORDER BY notes"
            ).fetchall()
            campaigns = connection.execute("SELECT id, name FROM campaigns ORDER BY id").fetchall()
            return Archive(tuple(_archived(connection, *row) for row in campaigns), tuple(sorted(choices)))

        return self._file.read(read)

    def restore(self, archive: Archive, *, force: bool = False) -> None:
        """Store everything that an archive holds, or nothing; see the port."""

        def write(connection: sqlite3.Connection) -> None:
            if not force and connection.execute("SELECT 1 FROM campaigns").fetchone():
                raise InvalidInput(f"There are campaigns in {self.path} already; --force replaces them all.")
            for table in ("chosen", "events", "scenes", "scene_keys", "campaigns"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            for campaign in archive.campaigns:
                _put_back(connection, campaign)
            rows = ((notes, _id_of(connection, name)) for notes, name in archive.choices)
            connection.executemany("INSERT INTO chosen VALUES (?, ?)", rows)

        self._file.write(write)

    def close(self) -> None:
        """Close the database; a later call opens it again. Closing twice is harmless."""
        self._file.close()


def _id_of(connection: sqlite3.Connection, campaign: str) -> int:
    """Return a campaign's number; one that is not there yet is begun."""
    connection.execute("INSERT OR IGNORE INTO campaigns (name) VALUES (?)", (campaign,))
    return int(connection.execute("SELECT id FROM campaigns WHERE name = ?", (campaign,)).fetchone()[0])


def _is_first(connection: sqlite3.Connection, key: str) -> bool:
    """Note the key of a scene that is about to be kept; return False if it was there already.

    Also if it stands beside a scene alone: a process of an older release may be writing as well.
    """
    beside = connection.execute("SELECT 1 FROM scenes WHERE key = ?", (key,)).fetchone()
    noted = connection.execute("INSERT OR IGNORE INTO scene_keys (key) VALUES (?)", (key,))
    connection.execute("DELETE FROM scene_keys WHERE seq <= (SELECT max(seq) FROM scene_keys) - ?", (KEPT_KEYS,))
    return bool(noted.rowcount) and beside is None


def _archived(connection: sqlite3.Connection, number: int, name: str) -> ArchivedCampaign:
    log = connection.execute("SELECT id, day, after, fact FROM events WHERE campaign = ? ORDER BY seq", (number,))
    scenes = connection.execute("SELECT title, day, data FROM scenes WHERE campaign = ? ORDER BY seq", (number,))
    return ArchivedCampaign(name, tuple(LogRow(*row) for row in log), tuple(StoredScene(*row) for row in scenes))


def _put_back(connection: sqlite3.Connection, campaign: ArchivedCampaign) -> None:
    number = _id_of(connection, campaign.name)
    connection.executemany(
        "INSERT INTO events (campaign, id, day, after, fact) VALUES (?, ?, ?, ?, ?)",
        [(number, row.id, row.day, row.after, row.fact) for row in campaign.log],
    )
    connection.executemany(
        "INSERT INTO scenes (campaign, title, day, data) VALUES (?, ?, ?, ?)",
        [(number, scene.title, scene.on, scene.data) for scene in campaign.scenes],
    )
