"""All that an owner has in a PostgreSQL database, campaigns and indexes together: brought up to date, or taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from fablewright.adapters.postgres_database import connected, driver, failure, place_of
from fablewright.adapters.postgres_migrations.migrate import HEADS, Place, downgrade, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

__all__ = ["SchemaStep", "bring_up_to_date", "take_away"]

_T = TypeVar("_T")

_PATIENCE = 10.0
"""Seconds for connecting."""


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """What was done to a schema: the revision of its tables before and after; empty where there were none."""

    schema: str
    what: str
    before: str
    after: str


def bring_up_to_date(url: str, owner: str, notes: str = "") -> tuple[SchemaStep, ...]:
    """Make or change the tables of an owner's campaigns and of every index there, and of that of some notes.

    Raises:
        ConfigurationError: The user has not the rights, or a newer release was there before.
        FablewrightError: The server cannot be reached.
        MissingExtra: psycopg or Alembic is not installed.
    """
    wanted = [place_of("campaigns", owner)] + ([place_of("index", owner, notes)] if notes else [])
    places = dict.fromkeys((*wanted, *_indexes(url, owner)))
    return tuple(_done(url, place, upgrade, HEADS[place.what]) for place in places)


def take_away(url: str, owner: str) -> tuple[SchemaStep, ...]:
    """Take all of an owner's tables away, with all that is in them.

    Raises:
        As ``bring_up_to_date``.
    """
    places = [place_of("campaigns", owner), *_indexes(url, owner)]
    there = _asked(url, places[0], lambda db: [place for place in places if place.is_there(db)])
    return tuple(_done(url, place, downgrade, "") for place in there)


def _indexes(url: str, owner: str) -> list[Place]:
    """Return where an owner has indexes, whatever release has made them."""
    campaigns = place_of("campaigns", owner)
    begin = place_of("index", owner).schema
    query = """SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)
               AND EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = pg_namespace.oid AND relname = 'passages')
               ORDER BY nspname"""
    rows = _asked(url, campaigns, lambda db: db.execute(query, (begin,)).fetchall())
    return [Place("index", str(name), campaigns.role) for (name,) in rows]


def _done(url: str, place: Place, act: Callable[[psycopg.Connection[Any], Place], None], after: str) -> SchemaStep:
    def work(db: psycopg.Connection[Any]) -> SchemaStep:
        before = ""
        if place.is_there(db):
            place.enter(db)
            before = place.revision(db)
            db.execute("RESET ROLE")
        act(db, place)
        return SchemaStep(place.schema, place.what, before, after)

    return _asked(url, place, work)


def _asked(url: str, place: Place, work: Callable[[psycopg.Connection[Any]], _T]) -> _T:
    try:
        with connected(url, _PATIENCE) as db:
            return work(db)
    except driver().Error as error:
        raise failure(error, place, _PATIENCE) from None  # its text may hold the URL
