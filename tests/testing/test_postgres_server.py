from __future__ import annotations

import sys
import threading
import time

import psycopg
import pytest

from fablewright.testing.postgres_server import PostgresServer

pytestmark = [
    pytest.mark.skipif(PostgresServer.programs() is None, reason="no PostgreSQL with pgvector"),
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]


def test_it_is_held_up_and_killed_with_all_its_processes_and_keeps_what_was_committed(slowness: float) -> None:
    with PostgresServer() as server:
        with psycopg.connect(server.url, autocommit=True) as session:
            session.execute("CREATE TABLE notes (text TEXT)")
            server.pause()
            went_on = threading.Timer(0.3, server.resume)
            began = time.monotonic()
            went_on.start()
            session.execute("INSERT INTO notes VALUES ('kept')")
            assert 0.25 < time.monotonic() - began < 2 * slowness
            went_on.join()
            session.execute("BEGIN")
            session.execute("INSERT INTO notes VALUES ('never committed')")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                session.execute("COMMIT")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.url, connect_timeout=2)
        server.start()
        with psycopg.connect(server.url) as session:
            assert session.execute("SELECT text FROM notes").fetchall() == [("kept",)]
            assert session.execute("SHOW fsync").fetchone() == ("on",)
        place = server._place
    assert not place.exists()
