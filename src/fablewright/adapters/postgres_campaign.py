"""Campaigns in PostgreSQL: the same as in the file of ``sqlite_campaign``, for many processes on many machines.

An owner's campaigns have a schema and a role of their own (``postgres_database``). Writers take turns, so an event
that is numbered later is seen later: who has read a log up to some number has missed nothing before it.

Whether a change was kept when the connection broke at its end, nobody can know; so events are sent once more as soon
as the server is back. They are recognised by their ids, and none is there twice.
"""

from __future__ import annotations

import functools
import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fablewright.adapters.postgres_database import ConnectionBroke, PostgresDatabase, place_of
from fablewright.errors import InvalidInput
from fablewright.gm.campaign.archive import Archive, ArchivedCampaign, LogRow
from fablewright.gm.campaign.events import Event
from fablewright.gm.campaign.ports import KEPT_KEYS, KEPT_SCENES, StoredScene
from fablewright.gm.campaign.stored_fact import fact_stored, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

__all__ = ["PostgresCampaigns"]


class PostgresCampaigns:
    """A :class:`~fablewright.gm.campaign.archive.StateStore` in a PostgreSQL database; safe for threads and processes.

    The first call connects, and makes the tables where there are none.

    Args:
        url: ``postgresql://user:password@host:port/database``. The password is never shown.
        owner: Whose campaigns they are; empty: the user's.
        timeout: Seconds for connecting, and for one statement.
    """

    def __init__(self, url: str, *, owner: str = "", timeout: float = 5.0) -> None:
        self._timeout = timeout
        self._db = PostgresDatabase(url, place_of("campaigns", owner), timeout=timeout)

    def __repr__(self) -> str:
        return f"<PostgresCampaigns {self._db.place.schema}>"

    def campaigns(self) -> dict[str, int]:
        """Return how many events each campaign has, by its name, in the order in which they were begun."""
        query = """SELECT name, count(events.seq) FROM campaigns LEFT JOIN events ON campaign = campaigns.id
                   GROUP BY campaigns.id ORDER BY campaigns.id"""
        return dict(self._db.read(lambda db: db.execute(query).fetchall()))

    def begin(self, campaign: str) -> bool:
        """Begin a campaign; return False if there is one of that name already."""
        return self._db.write(lambda db: _begin(db, campaign))

    def chosen(self, notes: str) -> str:
        """Return which campaign is played with some notes; empty before one was chosen."""
        return self._db.read(lambda db: _chosen(db, notes))

    def choose(self, notes: str, campaign: str) -> None:
        """Remember which campaign is played with some notes."""
        query = "INSERT INTO chosen VALUES (%s, %s) ON CONFLICT (notes) DO UPDATE SET campaign = excluded.campaign"
        self._db.write(lambda db: db.execute(query, (notes, _id_of(db, campaign))))

    def choose_usual(self, notes: str, name: str) -> str:
        """Return which campaign is played with some notes; where none was chosen, begin one and choose it."""

        def write(db: psycopg.Connection[Any]) -> str:
            chosen = _chosen(db, notes)  # another process may have been quicker
            if chosen:
                return chosen
            names = (name if number == 1 else f"{name} {number}" for number in itertools.count(1))
            begun = next(each for each in names if _begin(db, each))
            db.execute("INSERT INTO chosen VALUES (%s, %s)", (notes, _id_of(db, begun)))
            return begun

        chosen = self._db.read(lambda db: _chosen(db, notes), patient=True)  # something is about to be written
        return chosen or self._db.write(write)

    def version(self, campaign: str) -> int:
        """Return the number of the log's latest event: it only grows."""
        query = "SELECT max(seq) FROM events JOIN campaigns ON campaigns.id = campaign WHERE name = %s"
        row = self._db.read(lambda db: db.execute(query, (campaign,)).fetchone())
        return int((row and row[0]) or 0)

    def events(self, campaign: str) -> tuple[Event, ...]:
        """Return a campaign's log as it grew."""
        query = """SELECT events.id, day, fact, after FROM events JOIN campaigns ON campaigns.id = campaign
                   WHERE name = %s ORDER BY seq"""
        rows = self._db.read(lambda db: db.execute(query, (campaign,)).fetchall())
        return tuple(Event(name, day, fact_stored(data), after) for name, day, data, after in rows)

    def append(self, campaign: str, events: Sequence[Event]) -> int:
        """Put events at the end of a log, all or none; return how many were new."""
        latest = time.monotonic() + self._timeout
        send = _append
        while True:
            try:
                return self._db.write(functools.partial(send, campaign=campaign, events=events), patient=True)
            except ConnectionBroke:
                if time.monotonic() > latest:
                    raise
                send = _append_again

    def keep_scene(self, campaign: str, scene: StoredScene) -> None:
        """Keep a scene that was asked for, unless one was kept under its key before; see the port."""

        def write(db: psycopg.Connection[Any]) -> None:
            number = _id_of(db, campaign)
            if scene.key and not _is_first(db, scene.key):
                return
            _insert_scenes(db, number, [scene])
            db.execute(
                """DELETE FROM scenes WHERE campaign = %s AND seq <= (
                       SELECT seq FROM scenes WHERE campaign = %s ORDER BY seq DESC LIMIT 1 OFFSET %s)""",
                (number, number, KEPT_SCENES),
            )

        self._db.write(write)

    def scenes(self, campaign: str) -> tuple[StoredScene, ...]:
        """Return the scenes that are kept, the latest first."""
        return self._db.read(lambda db: tuple(reversed(_scenes(db, campaign))))

    def last_scene(self, campaign: str) -> StoredScene | None:
        """Return the scene that was asked for last."""
        query = """SELECT title, day, data, key FROM scenes JOIN campaigns ON campaigns.id = campaign
                   WHERE name = %s ORDER BY seq DESC LIMIT 1"""
        row = self._db.read(lambda db: db.execute(query, (campaign,)).fetchone())
        return _scene(*row) if row else None

    def archive(self) -> Archive:
        """Return everything that is stored, as it is in one moment."""

        def read(db: psycopg.Connection[Any]) -> Archive:
            choices = db.execute("SELECT notes, name FROM chosen JOIN campaigns ON campaigns.id = campaign").fetchall()
            names = db.execute("SELECT name FROM campaigns ORDER BY id").fetchall()
            return Archive(tuple(_archived(db, name) for (name,) in names), tuple(sorted(choices)))

        return self._db.read(read)

    def restore(self, archive: Archive, *, force: bool = False) -> None:
        """Store everything that an archive holds, or nothing; see the port."""

        def write(db: psycopg.Connection[Any]) -> None:
            if not force and db.execute("SELECT 1 FROM campaigns LIMIT 1").fetchone():
                raise InvalidInput("There are campaigns in the database already; --force replaces them all.")
            db.execute("DELETE FROM campaigns")  # and what belongs to them
            db.execute("DELETE FROM scene_keys")
            for campaign in archive.campaigns:
                _put_back(db, campaign)
            for notes, name in archive.choices:
                db.execute("INSERT INTO chosen VALUES (%s, %s)", (notes, _id_of(db, name)))

        self._db.write(write)

    def close(self) -> None:
        """Close the connections. Closing twice is harmless."""
        self._db.close()


