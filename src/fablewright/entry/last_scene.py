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

__all__ = ["last_scene"]


def last_scene(settings: Settings) -> Answer:
    """Return the scene that was asked for last with these notes.

    Raises:
        InvalidInput: There is none.
        FablewrightError: The memory cannot be read.
    """
    notes = assemble.open_notes(settings, settings.notes)

    async def recall() -> Answer:
        async with assemble.remembering(settings, notes) as bus:
            recalled = await ask_campaign(bus, RecallScene(), timeout=settings.timeout)
        if recalled.prepared is None:
            raise InvalidInput(
                'There is no scene yet: ask for one, as in `fablewright scene "the first encounter"`, '
                "or name a file with --from."
            )
        return answer_from_data(json.loads(recalled.prepared.data))

    return run_loop(recall())
