"""One schema of a PostgreSQL database: connections to it, transactions in it, and what went wrong, in words.

What is stored belongs to an owner, a game master. PostgreSQL keeps owners apart, not our queries: each has a role
(``fw_NAME``) and schemas that belong to it, and every connection becomes that role before it reads a row. Whoever logs
in with rights to one role cannot become another. Why schemas, and not rows with policies: PostgreSQL may not use an
index on words or vectors before the policy of a row has been asked (their operators are not "leakproof"), so every
search would read every owner's rows; and a schema is saved, moved and dropped as a whole.

Without an owner, what is stored belongs to the user of the URL, in the schemas that earlier releases made.

A server that was restarted is found again: a connection that broke while nobody used it costs nothing. One that breaks
in the middle of a change raises ``ConnectionBroke``, for then nobody knows whether the change was kept.

psycopg is LGPL: an extra, installed by whoever wants it, imported late and never shipped with us.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, LiteralString, TypeVar

from fablewright.adapters.postgres_migrations.migrate import HEADS, Place, upgrade
from fablewright.adapters.postgres_refusal import refusal_of
from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError, InvalidInput, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

__all__ = ["ConnectionBroke", "PostgresDatabase", "connected", "driver", "failure", "place_of"]

_T = TypeVar("_T")

_READ: LiteralString = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_WRITE: LiteralString = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
_TURN: dict[str, LiteralString] = {
    "campaigns": "LOCK TABLE campaigns IN SHARE ROW EXCLUSIVE MODE",
    "index": "LOCK TABLE meta IN SHARE ROW EXCLUSIVE MODE",
}
"""Whoever holds it is the only one who writes, and holds up no reader. An advisory lock would do, but anybody may take
that: another owner could hold this one up."""

_LONGEST_OWNER = 20
_OWNER = re.compile(r"([a-z](_?[a-z0-9])*)?")
_ENDED = (None, "25P03", "57P01", "57P02", "57P03")
"""What PostgreSQL calls the end of a session that waited too long, and its own; None: it said nothing any more."""


class ConnectionBroke(FablewrightError):
    """The connection broke in the middle of a change, which may have been kept or not."""


def place_of(what: Literal["campaigns", "index"], owner: str, notes: str = "") -> Place:
    """Return where an owner's campaigns are, or the index of some notes.

    An owner's name holds no double underscore, so that no owner with some notes is called as another with others.

    Raises:
        InvalidInput: That is no owner's name.
    """
    if len(owner) > _LONGEST_OWNER or not _OWNER.fullmatch(owner):
        raise InvalidInput(f"An owner is called in at most {_LONGEST_OWNER} small letters, digits and single _.")
    begin = f"fw_{owner}" if owner else "fablewright"
    if what == "index":
        room = 37 if owner else 50  # names in PostgreSQL have 63 signs; what tells notes apart stands at the end
        begin += ("__" if owner else "_") + re.sub(r"\W", "_", notes.lower(), flags=re.ASCII)[-room:]
    return Place(what, begin, f"fw_{owner}" if owner else "")


@dataclass(slots=True)
class _Borrowed:
    """A connection for one transaction; ``rested``: it lay idle before, and may have broken meanwhile."""

    connection: psycopg.Connection[Any]
    rested: bool


class PostgresDatabase:
    """One schema, safe to use from threads and processes; each thread that is at work has a connection.

    Args:
        url: ``postgresql://user:password@host:port/database``. The password is never shown.
        place: Which schema, of whom; it is made, or brought up to date, by the first transaction.
        timeout: Seconds for connecting, and for one statement.
    """

    def __init__(self, url: str, place: Place, *, timeout: float = 10.0) -> None:
        self.place = place
        self._url = url
        self._timeout = timeout
        self._lock = threading.Lock()  # guards the fields below
        self._idle: list[psycopg.Connection[Any]] = []
        self._closed = False
        self._is_ready = False

    def read(self, work: Callable[[psycopg.Connection[Any]], _T], *, patient: bool = False) -> _T:
        """Do some queries within one snapshot.

        Args:
            work: What to do.
            patient: Whether to wait for a server that is not there, as long as one statement may take.

        Raises:
            MissingExtra: psycopg is not installed.
            ConfigurationError: The server refuses, or has no pgvector.
            FablewrightError: The server cannot be reached.
        """
        return self._transaction(work, _READ, patient=patient)

    def write(self, work: Callable[[psycopg.Connection[Any]], _T], *, patient: bool = False) -> _T:
        """Change something, all or nothing. One writer at a time, in all processes: others wait for their turn.

        So the order in which rows are numbered is that in which they are seen.

        Args:
            work: What to do.
            patient: As for ``read``.

        Raises:
            ConnectionBroke: It is not known whether it was kept.
            FablewrightError: As for ``read``; or somebody else writes for too long.
        """
        return self._transaction(work, _WRITE, _TURN[self.place.what], patient=patient)

    def close(self) -> None:
        """Close the connections; what still runs ends by itself. Closing twice is harmless."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _transaction(
        self, work: Callable[[psycopg.Connection[Any]], _T], *begin: LiteralString, patient: bool = False
    ) -> _T:
        psycopg = driver()
        latest = time.monotonic() + (self._timeout if patient else 0.0)
        while True:
            borrowed, has_begun = None, False
            try:
                borrowed = self._borrow()
                if not borrowed.rested:
                    self._enter(borrowed.connection)
                with borrowed.connection.transaction():
                    for statement in begin:
                        borrowed.connection.execute(statement)
                    has_begun = True
                    result = work(borrowed.connection)
            except psycopg.Error as error:
                is_lost = _is_lost(psycopg, error, borrowed)
                _let_go(borrowed)
                if has_begun and is_lost:
                    raise ConnectionBroke("The connection to PostgreSQL broke; try again in a moment.") from None
                if is_lost and borrowed is not None and borrowed.rested:
                    continue  # with the next one, or a new one
                if is_lost and time.monotonic() < latest:
                    time.sleep(0.1)
                    continue
                raise failure(error, self.place, self._timeout) from None  # its text may hold the URL
            except BaseException:
                _let_go(borrowed)
                raise
            self._give_back(borrowed.connection)
            return result

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _borrow(self) -> _Borrowed:
        with self._lock:
            if self._closed:
                raise ContractViolation("the database is closed")
            while self._idle:
                connection = self._idle.pop()
                if not connection.closed:
                    return _Borrowed(connection, rested=True)
        return _Borrowed(connected(self._url, self._timeout), rested=False)

    def _enter(self, made: psycopg.Connection[Any]) -> None:
        """Become the owner's role, in its schema; make that, or bring it up to date, once for each process."""
        place = self.place
        if not self._is_ready and not place.is_there(made):
            self._upgrade()
        place.enter(made)
        if not self._is_ready and place.revision(made) != HEADS[place.what]:
            self._upgrade()
        self._is_ready = True

    def _upgrade(self) -> None:
        with connected(self._url, self._timeout) as as_user:
            upgrade(as_user, self.place)


