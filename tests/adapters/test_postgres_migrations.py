"""Tables come and go with what is in them, and those of earlier releases are taken over as they are."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters import postgres_migrations
from fablewright.adapters.postgres_campaign import PostgresCampaigns
from fablewright.adapters.postgres_database import place_of
from fablewright.adapters.postgres_index import PostgresIndex
from fablewright.adapters.postgres_migrations.migrate import HEADS
from fablewright.adapters.postgres_state import SchemaStep, bring_up_to_date, take_away
from fablewright.errors import ConfigurationError
from fablewright.gm.campaign.archive import Archive
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.reading.chunks import RULES_VERSION
from fablewright.gm.reading.embedded_text import embedded_text, key_of, vector_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

OWL = Passage("An owl.", "a.md", ("Birds",), 0, 7)
KEY = key_of(embedded_text(OWL.heading, OWL.text))


def an_owner() -> str:
    return f"o{uuid.uuid4().hex[:12]}"


@pytest.fixture
def admin(postgres: str) -> Iterator[Any]:
    import psycopg  # noqa: PLC0415 - only where a server is

    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


def tables(admin: psycopg.Connection[Any], schema: str) -> dict[str, list[tuple[str, str, bool]]]:
    """What stands in a schema: of each table or index its columns."""
    rows = admin.execute(
        """SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute
           JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = to_regnamespace(%s) AND attnum > 0
           ORDER BY relname, attnum""",
        (schema,),
    ).fetchall()
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for name, *column in rows:
        found.setdefault(name, []).append(tuple(column))
    return found


def filled(postgres: str, owner: str, notes: str) -> None:
    with contextlib.closing(PostgresCampaigns(postgres, owner=owner)) as store:
        store.append("Mine", [Event("a", "2026-11-27", Fact("note", "x"))])
        store.choose("vault", "Mine")
    with contextlib.closing(PostgresIndex(postgres, notes, owner=owner)) as index:
        index.replace("a.md", FileStamp(1, 1), [OWL])
        index.store("m", {KEY: vector_of([1, 2]), key_of("gone"): vector_of([2, 1])})


def test_the_latest_steps_are_those_of_the_files() -> None:
    from alembic.config import Config  # noqa: PLC0415 - slow to import
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(postgres_migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert {line: script.get_revision(f"{line}@head").revision for line in HEADS} == HEADS
    assert set(script.get_heads()) == set(HEADS.values())


@pytest.mark.parametrize("owner", ["", "named"])
def test_from_nothing_to_the_latest_and_back_to_nothing(
    postgres: str, admin: psycopg.Connection[Any], owner: str
) -> None:
    owner = owner and an_owner()
    notes = f"vault-{uuid.uuid4().hex[:16]}"
    campaigns, index = place_of("campaigns", owner), place_of("index", owner, notes)
    if not owner:
        take_away(postgres, "")  # what other tests have left
    made = bring_up_to_date(postgres, owner, notes)
    assert made == (
        SchemaStep(campaigns.schema, "campaigns", "", "campaigns_3"),
        SchemaStep(index.schema, "index", "", "index_1"),
    )
    empty = [tables(admin, place.schema) for place in (campaigns, index)]
    filled(postgres, owner, notes)
    again = bring_up_to_date(postgres, owner)
    assert [(step.before, step.after) for step in again] == [("campaigns_3",) * 2, ("index_1",) * 2]
    gone = take_away(postgres, owner)
    assert [(step.schema, step.before, step.after) for step in gone] == [
        (campaigns.schema, "campaigns_3", ""),
        (index.schema, "index_1", ""),
    ]
    query = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s)"
    assert admin.execute(query, ([campaigns.schema, index.schema],)).fetchall() == []
    assert take_away(postgres, owner) == ()
    bring_up_to_date(postgres, owner, notes)
    assert [tables(admin, place.schema) for place in (campaigns, index)] == empty
    with contextlib.closing(PostgresCampaigns(postgres, owner=owner)) as store:
        assert store.archive() == Archive()
    take_away(postgres, owner)


BEFORE_MIGRATIONS = """
    CREATE TABLE meta (key text PRIMARY KEY, value bigint NOT NULL);
    CREATE TABLE files (
        id bigserial PRIMARY KEY, name bytea NOT NULL UNIQUE,
        size bigint NOT NULL, modified_ns bigint NOT NULL, sha256 text NOT NULL, refusal bytea NOT NULL
    );
    CREATE TABLE passages (
        id bigserial PRIMARY KEY, file_id bigint NOT NULL REFERENCES files ON DELETE CASCADE,
        place text NOT NULL, text bytea NOT NULL, key text NOT NULL, sort text NOT NULL, mentions text NOT NULL,
        words tsvector NOT NULL
    );
    CREATE INDEX passages_by_file ON passages (file_id, id);
    CREATE INDEX passages_by_key ON passages (key);
    CREATE INDEX passages_by_word ON passages USING gin (words) WITH (fastupdate = off);
    CREATE TABLE IF NOT EXISTS models (id serial PRIMARY KEY, name text NOT NULL UNIQUE, dimensions integer NOT NULL);
    CREATE TABLE IF NOT EXISTS vectors (
        model_id integer NOT NULL, key text NOT NULL, numbers halfvec NOT NULL, PRIMARY KEY (key, model_id)
    );
    CREATE TABLE names (
        key text NOT NULL, passage_id bigint NOT NULL REFERENCES passages ON DELETE CASCADE,
        strength integer NOT NULL, plain text NOT NULL, PRIMARY KEY (key, passage_id)
    );
    CREATE INDEX names_by_passage ON names (passage_id);
    CREATE TABLE pins (
        kind text NOT NULL, passage_id bigint NOT NULL REFERENCES passages ON DELETE CASCADE,
        place bigint NOT NULL, PRIMARY KEY (kind, passage_id)
    );
    CREATE INDEX pins_by_passage ON pins (passage_id);
