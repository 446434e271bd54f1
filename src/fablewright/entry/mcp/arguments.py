"""What each tool takes: typed, with a description that a model reads; the JSON schema is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from fablewright.errors import InvalidInput
from fablewright.gm.orchestrator import LONGEST_REQUEST
from fablewright.gm.scene.tone import Tone  # noqa: TC001 - msgspec reads the annotations at run time
from fablewright.gm.scene.wishes import LOCKABLE, MOST_VARIANTS, Length

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Arguments",
    "ChooseArguments",
    "EncounterArguments",
    "MadeUpArguments",
    "QuestionArguments",
    "RecapArguments",
    "RollArguments",
    "SceneArguments",
    "read_arguments",
    "schema_of",
]

Words = Annotated[str, Meta(max_length=LONGEST_REQUEST)]
Seed = Annotated[int | None, Meta(description="The same number gives the same dice; leave it out for new ones.")]
Party = Annotated[
    str,
    Meta(
        max_length=200,
        description="Who plays, if not the usual party: 4x2 is four level-2 characters, 3x5+1x4 mixes levels.",
    ),
]
UseNotes = Annotated[bool, Meta(description="Whether to look into the game master's notes.")]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tool takes."""


class SceneArguments(Arguments, frozen=True, kw_only=True):
    """For ``scene``."""

    request: Annotated[
        Words,
        Meta(description="Which scene, in the game master's words: the first encounter, a place, what happens next."),
    ] = ""
    party: Party = ""
    variants: Annotated[
        int, Meta(ge=1, le=MOST_VARIANTS, description="How many scenes to choose between, that differ by measure.")
    ] = 1
    tone: Annotated[Tone | None, Meta(description="What comes first; no sentence is reworded.")] = None
    length: Annotated[Length | None, Meta(description="Half as much as usual, or twice.")] = None
    lock: Annotated[
        tuple[Annotated[str, Meta(extra_json_schema={"enum": list(LOCKABLE)})], ...],
        Meta(
            max_length=len(LOCKABLE),
            description="Parts of the last scene that stay word for word while the rest is written anew.",
        ),
    ] = ()
    use_notes: UseNotes = True
    seed: Seed = None


class QuestionArguments(Arguments, frozen=True, kw_only=True):
    """For ``ask`` and ``rules``."""

    question: Annotated[Words, Meta(min_length=1, description="The question, as the game master would ask it.")]


class EncounterArguments(Arguments, frozen=True, kw_only=True):
    """For ``encounter``."""

    foes: Annotated[
        Words,
        Meta(
            description='Creatures and numbers to rate ("2 ogres and 4 goblins"), or a place in the notes; a semicolon '
            "parts the fights of a day. Empty: a fight is built."
        ),
    ] = ""
    difficulty: Annotated[
        str, Meta(max_length=40, description="How hard a built fight is: low, moderate, high; easy to deadly in 2014.")
    ] = ""
    theme: Annotated[
        str, Meta(max_length=200, description="Of what: a type or names of creatures, such as undead or goblin wolf.")
    ] = ""
    habitat: Annotated[str, Meta(max_length=40, description="Where: swamp, forest, underground and others.")] = ""
    roles: Annotated[
        tuple[str, ...],
        Meta(max_length=5, description="Parts to be played: leader, brute, skirmisher, artillery, minion."),
    ] = ()
    rules: Annotated[Literal["2024", "2014"] | None, Meta(description="Whose budgets are used.")] = None
    absent: Annotated[
        str, Meta(max_length=40, description="Who of the party is not there: 1, or 1x3 for one of level 3.")
    ] = ""
    party: Party = ""
    use_notes: UseNotes = True
    seed: Seed = None


class MadeUpArguments(Arguments, frozen=True, kw_only=True):
    """For ``npc`` and ``loot``."""

    words: Annotated[Words, Meta(description="What is wanted, in a few words; empty will do.")] = ""
    party: Party = ""
    use_notes: UseNotes = True
    seed: Seed = None


class RollArguments(Arguments, frozen=True, kw_only=True):
    """For ``roll``."""

    dice: Annotated[
        Words,
        Meta(
            min_length=1,
            description="Such as 2d6+3, 4d6kh3 (the highest three count), adv+5, 3x 2d6+1; words behind are a label.",
        ),
    ]
    seed: Seed = None


class ChooseArguments(Arguments, frozen=True, kw_only=True):
    """For ``choose``."""

    option: Annotated[Words | int, Meta(description="An option of the last scene: its number, or words of it.")]
    roll: Annotated[
        Annotated[int, Meta(ge=-20, le=100)] | None,
        Meta(description="What the players rolled for its check, in all; leave it out to roll here."),
    ] = None
    seed: Seed = None


class RecapArguments(Arguments, frozen=True, kw_only=True):
    """For ``recap``."""

    players: Annotated[
        bool,
        Meta(description="Only what the players have seen, each line checked against what the notes keep secret."),
    ] = False


A = TypeVar("A", bound=Arguments)


def read_arguments(given: Mapping[str, Any], kind: type[A]) -> A:
    """Return the arguments of a call.

    Raises:
        InvalidInput: Something is missing, unknown or of the wrong kind; the message says what and where.
    """
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The arguments cannot be used: {str(error).replace('`', '')[:300]}.") from None


def schema_of(kind: type[Arguments]) -> dict[str, Any]:
    """Return the JSON schema of a tool's arguments."""
    [_], parts = msgspec.json.schema_components([kind])
    return {key: value for key, value in parts[kind.__name__].items() if key not in {"title", "description"}}