def connected(url: str, timeout: float) -> psycopg.Connection[Any]:
    """Return a new connection, as the user of the URL, on which nothing waits for ever.

    A client that was stopped in the middle of a change gives its turn away; a network that swallows everything is
    noticed. What the URL itself says about that is kept.
    """
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - an extra

    milliseconds = f"{timeout * 1000:.0f}"
    patience = {
        "connect_timeout": math.ceil(timeout),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": milliseconds,
        "application_name": "fablewright",
    }
    said: dict[str, Any] = conninfo_to_dict(url)
    made: psycopg.Connection[Any] = driver().connect(**(patience | said), autocommit=True)
    bounds = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    made.execute("SELECT set_config(name, %s, false) FROM unnest(%s::text[]) AS name", (milliseconds, list(bounds)))
    return made


def failure(error: psycopg.Error, place: Place, timeout: float) -> FablewrightError:
    """Say what went wrong, without the URL and what is in it."""
    errors = driver().errors
    what = place.what
    if "vector" in str(error) and isinstance(error, (errors.FeatureNotSupported, errors.UndefinedFile)):
        said = "This PostgreSQL has no pgvector; install it there (on Debian: apt install postgresql-15-pgvector)"
        return ConfigurationError(said)
    if isinstance(error, errors.ProgrammingError) and error.sqlstate is None:
        return ConfigurationError("The URL of PostgreSQL cannot be read; it is postgresql://USER@HOST/DATABASE.")
    kinds: dict[type[Exception], FablewrightError] = {
        errors.InsufficientPrivilege: ConfigurationError(
            f"PostgreSQL does not let this user into the {what} in the schema {place.schema}, or make it. "
            "docs/how-to/state.md has the rights that are needed."
        ),
        errors.LockNotAvailable: FablewrightError(f"another program is writing the {what}; try again in a moment"),
        errors.QueryCanceled: FablewrightError(f"PostgreSQL did not answer in {timeout:g} s."),
        errors.OperationalError: refusal_of(str(error)),
    }
    other = FablewrightError(f"PostgreSQL cannot use the {what} ({type(error).__name__}).")
    return next((said for kind, said in kinds.items() if isinstance(error, kind)), other)


def driver() -> Any:  # noqa: ANN401 - the module, imported late
    """Return psycopg.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import psycopg  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra(f"{error.name} is not installed; run: pip install 'fablewright[postgres]'") from error
    return psycopg


def _is_lost(psycopg: Any, error: psycopg.Error, borrowed: _Borrowed | None) -> bool:  # noqa: ANN401 - as above
    """Whether the server is gone, or has ended the connection; it says so before it does so."""
    is_ended = isinstance(error, psycopg.OperationalError) and error.sqlstate in _ENDED
    is_ended = is_ended and not isinstance(refusal_of(str(error)), ConfigurationError)  # that no waiting mends
    return is_ended or (borrowed is not None and borrowed.connection.broken)


def _let_go(borrowed: _Borrowed | None) -> None:
    if borrowed is not None:
        with contextlib.suppress(Exception):
            borrowed.connection.close()  # whatever state it was in goes with it
