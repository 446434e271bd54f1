"""Sees what the campaign's memory says that it has: from then on it is acknowledged, and must never be lost.

Two things are acknowledged. A scene that the front has, once the memory has shown it among those that it keeps: the
orchestrator does not wait until a scene is written, so an answer alone promises nothing. And a note for the campaign's
log, once the memory has replied to it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.chaos.books import key_of_note, key_of_scene, title_of
from fablewright.errors import FablewrightError
from fablewright.gm.campaign.events import Fact
from fablewright.gm.campaign.memory import CampaignMemory, LogFacts, RecallScenes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fablewright.runtime.bus import Bus

__all__ = ["Witness", "broken_by"]

_LOOK = 1.0
"""Seconds between two looks; of the last twenty scenes that the memory shows, each comes up in one of them."""
_PATIENCE = 5.0


class Witness:
    """See the top of the file.

    Args:
        bus: The front.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._had: set[str] = set()
        self._seen: set[str] = set()
        self._noted: set[str] = set()

    @property
    def acknowledged(self) -> frozenset[str]:
        """The keys of what must not be lost any more."""
        return frozenset(self._had & self._seen | self._noted)

    def had(self, key: str) -> None:
        """Remember that the front has a scene."""
        self._had.add(key)

    async def note(self, number: int) -> None:
        """Put a scene into the campaign's log, once: what became of it when there is no reply, nobody knows."""
        words = title_of(number)
        with suppress(FablewrightError):
            await self._bus.ask(CampaignMemory.name, LogFacts((Fact("note", words),)), timeout=_PATIENCE)
            self._noted.add(key_of_note(words))

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK)

    async def look(self) -> None:
        """Ask the memory which scenes it keeps; it shows those that it was told of before."""
        with suppress(FablewrightError):
            kept = await self._bus.ask(CampaignMemory.name, RecallScenes(), timeout=_PATIENCE)
            self._seen.update(key_of_scene(scene.title, scene.data) for scene in kept)


def broken_by(written: Mapping[str, int], acknowledged: Iterable[str]) -> list[str]:
    """Return what was lost or written twice, as sentences.

    Args:
        written: How often what is there at the end, by its key.
        acknowledged: The keys of what has to be.
    """
    found = [f"{key} was written {count} times" for key, count in written.items() if count > 1]
    return found + [f"{key} was acknowledged and is lost" for key in sorted(acknowledged) if not written.get(key)]
