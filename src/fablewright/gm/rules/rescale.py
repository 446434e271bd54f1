"""A fight made a step harder or easier by numbers alone: more or fewer of those who are there, nobody new.

A step is one word of the edition's scale. In the 2024 rules "harder than high" has no word: it ends there. Who is many
changes first, because one more of six is felt less than a second chief.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.errors import InvalidInput
from fablewright.gm.rules.rating import rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.budget import Rules
    from fablewright.gm.rules.party import Party
    from fablewright.gm.rules.rating import Foe, Rating

__all__ = ["Direction", "rescaled"]

Direction: TypeAlias = Literal["harder", "easier"]

_MOST_STEPS = 200
"""Creatures that come or go; a step of the scale takes a handful."""


def rescaled(foes: Sequence[Foe], party: Party, rules: Rules, direction: Direction) -> tuple[int, ...]:
    """Return how many there have to be of each, so that the fight is one word harder or easier; 0: none of them.

    Args:
        foes: Who is there.
        party: Who fights them.
        rules: The edition.
        direction: Which way.

    Raises:
        InvalidInput: There is nobody to count, the scale ends there, or even one of the weakest is too much.
    """
    if not foes:
        raise InvalidInput("There is nobody in the scene whose number could make it harder or easier.")
    start = rate(foes, party, rules)
    counts = [foe.count for foe in foes]
    for _ in range(_MOST_STEPS):
        _change(counts, foes, direction)
        if not any(counts):
            raise InvalidInput("It cannot be easier with these foes: even one of them is that hard.")
        now = rate([replace(foe, count=n) for foe, n in zip(foes, counts, strict=True) if n], party, rules)
        if direction == "harder" and _is_off_the_scale(now):
            raise InvalidInput(
                f"It is {start.difficulty} already: one more of these foes is above what the rules call high."
            )
        if now.difficulty != start.difficulty:
            return tuple(counts)
    raise InvalidInput(f"It is {start.difficulty} already, and numbers alone change nothing more.")


def _change(counts: list[int], foes: Sequence[Foe], direction: Direction) -> None:
    """Add or take one of the kind of which there are most, the weakest of several."""
    at = max(range(len(foes)), key=lambda each: (counts[each], -foes[each].xp, -each))
    counts[at] += 1 if direction == "harder" else -1


def _is_off_the_scale(rated: Rating) -> bool:
    return rated.rules == "2024" and rated.adjusted_xp > rated.budget.marks[-1][1]
