"""Sees what the campaign's memory says that it has: from then on it is acknowledged, and must never be lost.

Three things are acknowledged. A scene that the front has, once the memory has shown it among those that it keeps: the
orchestrator does not wait until a scene is written, so an answer alone promises nothing. A note for the campaign's log,
once the memory has replied to it. And a scene that could not be made in time, once the server has said that it was
accepted: others make it, and it has to be among what was made late.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.chaos.books import key_of_kept, key_of_late, key_of_note, key_of_scene, title_of
from fablewright.entry.scene_order import order_read
from fablewright.errors import FablewrightError
from fablewright.gm.campaign.events import Fact
from fablewright.gm.campaign.memory import CampaignMemory, LogFacts, RecallScenes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from fablewright.entry.safety_net import SafetyNet
    from fablewright.gm.preparing.accepted import AcceptedScene
    from fablewright.runtime.bus import Bus

__all__ = ["Witness", "broken_by", "made_late"]

_LOOK = 1.0
"""Seconds between two looks; of the last twenty scenes that the memory shows, each comes up in one of them."""
_PATIENCE = 5.0


class Witness:
    """See the top of the file.

    Args:
        bus: The front.

    Attributes:
        promised: The keys of scenes that were accepted, and are to come.
    """

    def __init__(self, bus: Bus) -> None:
        self.promised: set[str] = set()
        self._bus = bus
        self._had: set[str] = set()
        self._seen: dict[str, str] = {}  # by which a scene is known, and by which who asked for it knows it
        self._noted: set[str] = set()

    @property
    def acknowledged(self) -> frozenset[str]:
        """The keys of what must not be lost any more."""
        seen = {kept for kept, known in self._seen.items() if known in self._had}
        return frozenset(seen | self._noted | self.promised)

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
            for scene in kept:
                told = (scene.title, scene.data)
                self._seen[key_of_kept(*told, scene.key)] = key_of_scene(*told)


async def made_late(net: SafetyNet, promised: Collection[str], *, patience: float) -> Counter[str]:
    """Return how often each accepted scene has come, by its key, once all have; 0 for one that never did.

    Args:
        net: What was accepted.
        promised: What to wait for,
        patience: and how many seconds.
    """
    assert net.scenes is not None  # noqa: S101 - it is opened where scenes are accepted
    found: Counter[str] = Counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while True:
                with suppress(FablewrightError):
                    accepted = await net.scenes.look()
                    found = _came(accepted)
                    if found.keys() >= set(promised) and all(each.job.state.is_final for each in accepted):
                        break
                await asyncio.sleep(_LOOK)
    return found


def _came(accepted: Iterable[AcceptedScene]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in accepted:
        found[key_of_late(order_read(each.order).seed or 0)] += bool(each.result)
    return found


def broken_by(written: Mapping[str, int], acknowledged: Iterable[str]) -> list[str]:
    """Return what was lost or written twice, as sentences.

    Args:
        written: How often what is there at the end, by its key; 0: it was accepted, and never came.
        acknowledged: The keys of what has to be.
    """
    found = [f"{key} was written {count} times" for key, count in written.items() if count > 1]
    expected = sorted({*acknowledged, *written})
    return found + [f"{key} was acknowledged and is lost" for key in expected if not written.get(key)]
