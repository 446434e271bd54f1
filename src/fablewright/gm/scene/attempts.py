"""What a party can try: a word for each skill, and three things that can be tried anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.rules.creature import plurals
from fablewright.gm.scene.scenario import Line, Option, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.scene.scenario import Foe

__all__ = ["ATTEMPTS", "always", "attempt"]

ATTEMPTS = {
    "Acrobatics": "Balance or tumble",
    "Animal Handling": "Calm the beast",
    "Arcana": "Recall the lore of magic",
    "Athletics": "Use strength",
    "Deception": "Lie",
    "History": "Recall the past",
    "Insight": "Read them",
    "Intimidation": "Lean on them",
    "Investigation": "Search and reason",
    "Medicine": "Treat them",
    "Nature": "Read nature",
    "Perception": "Look and listen",
    "Performance": "Put on a show",
    "Persuasion": "Talk them round",
    "Religion": "Recall the rites",
    "Sleight of Hand": "Use quick fingers",
    "Stealth": "Sneak",
    "Survival": "Read the tracks",
}


def attempt(skill: str) -> str:
    """Return what a party does when it uses a skill: ``Look and listen`` for ``Wisdom (Perception)``."""
    first = min((name for name in ATTEMPTS if name in skill), key=skill.index, default="")
    return ATTEMPTS.get(first, "Try it")


def always(foes: Sequence[Foe], *, wanted: int) -> list[Option]:
    """Return up to ``wanted`` things that a party can try anywhere; invented, and marked so."""
    whom = "whoever is here"
    seen = next((foe for foe in foes if not foe.secret), None)
    if seen:
        whom = f"the {(seen.name if seen.count == 1 else plurals(seen.name)[0]).lower()}"
    tries = {
        f"Talk first: ask what {whom} would take to let the party pass.":
            "A price is named; it can be haggled over.",
        "Wait and watch before anybody moves.":
            "The party learns one thing about the place, and so does the place about the party.",
        "Leave it for now and come back by another way.":
            "What is going on here goes on without the party.",
    }  # fmt: skip
    return [
        Option(Line(action, Origin.INVENTED), Line(result, Origin.INVENTED))
        for action, result in list(tries.items())[: max(0, wanted)]
    ]
