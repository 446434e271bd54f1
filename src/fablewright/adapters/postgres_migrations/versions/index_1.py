"""The index of some notes: passages with their words, the web of names, and vectors.

Releases before there were migrations made the same tables by themselves; those are taken over as they are. Older
ones are made anew, but for the vectors, which are expensive and the same: the notes are read again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "index_1"
down_revision = None
branch_labels = ("index",)
depends_on = None

_LAYOUT = 3
"""What earlier releases called these tables, in thousands of the row ``schema`` of ``meta``."""


def upgrade() -> None:
    """Make the tables, or take over those that are there."""
    schema = op.get_context().version_table_schema  # named, or another program's tables in ``public`` would be meant
    db = op.get_bind()
    if db.execute(sa.text(f"SELECT to_regclass('{schema}.meta')")).scalar() is not None:
        layout = db.execute(sa.text("SELECT value / 1000 FROM meta WHERE key = 'schema'")).scalar()
        if layout == _LAYOUT:
            return
    for table in ("names", "pins", "passages", "files", "meta"):
        op.execute(f"DROP TABLE IF EXISTS {schema}.{table} CASCADE")
    op.execute("CREATE TABLE meta (key text PRIMARY KEY, value bigint NOT NULL)")
    op.execute("""
        CREATE TABLE files (
            id bigserial PRIMARY KEY, name bytea NOT NULL UNIQUE,
            size bigint NOT NULL, modified_ns bigint NOT NULL, sha256 text NOT NULL, refusal bytea NOT NULL
        )""")
    op.execute("""
        CREATE TABLE passages (
            id bigserial PRIMARY KEY, file_id bigint NOT NULL REFERENCES files ON DELETE CASCADE,
            place text NOT NULL, text bytea NOT NULL, key text NOT NULL, sort text NOT NULL, mentions text NOT NULL,
            words tsvector NOT NULL
        )""")
    op.execute("CREATE INDEX passages_by_file ON passages (file_id, id)")
    op.execute("CREATE INDEX passages_by_key ON passages (key)")
    op.execute("CREATE INDEX passages_by_word ON passages USING gin (words) WITH (fastupdate = off)")
    op.execute("""
        CREATE TABLE names (
            key text NOT NULL, passage_id bigint NOT NULL REFERENCES passages ON DELETE CASCADE,
            strength integer NOT NULL, plain text NOT NULL, PRIMARY KEY (key, passage_id)
        )""")
    op.execute("CREATE INDEX names_by_passage ON names (passage_id)")
    op.execute("""
        CREATE TABLE pins (
            kind text NOT NULL, passage_id bigint NOT NULL REFERENCES passages ON DELETE CASCADE,
            place bigint NOT NULL, PRIMARY KEY (kind, passage_id)
        )""")
    op.execute("CREATE INDEX pins_by_passage ON pins (passage_id)")
    op.execute("""
        CREATE TABLE IF NOT EXISTS models (
            id serial PRIMARY KEY, name text NOT NULL UNIQUE, dimensions integer NOT NULL
        )""")
    op.execute("""
        CREATE TABLE IF NOT EXISTS vectors (
            model_id integer NOT NULL, key text NOT NULL, numbers halfvec NOT NULL, PRIMARY KEY (key, model_id)
        )""")


def downgrade() -> None:
    """Take the index away; it can be made again out of the notes."""
    op.execute("DROP TABLE names, pins, passages, files, meta, vectors, models")
