"""What the memory of a campaign needs of whoever stores it, as a Protocol; an adapter satisfies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.campaign.events import Event

__all__ = ["KEPT_KEYS", "KEPT_SCENES", "CampaignStore", "StoredScene"]

KEPT_SCENES = 20
"""How many scenes of a campaign are kept: who chooses an option of one has seen it lately."""
KEPT_KEYS = 10_000
"""Of how many requests a store knows that their scenes were kept: those of a night of many tables. A request that is
sent again, because whoever was at it has died, comes with minutes between, not with thousands of scenes."""


@dataclass(frozen=True, slots=True)
class StoredScene:
    """An answer with a scene in it, kept so that an option of it can be chosen later.

    Attributes:
        title: What the scene is called.
        on: The day on which it was asked for.
        data: The answer as JSON; see ``answer_data``.
        key: Of the request, where it has one.
    """

    title: str
    on: str
    data: str
    key: str = ""


class CampaignStore(Protocol):
    """Keeps campaigns by name; all of it blocks, so it is called off the event loop.

    Every method may raise a ``FablewrightError`` that says what is wrong with the store. What a method that writes has
    returned from is kept, also if the process is killed right after.
    """

    def campaigns(self) -> dict[str, int]:
        """Return how many events each campaign has, by its name, in the order in which they were begun."""
        ...

    def begin(self, campaign: str) -> bool:
        """Begin a campaign; return False if there is one of that name already."""
        ...

    def chosen(self, notes: str) -> str:
        """Return which campaign is played with some notes; empty before one was chosen."""
        ...

    def choose(self, notes: str, campaign: str) -> None:
        """Remember which campaign is played with some notes."""
        ...

    def choose_usual(self, notes: str, name: str) -> str:
        """Return which campaign is played with some notes; where none was chosen, begin one and choose it.

        It is called ``name``, with a number behind it where other notes have taken that.
        """
        ...

    def version(self, campaign: str) -> int:
        """Return a number that is another one after every change of the campaign's log."""
        ...

    def events(self, campaign: str) -> tuple[Event, ...]:
        """Return a campaign's log as it grew."""
        ...

    def append(self, campaign: str, events: Sequence[Event]) -> int:
        """Put events at the end of a log, all or none; return how many were new, by their ids."""
        ...

    def keep_scene(self, campaign: str, scene: StoredScene) -> None:
        """Keep a scene that was asked for, unless one was kept under its key before, in whichever campaign.

        The latest ``KEPT_SCENES`` of each campaign are kept, and the latest ``KEPT_KEYS`` keys of all, also of scenes
        that are not kept any more.
        """
        ...

    def scenes(self, campaign: str) -> tuple[StoredScene, ...]:
        """Return the scenes that are kept, the latest first."""
        ...

    def last_scene(self, campaign: str) -> StoredScene | None:
        """Return the scene that was asked for last."""
        ...
