"""Who is not let in is told why, and what to do about it; never with a password."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import pytest

from fablewright.adapters.postgres_database import PostgresDatabase, place_of
from fablewright.adapters.postgres_refusal import refusal_of
from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.testing.postgres_server import PostgresServer

PLACE = place_of("campaigns", "")
_RULES = """\
host all wants_password all scram-sha-256
hostnossl all wants_tls all reject
"""
_MADE: tuple[LiteralString, ...] = (
    "CREATE ROLE wants_password LOGIN PASSWORD 'open-sesame'",
    "CREATE ROLE wants_tls LOGIN",
    "CREATE ROLE no_login",
)


def told(url: str, *, patient: bool = False, timeout: float = 2.0) -> FablewrightError:
    database = PostgresDatabase(url, PLACE, timeout=timeout)
    with pytest.raises(FablewrightError) as caught:
        database.read(lambda connection: connection.execute("SELECT 1"), patient=patient)
    database.close()
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


@pytest.fixture(scope="module")
def strict(postgres_server: PostgresServer) -> Iterator[str]:
    """A server that is strict with some users: ``HOST:PORT``."""
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        row = connection.execute("SHOW hba_file").fetchone()
        assert row is not None
        rules = Path(row[0])
        before = rules.read_text("utf-8")
        for statement in _MADE:
            connection.execute(statement)
        rules.write_text(_RULES + before, "utf-8")
        connection.execute("SELECT pg_reload_conf()")
        place = f"127.0.0.1:{postgres_server.port}"
        give_up = time.monotonic() + 20
        while True:  # it reads its rules again in a moment
            try:
                psycopg.connect(f"postgresql://wants_tls@{place}/postgres").close()
            except psycopg.OperationalError:
                break
            assert time.monotonic() < give_up
            time.sleep(0.02)
        yield place
        rules.write_text(before, "utf-8")
        connection.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("wants_password:no-open-sesame@{place}/postgres", "does not take this user's password"),
        ("wants_password@{place}/postgres", "wants a password, and the URL has none"),
        ("open-sesame@{place}/postgres", "knows no such user"),
        ("no_login@{place}/postgres", "or none who may log in"),
        ("gm@{place}/open-sesame", "no such database as the URL names; `createdb NAME` makes one"),
        ("gm@{place}/postgres?sslmode=require", "demands TLS"),
        ("wants_tls@{place}/postgres", r"without TLS.*sslmode=require"),
    ],
)
def test_who_is_not_let_in_is_told_why_and_at_once(strict: str, url: str, said: str) -> None:
    began = time.monotonic()
    error = told("postgresql://" + url.format(place=strict), patient=True, timeout=20.0)
    assert isinstance(error, ConfigurationError)
    assert time.monotonic() - began < 10  # patience is for a server that is away
    assert re.search(said, str(error))


def test_a_server_that_is_not_there_is_told_from_one_that_does_not_answer() -> None:
    pytest.importorskip("psycopg")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        assert "does not answer" in str(told(f"postgresql://gm:open-sesame@{place}/x"))
    assert "nothing listens where the URL says. Start it" in str(told(f"postgresql://gm:open-sesame@{place}/x"))
    nowhere = told("postgresql://gm:open-sesame@nowhere.invalid/x")
    assert "nobody knows the host" in str(nowhere)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("FATAL:  the database system is starting up", "just starting"),
        ("FATAL:  sorry, too many clients already", "max_connections"),
        (
            'FATAL:  no pg_hba.conf entry for host "::1", user "gm", database "x", SSL encryption',
            "from this machine; h",
        ),
        ('FATAL:  Peer authentication failed for user "gm"', "from the account of the same name"),
        ('FATAL:  permission denied for database "x"', "GRANT CONNECT ON DATABASE"),
        ('on socket "/run/.s.PGSQL.5432" failed: No such file or directory', "nothing listens"),
        ('could not open certificate file "/x.crt": No such file or directory', "is the URL right?"),
        ("SSL error: unexpected eof while reading", "is the URL right?"),
        ("something that nobody has seen yet", "cannot be reached, or refuses"),
        ('on "::1" failed: Connection refused on "127.0.0.1" failed: FATAL:  database "x" does not exist', "createdb"),
    ],
)
def test_the_first_word_that_tells_most_counts(words: str, said: str) -> None:
    assert said in str(refusal_of(words))


@pytest.mark.parametrize(
    "words",
    [
        "SSL error: unexpected eof while reading",  # a server that is killed during the handshake
        'on "127.0.0.1", port 5432 failed: SSL error: unexpected eof while reading on "::1" failed: Connection refused',
        "FATAL:  the database system is shutting down",
        "FATAL:  sorry, too many clients already",
    ],
)
def test_what_may_be_over_in_a_moment_is_tried_again(words: str) -> None:
    assert not isinstance(refusal_of(words), ConfigurationError)
