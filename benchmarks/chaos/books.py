"""What is written down in the campaign's database, counted: of old scenes the database itself keeps only twenty.

What is written has a key, by which who asked for it knows it again: a scene its title, where the asker has given it
one, else what it says, and the key of its request; a note its words.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, Protocol

import psycopg

from fablewright.adapters.postgres_database import place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = [
    "Books",
    "PostgresBooks",
    "SqliteBooks",
    "key_of_kept",
    "key_of_late",
    "key_of_note",
    "key_of_scene",
    "keys",
    "title_of",
]

_TITLED = "Scene number "
_SCENES, _NOTES = "SELECT title, key, data FROM written", "SELECT fact FROM events"


class Books(Protocol):
    """Where a campaign is written down."""

    def open(self) -> None:
        """Have all counted that is put among the kept scenes from now on."""
        ...

    def read(self) -> Counter[str]:
        """Return how often what was written down, by its key."""
        ...


class SqliteBooks:
    """Those of a campaign in a file.

    Args:
        database: Where it is; the agents have made it.
    """

    def __init__(self, database: Path) -> None:
        self._database = database

    def open(self) -> None:
        """Add a table and a trigger."""
        with closing(sqlite3.connect(self._database)) as connection, connection:
            connection.executescript(
                """
                CREATE TABLE written (title TEXT, key TEXT, data TEXT);
                CREATE TRIGGER writing AFTER INSERT ON scenes BEGIN
                    INSERT INTO written VALUES (
                        new.title, new.key, CASE WHEN new.title LIKE 'Scene number %' THEN '' ELSE new.data END
                    );
                END;
                """
            )

    def read(self) -> Counter[str]:
        """Return what the table has by now, and the notes of the log."""
        with closing(sqlite3.connect(self._database)) as connection:
            return keys(connection.execute(_SCENES), connection.execute(_NOTES))


class PostgresBooks:
    """Those of a campaign in PostgreSQL.

    Args:
        url: Where it is; the agents have made the tables.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def open(self) -> None:
        """Add a table and a trigger, which writes in the same transaction as the agents do."""
        with self._connected() as connection:
            connection.execute(
                """
                CREATE TABLE written (title TEXT, key TEXT, data TEXT);
                CREATE FUNCTION note_writing() RETURNS trigger LANGUAGE plpgsql AS $$
                DECLARE title TEXT = convert_from(new.title, 'UTF8');
                BEGIN
                    INSERT INTO written VALUES (
                        title,
                        new.key,
                        CASE WHEN title LIKE 'Scene number %' THEN '' ELSE convert_from(new.data, 'UTF8') END
                    );
                    RETURN new;
                END $$;
                CREATE TRIGGER writing AFTER INSERT ON scenes FOR EACH ROW EXECUTE FUNCTION note_writing();
                """
            )

    def read(self) -> Counter[str]:
        """Return what the table has by now, and the notes of the log."""
        with self._connected() as connection:
            return keys(connection.execute(_SCENES).fetchall(), connection.execute(_NOTES).fetchall())

    def _connected(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._url, options=f"-c search_path={place_of('campaigns', '').schema}")


def keys(scenes: Iterable[Any], facts: Iterable[Any]) -> Counter[str]:
    """Return the keys of rows: of scenes their titles, the keys of requests and data, of facts as they are stored."""
    found: Counter[str] = Counter()
    requests: Counter[str] = Counter()
    for title, key, data in scenes:
        found[key_of_kept(title, data, key)] += 1
        requests[f"what was asked under the key {key}"] += bool(key)
    notes = (json.loads(fact) for (fact,) in facts)
    found.update(key_of_note(note["text"]) for note in notes if note["text"].startswith(_TITLED))
    return found + Counter({key: count for key, count in requests.items() if count > 1})


def title_of(number: int) -> str:
    """Return what a scene is called."""
    return f"{_TITLED}{number}"


def key_of_late(number: int) -> str:
    """Return by what a scene is known that was accepted, and made by others later."""
    return f"the late scene {number}"


def key_of_note(words: str) -> str:
    """Return by what a note of the log is known."""
    return f"the note of {words}"


def key_of_kept(title: str, data: str, request: str) -> str:
    """Return by what a kept scene is known: two that say the same, in the same time, may be of two requests.

    Args:
        title: As of ``key_of_scene``.
        data: Likewise.
        request: The key of its request; empty where it has none.
    """
    known = key_of_scene(title, data)
    return f"{known}, asked under the key {request}" if request else known


def key_of_scene(title: str, data: str) -> str:
    """Return by what a scene is known to who asked for it.

    Args:
        title: What it is called.
        data: The answer as it is stored, or as a server sends it.
    """
    if title.startswith(_TITLED):
        return title
    answer: Mapping[str, Any] = json.loads(data)
    timings = answer["timings"]  # measured, so two answers that say the same are hardly ever of the same
    told = json.dumps([answer["scene"], timings["retrieve_ms"], timings["compose_ms"]], sort_keys=True)
    return f"the scene {title!r} ({hashlib.sha256(told.encode()).hexdigest()[:12]})"
