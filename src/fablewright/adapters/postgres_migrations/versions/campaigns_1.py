"""Campaigns: their logs, which is played with which notes, and the scenes that were asked for last.

Scenes are stored as bytes: they quote notes, which may hold what PostgreSQL's text may not (a NUL).
"""

from __future__ import annotations

from alembic import op

revision = "campaigns_1"
down_revision = None
branch_labels = ("campaigns",)
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.execute("CREATE TABLE campaigns (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE)")
    op.execute("""
        CREATE TABLE chosen (
            notes text PRIMARY KEY, campaign bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE
        )""")
    op.execute("""
        CREATE TABLE events (
            seq bigserial PRIMARY KEY, campaign bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
            id text NOT NULL, day text NOT NULL, after text NOT NULL, fact text NOT NULL, UNIQUE (campaign, id)
        )""")
    op.execute("CREATE INDEX events_of_campaign ON events (campaign, seq)")
    op.execute("""
        CREATE TABLE scenes (
            seq bigserial PRIMARY KEY, campaign bigint NOT NULL REFERENCES campaigns ON DELETE CASCADE,
            title bytea NOT NULL, day text NOT NULL, data bytea NOT NULL
        )""")
    op.execute("CREATE INDEX scenes_of_campaign ON scenes (campaign, seq)")


def downgrade() -> None:
    """Take all campaigns away."""
    op.execute("DROP TABLE scenes, events, chosen, campaigns")
