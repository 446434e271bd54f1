"""The tables in PostgreSQL, and how those of one release become those of the next; by Alembic."""
