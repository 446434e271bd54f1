"""Makes the scenes that were accepted at the table and that nobody took back: those who should have died on the way.

It runs in ``serve``, ``chat`` and ``mcp``, and in each process of agents that has the orchestrator. One of them has the
lease, and should she die too, another one has it when it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.entry.answering import attempt, cause_of
from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.scene_order import order_read
from fablewright.entry.story_file import asking
from fablewright.errors import DeadlineExceeded, FablewrightError, PeerLost, Rejected
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.campaign.memory import RecallScenes
from fablewright.gm.preparing.prepared import kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.config import Settings
    from fablewright.gm.answer import Answer
    from fablewright.gm.preparing.accepted import AcceptedScene, AcceptedScenes
    from fablewright.runtime.bus import Bus

__all__ = ["make_late_scenes"]

_log = logging.getLogger(__name__)

_LOOK = 1.0
"""Seconds between two looks at what is due."""
_LONGEST = 30.0
"""Seconds between two looks at a store that cannot be used."""
_PAUSE = 2.0
"""Seconds until a scene is tried again whose agents are not there."""
_GIVING_BACK = 1.0
"""Seconds for that at the end; a lease that is not given back ends by itself."""


async def make_late_scenes(
    bus: Bus, scenes: AcceptedScenes, settings: Settings, on_made: Callable[[AcceptedScene], None] = lambda _: None
) -> None:
    """Make what falls due, until cancelled.

    Args:
        bus: With all agents up, here or elsewhere.
        scenes: What was accepted.
        settings: For the time-outs.
        on_made: Told of each scene that was kept.
    """
    pause = _LOOK
    while True:
        try:
            taken = await scenes.take()
            if taken is not None:
                await _make(bus, scenes, taken, settings, on_made)
                continue
            pause = _LOOK
        except FablewrightError as error:
            if pause == _LOOK:
                _log.warning("Scenes that were accepted cannot be looked for: %s", error)
            pause = min(_LONGEST, pause * 2)
        await asyncio.sleep(pause)


async def _make(
    bus: Bus, scenes: AcceptedScenes, taken: AcceptedScene, settings: Settings, on_made: Callable[[AcceptedScene], None]
) -> None:
    try:
        tried = await _made(bus, taken, settings)
    except asyncio.CancelledError:
        with contextlib.suppress(TimeoutError, FablewrightError):
            async with asyncio.timeout(_GIVING_BACK):
                await scenes.give_back(taken)
        raise
    except (PeerLost, Rejected):
        await scenes.give_back(taken, pause=_PAUSE)
    except FablewrightError as error:
        _log.warning("The scene %r broke at its try %d: %s", taken.words[:60], taken.job.tries, error)
        await scenes.fail(taken, str(error))
    else:
        if await scenes.finish(taken, kept(tried)):
            on_made(taken)


async def _made(bus: Bus, taken: AcceptedScene, settings: Settings) -> Answer:
    """Return the scene: the one that the campaign has kept under its key, or a new one, for later.

    Raises:
        PeerLost: Who was to make it died.
        Rejected: Who is to make it is not there, or takes nothing now.
        FablewrightError: It cannot be made.
    """
    request = replace(order_read(taken.order), request_key=taken.key, ahead=True, prose=True)
    try:
        known = await ask_campaign(bus, RecallScenes(), timeout=settings.timeout)
    except DeadlineExceeded as error:  # no fault of the scene
        raise PeerLost(str(error)) from error
    for scene in known:
        if scene.key == taken.key:
            return answer_from_data(json.loads(scene.data))
    with asking(taken.words):
        tried = await attempt(bus, request, timeout=settings.timeout + settings.model_timeout)
    if tried.lost is not None:
        cause = cause_of(tried.lost)
        raise cause if isinstance(cause, PeerLost | Rejected) else FablewrightError(str(tried.answer.missing[0]))
    if tried.answer.scene is None:
        raise FablewrightError(next(iter(tried.answer.missing), "it is no scene"))
    return tried.answer
