"""The keys of requests stand apart from the scenes: they are known for longer than those are kept."""

from __future__ import annotations

from alembic import op

revision = "campaigns_3"
down_revision = "campaigns_2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, with the keys of the scenes that are there."""
    op.execute("CREATE TABLE scene_keys (seq bigserial PRIMARY KEY, key text NOT NULL UNIQUE)")
    op.execute("""
        INSERT INTO scene_keys (key) SELECT key FROM scenes WHERE key != '' ORDER BY seq
        ON CONFLICT DO NOTHING""")


def downgrade() -> None:
    """Take the table away; the scenes that are kept still have their keys."""
    op.execute("DROP TABLE scene_keys")
