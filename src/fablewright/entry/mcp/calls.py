"""What each tool does: its arguments become a request to the bus, and the answer becomes a result.

What makes no sense is ``InvalidInput`` in each of them, whose message says how to mend it.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.mcp.told import Told, told
from fablewright.entry.no_notes import has_notes, nothing_readable
from fablewright.entry.roll_dice import rolled
from fablewright.entry.story_file import asking
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.answering.fight_wish import FightWish
from fablewright.gm.campaign.memory import RecallScene
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.wishes import Kept, Wishes

if TYPE_CHECKING:
    from fablewright.entry.mcp.arguments import (
        ChooseArguments,
        EncounterArguments,
        MadeUpArguments,
        QuestionArguments,
        RecapArguments,
        RollArguments,
        SceneArguments,
    )
    from fablewright.entry.mcp.open_table import OpenTable
    from fablewright.gm.rules.party import Party

__all__ = [
    "ask_notes",
    "look_up_rules",
    "make_person",
    "play_out",
    "roll_treasure",
    "tell_recap",
    "throw_dice",
    "weigh_fight",
    "write_scene",
]


async def write_scene(table: OpenTable, wanted: SceneArguments) -> Told:
    """Write a scene, or parts of the last one anew."""
    kept = await _kept(table, wanted)
    words = wanted.request.strip() or (kept.scene.title.text if kept else "")
    if not words:
        raise InvalidInput('Say which scene, such as "the first encounter", or which parts of the last one to lock.')
    request = HandleRequest(
        words,
        want="scene",
        party=_party(wanted.party),
        use_rag=wanted.use_notes,
        seed=_seed(table, wanted.seed),
        wishes=Wishes(wanted.variants, wanted.tone, wanted.length, kept),
    )
    return await _answered(table, request)


async def _kept(table: OpenTable, wanted: SceneArguments) -> Kept | None:
    """Return the last scene and what of it stays, if anything does."""
    if not wanted.lock:
        return None
    if wanted.variants > 1:
        raise InvalidInput("Variants and locked parts do not go together: ask for one of them.")
    recalled = await ask_campaign(table.bus, RecallScene(), timeout=table.settings.timeout)
    if recalled.prepared is None:
        raise InvalidInput("There is no scene yet of which parts could stay: ask for one first.")
    answer = answer_from_data(json.loads(recalled.prepared.data))
    assert answer.scene is not None  # noqa: S101 - no other answer is kept
    return Kept(answer.scene, answer.citations, wanted.lock)


async def ask_notes(table: OpenTable, wanted: QuestionArguments) -> Told:
    """Ask the notes."""
    return await _answered(table, HandleRequest(wanted.question, want="question", seed=next(table.seeds)))


async def look_up_rules(table: OpenTable, wanted: QuestionArguments) -> Told:
    """Look up a rule."""
    return await _answered(table, HandleRequest(wanted.question, want="rules", seed=next(table.seeds)))


async def weigh_fight(table: OpenTable, wanted: EncounterArguments) -> Told:
    """Rate a fight, or build one."""
    rules = wanted.rules or table.settings.rules
    built = not wanted.foes.strip()
    fight = FightWish(wanted.difficulty, wanted.theme, wanted.habitat, wanted.roles, rules, wanted.absent, built=built)
    party = _party(wanted.party)
    fight.check(party or parse_party(table.settings.party), rules)
    words = f"build a fight {wanted.difficulty} {wanted.theme} {wanted.habitat}".strip() if built else wanted.foes
    request = HandleRequest(
        words,
        want="encounter",
        party=party,
        use_rag=wanted.use_notes,
        seed=_seed(table, wanted.seed),
        fight=fight,
    )
    return await _answered(table, request)


async def make_person(table: OpenTable, wanted: MadeUpArguments) -> Told:
    """Make somebody up."""
    return await _made_up(table, wanted, HandleRequest(wanted.words.strip() or "an npc", want="npc"))


async def roll_treasure(table: OpenTable, wanted: MadeUpArguments) -> Told:
    """Roll treasure."""
    return await _made_up(table, wanted, HandleRequest(wanted.words.strip() or "treasure", want="loot"))


async def _made_up(table: OpenTable, wanted: MadeUpArguments, request: HandleRequest) -> Told:
    party, seed = _party(wanted.party), _seed(table, wanted.seed)
    return await _answered(table, replace(request, party=party, seed=seed, use_rag=wanted.use_notes))


async def play_out(table: OpenTable, wanted: ChooseArguments) -> Told:
    """Play out an option of the last scene."""
    seed = _seed(table, wanted.seed)
    return await _answered(table, HandleRequest(str(wanted.option), want="choose", roll=wanted.roll, seed=seed))


async def tell_recap(table: OpenTable, wanted: RecapArguments) -> Told:
    """Tell what happened so far."""
    words = "recap for the players" if wanted.players else "recap"
    return await _answered(table, HandleRequest(words, want="recap"))


async def throw_dice(table: OpenTable, wanted: RollArguments) -> Told:
    """Roll dice."""
    text, data = rolled(wanted.dice, _seed(table, wanted.seed))
    return Told(text, data)


async def _answered(table: OpenTable, request: HandleRequest) -> Told:
    with asking(request.words):
        answer = await table.net.ask(table.bus, request, timeout=table.settings.timeout)
    if request.want == "scene" and request.use_rag and not answer.used_rag and not await _has_notes(table):
        answer = replace(answer, missing=(nothing_readable(table.notes), *answer.missing))
    return told(answer)


async def _has_notes(table: OpenTable) -> bool:
    """Whether there are notes; a disk that does not say in time is given the benefit of the doubt."""
    try:
        async with asyncio.timeout(1.0):
            return await table.bus.on_thread(has_notes, table.notes)
    except TimeoutError:
        return True


def _party(words: str) -> Party | None:
    return parse_party(words) if words.strip() else None


def _seed(table: OpenTable, wanted: int | None) -> int | None:
    return next(table.seeds) if wanted is None else wanted
