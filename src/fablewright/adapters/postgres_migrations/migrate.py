"""Makes schemas, and brings their tables up to date or takes them away; see ``versions`` for the steps.

Alembic, with the SQLAlchemy below it, takes a second to import: it is imported when there is something to do. It gets
a connection of psycopg that is there already, so no URL reaches it. All steps of a schema are one transaction; two
programs that want the same wait for each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fablewright.errors import ConfigurationError, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

__all__ = ["HEADS", "Place", "downgrade", "upgrade"]

HEADS = {"campaigns": "campaigns_3", "index": "index_1"}
"""The latest step of each line; kept here so that nobody imports Alembic to learn that nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Place:
    """A schema, and whom it belongs to.

    Attributes:
        what: What its tables hold.
        schema: Its name.
        role: The role of its owner; empty: the user who is connected.
    """

    what: Literal["campaigns", "index"]
    schema: str
    role: str

    def is_there(self, db: psycopg.Connection[Any]) -> bool:
        """Whether there are such a schema and such a role; anybody may ask."""
        query = """SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = %s)
                   AND (%s = '' OR EXISTS (SELECT 1 FROM pg_roles WHERE rolname = %s))"""
        row = db.execute(query, (self.schema, self.role, self.role)).fetchone()
        return bool(row and row[0])

    def enter(self, db: psycopg.Connection[Any]) -> None:
        """Become the owner, and see this schema's tables from now on.

        Raises:
            ConfigurationError: It is not the owner's: somebody has made a trap of that name.
        """
        if self.role:
            db.execute("SELECT set_config('role', %s, false)", (self.role,))
            query = "SELECT nspowner = %s::regrole FROM pg_namespace WHERE nspname = %s"
            row = db.execute(query, (self.role, self.schema)).fetchone()
            if row is None or not row[0]:
                raise ConfigurationError(f"The schema {self.schema} does not belong to {self.role}; nothing is done.")
        db.execute("SELECT set_config('search_path', %s, false)", (f"{self.schema}, public",))

    def revision(self, db: psycopg.Connection[Any]) -> str:
        """Return the latest step that was taken here; empty before the first.

        Raises:
            ConfigurationError: A newer release has brought the tables further than this one knows.
        """
        row = db.execute("SELECT to_regclass(%s)::text", (f"{self.schema}.alembic_version",)).fetchone()
        if row is None or row[0] is None:
            return ""
        found = db.execute("SELECT version_num FROM alembic_version").fetchone()
        revision = str(found[0]) if found else ""
        if revision and _number(revision) > _number(HEADS[self.what]):
            raise ConfigurationError(
                f"The {self.what} were written by a newer Fablewright: update this one to read them."
            )
        return revision


def upgrade(db: psycopg.Connection[Any], place: Place) -> None:
    """Make a schema and its owner's role where there is none, and bring its tables up to date.

    Args:
        db: A connection of its own, as the user of the URL; it is the owner's afterwards.
        place: Which.

    Raises:
        ConfigurationError: The user may not make the role, or the schema is somebody else's.
        MissingExtra: Alembic is not installed.
        psycopg.Error: PostgreSQL refuses.
    """
    _wait_for_others(db)
    if place.what == "index":
        db.execute("CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public")
    if place.role:
        _make_role(db, place.role)
    if not place.is_there(db):
        db.execute(f"CREATE SCHEMA {place.schema}" + (f" AUTHORIZATION {place.role}" if place.role else ""))
    place.enter(db)
    if place.revision(db) != HEADS[place.what]:
        _run(db, place, lambda command, config: command.upgrade(config, f"{place.what}@head"))


def downgrade(db: psycopg.Connection[Any], place: Place) -> None:
    """Take the tables away with all that is in them, and the schema.

    Raises:
        As ``upgrade``; also when somebody has put tables of another program there.
    """
    _wait_for_others(db)
    place.enter(db)
    if place.revision(db):
        _run(db, place, lambda command, config: command.downgrade(config, f"{place.what}@base"))
    db.execute("DROP TABLE IF EXISTS alembic_version")
    db.execute(f"DROP SCHEMA {place.schema}")


def _wait_for_others(db: psycopg.Connection[Any]) -> None:
    """Hold a lock until the connection is closed."""
    db.execute("SELECT set_config('statement_timeout', '600000', false), set_config('lock_timeout', '60000', false)")
    db.execute("SELECT pg_advisory_lock(hashtext('fablewright migrations'))")


def _make_role(db: psycopg.Connection[Any], role: str) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    if db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        return
    try:
        db.execute(f"CREATE ROLE {role} NOLOGIN")
        db.execute(f"GRANT {role} TO CURRENT_USER")
    except psycopg.errors.InsufficientPrivilege:
        said = f"This user of PostgreSQL may not make roles; have somebody run: CREATE ROLE {role}; GRANT {role} TO "
        raise ConfigurationError(f"{said}{db.info.user};") from None


def _run(db: psycopg.Connection[Any], place: Place, act: Callable[[Any, Any], None]) -> None:
    """Let Alembic act on a connection, in one transaction."""
    try:
        import sqlalchemy  # noqa: PLC0415 - slow, and an extra
        from alembic import command, config  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed; run: pip install 'fablewright[postgres]'") from error
    settings = config.Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: db, poolclass=sqlalchemy.StaticPool, use_native_hstore=False
    )
    db.autocommit = False  # as SQLAlchemy expects it
    try:
        with engine.begin() as connection:
            settings.attributes |= {"connection": connection, "schema": place.schema}
            act(command, settings)
    except sqlalchemy.exc.DBAPIError as error:
        raise (error.orig or error) from None
    finally:
        if not db.closed:
            db.autocommit = True


def _number(revision: str) -> float:
    """Return how far a step is along its line; one that is called otherwise is further than any of ours."""
    number = revision.rpartition("_")[2]
    return int(number) if number.isdecimal() else math.inf