# ---------------------------------------------------------------- within a transaction


def _begin(db: psycopg.Connection[Any], campaign: str) -> bool:
    return bool(db.execute("INSERT INTO campaigns (name) VALUES (%s) ON CONFLICT DO NOTHING", (campaign,)).rowcount)


def _id_of(db: psycopg.Connection[Any], campaign: str) -> int:
    """Return a campaign's number; one that is not there yet is begun."""
    _begin(db, campaign)
    row = db.execute("SELECT id FROM campaigns WHERE name = %s", (campaign,)).fetchone()
    return int(row[0]) if row else 0


def _chosen(db: psycopg.Connection[Any], notes: str) -> str:
    query = "SELECT name FROM chosen JOIN campaigns ON campaigns.id = campaign WHERE notes = %s"
    row = db.execute(query, (notes,)).fetchone()
    return str(row[0]) if row else ""


def _append(db: psycopg.Connection[Any], campaign: str, events: Sequence[Event]) -> int:
    rows = [LogRow(each.id, each.on, each.after, stored(each.fact)) for each in events]
    return _insert_rows(db, _id_of(db, campaign), rows)


def _append_again(db: psycopg.Connection[Any], campaign: str, events: Sequence[Event]) -> int:
    """Append what was sent before, maybe with success; what is there as it was sent counts as new."""
    query = "SELECT id, day, after, fact FROM events WHERE campaign = %s AND id = ANY(%s)"
    found = db.execute(query, (_id_of(db, campaign), [each.id for each in events])).fetchall()
    sent = {(each.id, each.on, each.after, stored(each.fact)) for each in events}
    return _append(db, campaign, events) + len(sent.intersection(found))


