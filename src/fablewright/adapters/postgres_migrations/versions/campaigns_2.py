"""A scene that is kept has the key of its request, so that one which is sent twice is kept once."""

from __future__ import annotations

from alembic import op

revision = "campaigns_2"
down_revision = "campaigns_1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the key; the scenes that are there have none."""
    op.execute("ALTER TABLE scenes ADD COLUMN key text NOT NULL DEFAULT ''")


def downgrade() -> None:
    """Take the keys away."""
    op.execute("ALTER TABLE scenes DROP COLUMN key")
