"""The tools: what each is for, in words that a model chooses by, and how its call becomes a request to the bus."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fablewright.entry.answering import ask_once
from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.mcp.arguments import (
    Arguments,
    ChooseArguments,
    EncounterArguments,
    MadeUpArguments,
    QuestionArguments,
    RecapArguments,
    RollArguments,
    SceneArguments,
    read_arguments,
    schema_of,
)
from fablewright.entry.mcp.told import Told, told
from fablewright.entry.no_notes import has_notes, nothing_readable
from fablewright.entry.roll_dice import rolled
from fablewright.entry.story_file import asking
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_from_data, answer_schema
from fablewright.gm.answering.fight_wish import FightWish
from fablewright.gm.campaign.memory import RecallScene
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.wishes import Kept, Wishes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fablewright.entry.mcp.open_table import OpenTable
    from fablewright.gm.rules.party import Party

__all__ = ["TOOLS", "Tool"]

A = TypeVar("A", bound=Arguments)

_GM_ONLY = "For the game master only: it may hold secrets, so do not pass it on to the players."
_ANSWER = answer_schema()
_DICE = {
    "type": "object",
    "properties": {
        "expression": {"type": "string"},
        "label": {"type": "string"},
        "total": {"type": "integer"},
        "dice": {"type": "array", "items": {"type": "array"}},
        "rolls": {"type": "array", "items": {"type": "object"}},
        "average": {"type": "number"},
        "text": {"type": "string"},
    },
    "required": ["expression", "label", "total", "dice", "rolls", "average", "text"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """One tool.

    Attributes:
        title: For people who look at a list.
        description: For the model: when to use it, and what comes back.
        takes: What its arguments are.
        do: What it does with them.
        returns: The JSON schema of its data.
        keeps: Whether it leaves something behind in the campaign's memory.
    """

    title: str
    description: str
    takes: type[A]
    do: Callable[[OpenTable, A], Awaitable[Told]]
    returns: Mapping[str, Any]
    keeps: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of its arguments."""
        return schema_of(self.takes)

    async def call(self, table: OpenTable, given: Mapping[str, Any]) -> Told:
        """Do it.

        Raises:
            InvalidInput: The arguments make no sense; the message says how to mend them.
        """
        return await self.do(table, read_arguments(given, self.takes))


# ---------------------------------------------------------------- what they do


async def _scene(table: OpenTable, wanted: SceneArguments) -> Told:
    kept = await _kept(table, wanted)
    words = wanted.request.strip() or (kept.scene.title.text if kept else "")
    if not words:
        raise InvalidInput(
            'Say which scene, for example "the first encounter", or which parts of the last one to lock.'
        )
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


async def _ask(table: OpenTable, wanted: QuestionArguments) -> Told:
    return await _answered(table, HandleRequest(wanted.question, want="question", seed=table.settings.seed))


async def _rules(table: OpenTable, wanted: QuestionArguments) -> Told:
    return await _answered(table, HandleRequest(wanted.question, want="rules", seed=table.settings.seed))


async def _encounter(table: OpenTable, wanted: EncounterArguments) -> Told:
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


async def _npc(table: OpenTable, wanted: MadeUpArguments) -> Told:
    return await _made_up(table, wanted, HandleRequest(wanted.words.strip() or "an npc", want="npc"))


async def _loot(table: OpenTable, wanted: MadeUpArguments) -> Told:
    return await _made_up(table, wanted, HandleRequest(wanted.words.strip() or "treasure", want="loot"))


async def _made_up(table: OpenTable, wanted: MadeUpArguments, request: HandleRequest) -> Told:
    party, seed = _party(wanted.party), _seed(table, wanted.seed)
    return await _answered(table, replace(request, party=party, seed=seed, use_rag=wanted.use_notes))


async def _choose(table: OpenTable, wanted: ChooseArguments) -> Told:
    seed = _seed(table, wanted.seed)
    return await _answered(table, HandleRequest(str(wanted.option), want="choose", roll=wanted.roll, seed=seed))


