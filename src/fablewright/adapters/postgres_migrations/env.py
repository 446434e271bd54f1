"""What Alembic runs: the steps, on the connection that ``migrate`` hands in."""

from __future__ import annotations

from alembic import context

_given = context.config.attributes
context.configure(connection=_given["connection"], version_table_schema=_given["schema"])
with context.begin_transaction():
    context.run_migrations()