def _insert_rows(db: psycopg.Connection[Any], number: int, rows: Sequence[LogRow]) -> int:
    """Put rows at the end of a log; return how many were new."""
    if not rows:
        return 0
    with db.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO events (campaign, id, day, after, fact) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT DO NOTHING""",
            [(number, row.id, row.day, row.after, row.fact) for row in rows],
        )
        return cursor.rowcount


def _is_first(db: psycopg.Connection[Any], key: str) -> bool:
    """Note the key of a scene that is about to be kept; return False if it was there already.

    Also if it stands beside a scene alone: a process of an older release may be writing as well.
    """
    beside = db.execute("SELECT 1 FROM scenes WHERE key = %s", (key,)).fetchone()
    noted = db.execute("INSERT INTO scene_keys (key) VALUES (%s) ON CONFLICT DO NOTHING", (key,))
    db.execute("DELETE FROM scene_keys WHERE seq <= (SELECT max(seq) FROM scene_keys) - %s", (KEPT_KEYS,))
    return bool(noted.rowcount) and beside is None


def _insert_scenes(db: psycopg.Connection[Any], number: int, scenes: Sequence[StoredScene]) -> None:
    with db.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO scenes (campaign, title, day, data, key) VALUES (%s, %s, %s, %s, %s)",
            [(number, _bytes(scene.title), scene.on, _bytes(scene.data), scene.key) for scene in scenes],
        )


def _scenes(db: psycopg.Connection[Any], campaign: str) -> list[StoredScene]:
    query = """SELECT title, day, data, key FROM scenes JOIN campaigns ON campaigns.id = campaign
               WHERE name = %s ORDER BY seq"""
    return [_scene(*row) for row in db.execute(query, (campaign,))]


def _archived(db: psycopg.Connection[Any], name: str) -> ArchivedCampaign:
    query = """SELECT events.id, day, after, fact FROM events JOIN campaigns ON campaigns.id = campaign
               WHERE name = %s ORDER BY seq"""
    log = tuple(LogRow(*row) for row in db.execute(query, (name,)))
    scenes = tuple(replace(scene, key="") for scene in _scenes(db, name))  # of use while it may come twice
    return ArchivedCampaign(name, log, scenes)


def _put_back(db: psycopg.Connection[Any], campaign: ArchivedCampaign) -> None:
    number = _id_of(db, campaign.name)
    _insert_rows(db, number, campaign.log)
    _insert_scenes(db, number, campaign.scenes)


def _scene(title: bytes, day: str, data: bytes, key: str) -> StoredScene:
    return StoredScene(_text(title), day, _text(data), key)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(raw: bytes) -> str:
    return bytes(raw).decode("utf-8", "surrogatepass")
