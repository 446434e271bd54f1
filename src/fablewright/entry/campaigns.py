"""Where campaigns are kept, as the settings say: in the file of the data folder, or in a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_campaign import SqliteCampaigns

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.entry.config import Settings
    from fablewright.gm.campaign.archive import StateStore

__all__ = ["open_campaigns", "where_campaigns_are"]


def open_campaigns(settings: Settings) -> StateStore:
    """Open the campaigns of the settings' owner; nothing is read or connected yet."""
    if not settings.state:
        return SqliteCampaigns(_file(settings))
    from fablewright.adapters.postgres_campaign import PostgresCampaigns  # noqa: PLC0415 - only where it is wanted

    return PostgresCampaigns(settings.state.reveal(), owner=settings.owner)


def where_campaigns_are(settings: Settings) -> str:
    """Return the file or the database in which campaigns are, for people; never a password."""
    if not settings.state:
        return str(_file(settings))
    return f"{settings.state} for {settings.owner}" if settings.owner else str(settings.state)


def _file(settings: Settings) -> Path:
    return settings.state_dir / "campaigns.sqlite"
