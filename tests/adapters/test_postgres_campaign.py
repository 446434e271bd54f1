"""What only the database has: a server that goes away and comes back, owners, rights."""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.postgres_campaign import PostgresCampaigns
from fablewright.adapters.postgres_index import PostgresIndex
from fablewright.errors import ConfigurationError, FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.ports import StoredScene
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import psycopg

    from fablewright.testing.postgres_server import PostgresServer


def event(name: str) -> Event:
    return Event(name, "2026-11-27", Fact("note", name))


def an_owner() -> str:
    return f"o{uuid.uuid4().hex[:12]}"


@pytest.fixture
def admin(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    import psycopg  # noqa: PLC0415 - only where a server is

    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(postgres: str) -> Iterator[PostgresCampaigns]:
    store = PostgresCampaigns(postgres, owner=an_owner())
    yield store
    store.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_was_restarted_is_found_again(
    postgres_server: PostgresServer, store: PostgresCampaigns, how: signal.Signals
) -> None:
    index = PostgresIndex(postgres_server.url, uuid.uuid4().hex)
    index.replace("a.md", FileStamp(1, 1), [Passage("An owl.", "a.md", (), 0, 7)])
    store.append("Mine", [event("a")])
    postgres_server.stop(how)
    try:
        for _ in range(2):
            with pytest.raises(FablewrightError, match="cannot be reached"):
                store.events("Mine")
    finally:
        postgres_server.start()
    assert store.append("Mine", [event("b")]) == 1
    assert [each.id for each in store.events("Mine")] == ["a", "b"]
    assert index.count() == 1  # its connection lay idle, and was broken
    index.close()


def test_what_is_logged_while_the_server_starts_anew_waits_for_it(
    postgres_server: PostgresServer, store: PostgresCampaigns
) -> None:
    store.choose_usual("vault", "Mine")
    postgres_server.stop()
    starting = threading.Timer(0.5, postgres_server.start)
    starting.start()
    assert store.choose_usual("vault", "Mine") == "Mine"
    assert store.append("Mine", [event("a")]) == 1
    starting.join()
    postgres_server.stop()
    starting = threading.Timer(0.5, postgres_server.start)
    starting.start()
    assert store.append("Mine", [event("b")]) == 1
    starting.join()


def test_what_was_sent_when_the_server_went_away_is_there_once(
    store: PostgresCampaigns, admin: psycopg.Connection[Any]
) -> None:
    """Its connections are ended again and again, in the middle of whatever it does."""
    store.append("Mine", [event("first")])
    written: list[int] = []
    is_over = threading.Event()

    def write() -> None:
        written.extend(store.append("Mine", [event(f"e{n}"), event(f"e{n}-2")]) for n in range(50))
        is_over.set()

    writing = threading.Thread(target=write)
    writing.start()
    kill = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE application_name = 'fablewright' AND pid <> pg_backend_pid()"""
    ended = 0
    dice = random.Random(7)
    while not is_over.wait(dice.uniform(0.02, 0.1)) and writing.is_alive():
        ended += admin.execute(kill).rowcount
    writing.join()
    assert ended > 0
    assert written == [2] * 50
    expected = [f"e{n}{end}" for n in range(50) for end in ("", "-2")]
    assert [each.id for each in store.events("Mine")] == ["first", *expected]


def test_a_writer_that_was_stopped_in_its_turn_holds_nobody_up_for_long(
    store: PostgresCampaigns, postgres: str
) -> None:
    store.append("Mine", [event("a")])
    stopped = PostgresCampaigns(postgres, owner=store._db.place.role.removeprefix("fw_"), timeout=0.5)
    is_in, may_go = threading.Event(), threading.Event()

    def hang(db: psycopg.Connection[Any]) -> None:
        db.execute("INSERT INTO campaigns (name) VALUES ('half done')")
        is_in.set()
        may_go.wait(20)
        db.execute("SELECT 1")

    errors: list[Exception] = []

    def write() -> None:
        try:
            stopped._db.write(hang)
        except FablewrightError as error:
            errors.append(error)

    hanging = threading.Thread(target=write)
    hanging.start()
    assert is_in.wait(10)
    began = time.monotonic()
    assert store.append("Mine", [event("b")]) == 1
    assert time.monotonic() - began < 4.5  # its own patience has five seconds
    may_go.set()
    hanging.join()
    stopped.close()
    assert [str(each) for each in errors] == ["The connection to PostgreSQL broke; try again in a moment."]
    assert list(store.campaigns()) == ["Mine"]


def test_a_second_writer_waits_and_then_says_that_it_is_busy(
    store: PostgresCampaigns, postgres: str, admin: psycopg.Connection[Any]
) -> None:
    store.append("Mine", [event("a")])
    schema = store._db.place.schema
    hasty = PostgresCampaigns(postgres, owner=schema.removeprefix("fw_"), timeout=0.3)
    with admin.transaction():
        admin.execute(f"LOCK TABLE {schema}.campaigns IN SHARE ROW EXCLUSIVE MODE")  # type: ignore[arg-type]
        with pytest.raises(FablewrightError, match=r"another program is writing the campaigns|did not answer in"):
            hasty.append("Mine", [event("b")])
        assert len(hasty.events("Mine")) == 1  # reading goes on
    assert hasty.append("Mine", [event("b")]) == 1
    hasty.close()


# ---------------------------------------------------------------- owners


def test_owners_see_nothing_of_each_other(postgres: str, admin: psycopg.Connection[Any]) -> None:
    anna, ben = an_owner(), an_owner()
    of_anna, of_ben, of_nobody = (PostgresCampaigns(postgres, owner=each) for each in (anna, ben, ""))
    of_anna.append("Secret plans", [event("a")])
    of_anna.choose("vault", "Secret plans")
    of_anna.keep_scene("Secret plans", StoredScene("t", "d", "{}"))
    for other in (of_ben, of_nobody):
        assert "Secret plans" not in other.campaigns()
        assert other.events("Secret plans") == ()
        assert other.last_scene("Secret plans") is None
        assert other.chosen("vault") == ""
    assert of_ben.append("Secret plans", [event("a")]) == 1  # his own, of the same name
    assert of_anna.events("Secret plans") == (event("a"),)
    indexes = [PostgresIndex(postgres, "vault", owner=each) for each in (anna, ben)]
    indexes[0].replace("a.md", FileStamp(1, 1), [Passage("An owl.", "a.md", (), 0, 7)])
    assert indexes[1].stamps() == {}
    assert indexes[1].search("owl", limit=9, filters={}) == []
    for each in (of_anna, of_ben, of_nobody, *indexes):
        each.close()


@pytest.fixture(scope="module")
def two(postgres_server: PostgresServer) -> tuple[str, str, PostgresServer]:
    """Two owners whose users may be nobody but themselves, as an administrator sets them up."""
    import psycopg  # noqa: PLC0415 - only where a server is

    anna, ben = an_owner(), an_owner()
    with psycopg.connect(postgres_server.url, autocommit=True) as admin:
        for owner in (anna, ben):
            with contextlib.closing(PostgresCampaigns(postgres_server.url, owner=owner)) as store:
                store.begin("Tuesday")
            PostgresIndex(postgres_server.url, "vault", owner=owner).close()
            admin.execute(f"CREATE ROLE {owner} LOGIN")  # type: ignore[arg-type] # a name of ours
            admin.execute(f"GRANT fw_{owner} TO {owner}")  # type: ignore[arg-type] # as above
    return anna, ben, postgres_server


def test_a_user_with_rights_of_one_owner_works_without_any_others(two: tuple[str, str, PostgresServer]) -> None:
    anna, _, server = two
    store = PostgresCampaigns(server.url_of(anna), owner=anna)
    assert store.append("Tuesday", [event("a")]) == 1
    index = PostgresIndex(server.url_of(anna), "vault", owner=anna)
    index.replace("a.md", FileStamp(1, 1), [Passage("An owl.", "a.md", (), 0, 7)])
    assert index.count() == 1
    store.close()
    index.close()


def test_a_user_cannot_be_another_owner(two: tuple[str, str, PostgresServer]) -> None:
    anna, ben, server = two
    with pytest.raises(ConfigurationError, match=f"does not let this user into the campaigns in the schema fw_{ben}"):
        PostgresCampaigns(server.url_of(anna), owner=ben).campaigns()
    with pytest.raises(ConfigurationError, match="does not let this user into the index"):
        PostgresIndex(server.url_of(anna), "vault", owner=ben)


@pytest.mark.parametrize(
    "attempt",
    [
        "SELECT * FROM fw_{ben}.campaigns",
        "SELECT * FROM fw_{ben}.events",
        "UPDATE fw_{ben}.events SET fact = ''",
        "DELETE FROM fw_{ben}.campaigns",
        "SELECT text FROM fw_{ben}__vault.passages",
        "SELECT numbers FROM fw_{ben}__vault.vectors",
        "DROP SCHEMA fw_{ben} CASCADE",
        "SET ROLE fw_{ben}",
        "ALTER TABLE fw_{ben}.events DISABLE TRIGGER ALL",
        "CREATE TABLE fw_{ben}.mine (x int)",
        "COPY fw_{ben}.events TO STDOUT",
        "GRANT fw_{ben} TO CURRENT_USER",
        "LOCK TABLE fw_{ben}.campaigns",
    ],
)
def test_by_no_statement_does_a_user_get_at_anothers(two: tuple[str, str, PostgresServer], attempt: str) -> None:
    import psycopg  # noqa: PLC0415 - only where a server is

    anna, ben, server = two
    with psycopg.connect(server.url_of(anna), autocommit=True) as connection:
        for role in (None, f"fw_{anna}"):
            if role:
                connection.execute(f"SET ROLE {role}")  # type: ignore[arg-type] # a name of ours
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(attempt.format(ben=ben))  # type: ignore[arg-type] # as above


def test_the_program_itself_cannot_touch_anothers_though_its_user_might(postgres: str) -> None:
    """With one user for all owners, each connection has become its owner before it reads a row."""
    anna, ben = an_owner(), an_owner()
    of_ben = PostgresCampaigns(postgres, owner=ben)
    of_ben.begin("Mine")
    of_anna = PostgresCampaigns(postgres, owner=anna)
    attempt = f"SELECT * FROM fw_{ben}.campaigns"  # noqa: S608 - a name of ours
    with pytest.raises(FablewrightError, match="does not let this user"):
        of_anna._db.read(lambda db: db.execute(attempt).fetchall())
    assert of_anna.campaigns() == {}
    assert of_ben.campaigns() == {"Mine": 0}
    for each in (of_anna, of_ben):
        each.close()


def test_a_schema_that_somebody_else_has_made_is_no_trap(postgres: str, admin: psycopg.Connection[Any]) -> None:
    anna = an_owner()
    admin.execute(f"CREATE SCHEMA fw_{anna}")  # type: ignore[arg-type] # a name of ours
    admin.execute(f"CREATE TABLE fw_{anna}.campaigns (name text)")  # type: ignore[arg-type] # as above
    with pytest.raises(ConfigurationError, match=f"fw_{anna} does not belong to fw_{anna}; nothing is done"):
        PostgresCampaigns(postgres, owner=anna).begin("Mine")


def test_a_user_who_may_make_no_role_is_told_what_to_ask_for(
    postgres_server: PostgresServer, admin: psycopg.Connection[Any]
) -> None:
    user, owner = an_owner(), an_owner()
    admin.execute(f"CREATE ROLE {user} LOGIN")  # type: ignore[arg-type] # a name of ours
    with pytest.raises(ConfigurationError, match=f"run: CREATE ROLE fw_{owner}; GRANT fw_{owner} TO {user};"):
        PostgresCampaigns(postgres_server.url_of(user), owner=owner).campaigns()


def test_a_user_need_not_be_an_administrator_to_set_up_owners(
    postgres_server: PostgresServer, admin: psycopg.Connection[Any]
) -> None:
    user, owner = an_owner(), an_owner()
    admin.execute(f"CREATE ROLE {user} LOGIN CREATEROLE")  # type: ignore[arg-type] # a name of ours
    admin.execute(f"GRANT CREATE ON DATABASE postgres TO {user}")  # type: ignore[arg-type] # as above
    store = PostgresCampaigns(postgres_server.url_of(user), owner=owner)
    assert store.append("Mine", [event("a")]) == 1
    store.close()


@pytest.mark.parametrize("owner", ["x; DROP SCHEMA public", "a__b", "a" * 21, "A"])
def test_an_owners_name_that_could_be_mistaken_is_refused(postgres: str, owner: str) -> None:
    with pytest.raises(InvalidInput, match="small letters, digits and single _"):
        PostgresCampaigns(postgres, owner=owner)


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("url", "kind", "said"),
    [
        ("postgresql://gm:open-sesame@127.0.0.1:9/x", FablewrightError, "cannot be reached"),
        ("no url: open-sesame", ConfigurationError, "postgresql://USER@HOST/DATABASE"),
    ],
)
def test_a_server_that_is_not_there_is_said_without_the_password(
    url: str, kind: type[FablewrightError], said: str
) -> None:
    store = PostgresCampaigns(url, timeout=2)
    with pytest.raises(kind, match=said) as caught:
        store.campaigns()
    assert "sesame" not in f"{store!r} {caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("module", ["psycopg", "alembic"])
def test_without_what_the_extra_brings_the_command_is_said(
    postgres: str, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"run: pip install 'fablewright\[postgres\]'"):
        PostgresCampaigns(postgres, owner=an_owner()).campaigns()