"""
"""What the releases before migrations made by themselves; never to be changed."""


def as_before_migrations(postgres: str, admin: psycopg.Connection[Any], notes: str, layout: int) -> str:
    """Make an index with something in it as an earlier release left it; return its schema."""
    with contextlib.closing(PostgresIndex(postgres, f"{notes}-twin")) as twin:
        twin.replace("a.md", FileStamp(1, 1), [OWL])
        twin.store("m", {KEY: vector_of([1, 2])})
    schema, other = place_of("index", "", notes).schema, place_of("index", "", f"{notes}-twin").schema
    admin.execute(f"CREATE SCHEMA {schema}; SET search_path = {schema}, public; {BEFORE_MIGRATIONS}")  # type: ignore[arg-type]
    for table in ("files", "passages", "names", "pins", "models", "vectors"):
        admin.execute(f"INSERT INTO {schema}.{table} SELECT * FROM {other}.{table}")  # type: ignore[arg-type] # noqa: S608 - names of ours
    admin.execute("INSERT INTO meta VALUES ('schema', %s), ('version', 77)", (layout,))
    admin.execute("SET search_path = public")
    return schema


def test_what_an_earlier_release_made_is_taken_over_as_it_is(postgres: str, admin: psycopg.Connection[Any]) -> None:
    notes = f"vault-{uuid.uuid4().hex}"
    schema = as_before_migrations(postgres, admin, notes, 3000 + RULES_VERSION)
    steps = bring_up_to_date(postgres, "")
    assert SchemaStep(schema, "index", "", "index_1") in steps
    with contextlib.closing(PostgresIndex(postgres, notes)) as index:
        assert index.remark == ""
        assert index.version == 77
        assert list(index.stamps()) == ["a.md"]
        assert [found.text for found in index.search("owl", limit=1, filters={})] == ["An owl."]
        assert index.unembedded("m", limit=9) == {}
        assert index.nearest("m", vector_of([1, 2]), limit=1, filters={})[0].text == "An owl."
    made_now = tables(admin, place_of("index", "", f"{notes}-twin").schema)
    of_old = tables(admin, schema)
    hnsw = {name for name in made_now if name.startswith("nearest_")}
    assert of_old == {name: columns for name, columns in made_now.items() if name not in hnsw}


def test_what_a_much_earlier_release_made_keeps_its_vectors_and_nobody_elses_tables_are_touched(
    postgres: str, admin: psycopg.Connection[Any]
) -> None:
    notes = f"vault-{uuid.uuid4().hex}"
    schema = as_before_migrations(postgres, admin, notes, 2001)
    admin.execute(f"DROP TABLE {schema}.pins")  # type: ignore[arg-type] # it had none
    admin.execute("CREATE TABLE public.pins (theirs text); INSERT INTO public.pins VALUES ('kept')")
    admin.execute("CREATE TABLE public.alembic_version (version_num text); INSERT INTO alembic_version VALUES ('x')")
    try:
        with contextlib.closing(PostgresIndex(postgres, notes)) as index:
            assert index.count() == 0
            index.replace("b.md", FileStamp(1, 1), [OWL])
            assert index.unembedded("m", limit=9) == {}
        assert admin.execute("SELECT * FROM public.pins").fetchall() == [("kept",)]
        assert admin.execute("SELECT * FROM public.alembic_version").fetchall() == [("x",)]
    finally:
        admin.execute("DROP TABLE public.pins, public.alembic_version")


@pytest.mark.parametrize("step", ["campaigns_99", "ae1027a6acf"])
def test_what_a_newer_release_wrote_is_left_alone(postgres: str, admin: psycopg.Connection[Any], step: str) -> None:
    owner = an_owner()
    filled(postgres, owner, "vault")
    admin.execute(f"UPDATE fw_{owner}.alembic_version SET version_num = '{step}'")  # type: ignore[arg-type] # noqa: S608 - names of ours
    store = PostgresCampaigns(postgres, owner=owner)
    for attempt in (lambda: store.append("Mine", []), store.campaigns, lambda: bring_up_to_date(postgres, owner)):
        with pytest.raises(ConfigurationError, match="written by a newer Fablewright"):
            attempt()
    store.close()


def test_many_may_want_the_first_tables_at_once(postgres: str) -> None:
    owner = an_owner()
    stores = [PostgresCampaigns(postgres, owner=owner) for _ in range(4)]
    writing = [
        threading.Thread(target=each.append, args=("Mine", [Event(f"e{number}", "2026-11-27", Fact("note", "x"))]))
        for number, each in enumerate(stores)
    ]
    for each in writing:
        each.start()
    for each in writing:
        each.join()
    assert sorted(event.id for event in stores[0].events("Mine")) == ["e0", "e1", "e2", "e3"]
    for store in stores:
        store.close()


def test_nobody_imports_alembic_who_has_nothing_to_migrate(postgres: str) -> None:
    owner = an_owner()
    filled(postgres, owner, "vault")
    code = f"""
import sys
from fablewright.adapters.postgres_campaign import PostgresCampaigns
assert "psycopg" not in sys.modules
store = PostgresCampaigns({postgres!r}, owner={owner!r})
assert list(store.campaigns()) == ["Mine"]
store.close()
assert not {{"alembic", "sqlalchemy"}}.intersection(sys.modules)
"""
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
