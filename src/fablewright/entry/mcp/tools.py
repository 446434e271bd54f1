"""The tools: what each is called and for, in words that a model chooses by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

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
from fablewright.entry.mcp.calls import (
    ask_notes,
    look_up_rules,
    make_person,
    play_out,
    roll_treasure,
    tell_recap,
    throw_dice,
    weigh_fight,
    write_scene,
)
from fablewright.gm.answer_data import answer_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fablewright.entry.mcp.open_table import OpenTable
    from fablewright.entry.mcp.told import Told

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


TOOLS: Mapping[str, Tool[Any]] = {
    "scene": Tool(
        "Write a scene",
        "Write the scene that the game master is about to run, out of her own notes: text to read aloud, what is here, "
        "checks with DCs, foes with the fight weighed for the party, options, consequences, loot. Use it for anything "
        "that is to be played. It is kept, so that `choose` can play out an option of it. Every sentence has an "
        f"origin and the passages it rests on; what is invented is marked so. {_GM_ONLY} Only read_aloud is for them.",
        SceneArguments,
        write_scene,
        _ANSWER,
        keeps=True,
    ),
    "ask": Tool(
        "Ask the notes",
        "Look up what the game master's notes say. Use it for facts of the campaign: who, where, what, why. It comes "
        "back with their own sentences and where they stand, or with status `abstained` when they do not say: then "
        f"make nothing up. {_GM_ONLY}",
        QuestionArguments,
        ask_notes,
        _ANSWER,
    ),
    "encounter": Tool(
        "Build or rate a fight",
        "Build a fight for the party, or say how hard one is, by the budgets of the 2024 or 2014 rules. Use it instead "
        f"of adding XP up yourself. Creatures that nobody knows are named and not counted. {_GM_ONLY}",
        EncounterArguments,
        weigh_fight,
        _ANSWER,
    ),
    "npc": Tool(
        "Make somebody up",
        "Make up a person on the spot: name, look, manner, a want, a secret, numbers of a fitting creature, and a tie "
        "to the notes. Use it when the players talk to somebody whom the notes do not have; for who is in them, use "
        f"`ask`. {_GM_ONLY}",
        MadeUpArguments,
        make_person,
        _ANSWER,
    ),
    "loot": Tool(
        "Roll treasure",
        "Roll coins, gems, art and magic items, with the table each comes from. The words may name a level, a "
        f'Challenge Rating or a creature, and "pockets" for what one of them carries. {_GM_ONLY}',
        MadeUpArguments,
        roll_treasure,
        _ANSWER,
    ),
    "rules": Tool(
        "Look up a rule",
        "Quote the rule books among the notes, with the place; DCs, XP and budgets are worked out without a book. Use "
        "it before you state a rule. What no book says comes back as `abstained`.",
        QuestionArguments,
        look_up_rules,
        _ANSWER,
    ),
    "roll": Tool(
        "Roll dice",
        "Roll dice and show each of them. Use it whenever something is left to chance; do not invent a result.",
        RollArguments,
        throw_dice,
        _DICE,
    ),
    "choose": Tool(
        "Play out an option",
        "Play out an option of the last scene: its check is rolled, or taken as the players rolled it, what comes of "
        "it goes into the campaign's log, and what could come next is said. Use it only when the players have decided; "
        f"`fablewright undo` takes it back. {_GM_ONLY}",
        ChooseArguments,
        play_out,
        _ANSWER,
        keeps=True,
    ),
    "recap": Tool(
        "What happened so far",
        "Tell what happened so far, out of the campaign's log: what was played, open promises, clocks, loot, who is "
        "dead. Use it at the beginning of a session. It is for the game master, unless `players` is set: then it may "
        "be read out.",
        RecapArguments,
        tell_recap,
        _ANSWER,
    ),
}
