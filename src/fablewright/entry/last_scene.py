"""The scene that was asked for last, out of the campaign's memory: what is meant when nothing else is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fablewright.entry import assemble
from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.event_loop import run_loop
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.campaign.memory import RecallScene

if TYPE_CHECKING:
    from fablewright.entry.config import Settings
    from fablewright.gm.answer import Answer
    from fablewright.runtime.bus import Bus

__all__ = ["last_scene", "last_scene_of"]


def last_scene(settings: Settings) -> Answer:
    """Return the scene that was asked for last with these notes.

    Raises:
        InvalidInput: There is none.
        FablewrightError: The memory cannot be read.
    """
    notes = assemble.open_notes(settings, settings.notes)

    async def recall() -> Answer:
        async with assemble.remembering(settings, notes) as bus:
            return await last_scene_of(bus, timeout=settings.timeout)

    return run_loop(recall())


async def last_scene_of(bus: Bus, *, timeout: float) -> Answer:
    """Return the scene that was asked for last.

    Raises:
        InvalidInput: There is none.
        FablewrightError: The memory cannot be read.
    """
    recalled = await ask_campaign(bus, RecallScene(), timeout=timeout)
    if recalled.prepared is None:
        raise InvalidInput(
            'There is no scene yet: ask for one, as in `fablewright scene "the first encounter"`, '
            "or name a file with --from."
        )
    return answer_from_data(json.loads(recalled.prepared.data))