async def _recap(table: OpenTable, wanted: RecapArguments) -> Told:
    words = "recap for the players" if wanted.players else "recap"
    return await _answered(table, HandleRequest(words, want="recap"))


async def _roll(table: OpenTable, wanted: RollArguments) -> Told:
    text, data = rolled(wanted.dice, _seed(table, wanted.seed))
    return Told(text, data)


async def _answered(table: OpenTable, request: HandleRequest) -> Told:
    with asking(request.words):
        answer = await ask_once(table.bus, request, timeout=table.settings.timeout)
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
    return table.settings.seed if wanted is None else wanted


# ---------------------------------------------------------------- what there is

TOOLS: Mapping[str, Tool[Any]] = {
    "scene": Tool(
        "Write a scene",
        "Write the scene that the game master is about to run, out of her own notes: text to read aloud, what is here, "
        "checks with DCs, foes with the fight weighed for the party, options, consequences, loot. Use it for anything "
        "that is to be played. It is kept, so that `choose` can play out an option of it. Every sentence has an "
        f"origin and the passages it rests on; what is invented is marked so. {_GM_ONLY} Only read_aloud is for them.",
        SceneArguments,
        _scene,
        _ANSWER,
        keeps=True,
    ),
    "ask": Tool(
        "Ask the notes",
        "Look up what the game master's notes say. Use it for facts of the campaign: who, where, what, why. It comes "
        "back with their own sentences and where they stand, or with status `abstained` when they do not say: then "
        f"make nothing up. {_GM_ONLY}",
        QuestionArguments,
        _ask,
        _ANSWER,
    ),
    "encounter": Tool(
        "Build or rate a fight",
        "Build a fight for the party, or say how hard one is, by the budgets of the 2024 or 2014 rules. Use it instead "
        f"of adding XP up yourself. Creatures that nobody knows are named and not counted. {_GM_ONLY}",
        EncounterArguments,
        _encounter,
        _ANSWER,
    ),
    "npc": Tool(
        "Make somebody up",
        "Make up a person on the spot: name, look, manner, a want, a secret, numbers of a fitting creature, and a tie "
        "to the notes. Use it when the players talk to somebody whom the notes do not have; for who is in them, use "
        f"`ask`. {_GM_ONLY}",
        MadeUpArguments,
        _npc,
        _ANSWER,
    ),
    "loot": Tool(
        "Roll treasure",
        "Roll coins, gems, art and magic items, with the table each comes from. The words may name a level, a Challenge "
        f'Rating or a creature, and "pockets" for what one of them carries. {_GM_ONLY}',
        MadeUpArguments,
        _loot,
        _ANSWER,
    ),
    "rules": Tool(
        "Look up a rule",
        "Quote the rule books among the notes, with the place; DCs, XP and budgets are worked out without a book. Use "
        "it before you state a rule. What no book says comes back as `abstained`.",
        QuestionArguments,
        _rules,
        _ANSWER,
    ),
    "roll": Tool(
        "Roll dice",
        "Roll dice and show each of them. Use it whenever something is left to chance; do not invent a result.",
        RollArguments,
        _roll,
        _DICE,
    ),
    "choose": Tool(
        "Play out an option",
        "Play out an option of the last scene: its check is rolled, or taken as the players rolled it, what comes of it "
        "goes into the campaign's log, and what could come next is said. Use it only when the players have decided; "
        f"`fablewright undo` takes it back. {_GM_ONLY}",
        ChooseArguments,
        _choose,
        _ANSWER,
        keeps=True,
    ),
    "recap": Tool(
        "What happened so far",
        "Tell what happened so far, out of the campaign's log: what was played, open promises, clocks, loot, who is "
        "dead. Use it at the beginning of a session. It is for the game master, unless `players` is set: then it may "
        "be read out.",
        RecapArguments,
        _recap,
        _ANSWER,
    ),
}
