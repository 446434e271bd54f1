"""How hard a fight is for a party, by the 2024 or the 2014 rules. Numbers only; nothing is left to taste.

The advice behind the warnings is that of the SRD 5.2.1, Gameplay Toolbox, "Troubleshooting" of combat
encounters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import Budget, Rules, multiplier, xp_for_cr
from fablewright.gm.rules.creature import Creature, cr_text, plurals
from fablewright.gm.rules.party import Party, number_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Foe", "Rating", "rate"]

MAX_COUNT = 1_000
MANY_STAT_BLOCKS = 3
"""Above it, an encounter has more than the two or three stat blocks that can be run with ease."""


@dataclass(frozen=True, slots=True)
class Foe:
    """Some creatures of one kind.

    Attributes:
        name: The stat block's name, or the notes' own.
        count: How many, 1 to 1,000.
        cr: Challenge Rating.
        xp: Experience points for one.
        creature: The stat block; None when only the rating is known.

    Raises:
        InvalidInput: The count is out of bounds or the XP are negative.
    """

    name: str
    count: int
    cr: float
    xp: int
    creature: Creature | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MAX_COUNT:
            raise InvalidInput(f"{self.name}: a fight has 1 to {MAX_COUNT} of one kind, not {self.count}.")
        if self.xp < 0:
            raise InvalidInput(f"{self.name}: XP cannot be negative.")

    @classmethod
    def of(cls, what: Creature | tuple[str, float], count: int = 1) -> Foe:
        """Make a foe of a creature, or of a name and a Challenge Rating.

        Raises:
            InvalidInput: The rules have no such Challenge Rating, or the count is out of bounds.
        """
        if isinstance(what, Creature):
            return cls(what.name, count, what.cr, what.xp, what)
        name, cr = what
        return cls(name, count, cr, xp_for_cr(cr))

    def __str__(self) -> str:
        return f"{self.count} {self.name if self.count == 1 else plurals(self.name)[0]}"


@dataclass(frozen=True, slots=True)
class Rating:
    """What the rules say about a fight.

    Attributes:
        party: Who fights.
        foes: Whom.
        budget: The party's marks.
        xp: The sum of the foes' XP.
        multiplier: 1 in 2024.
        adjusted_xp: What is measured against the marks: ``xp`` times ``multiplier``, rounded down.
        difficulty: The word; see ``Budget.difficulty`` for what it means.
        warnings: What the numbers do not show, one line each.
    """

    party: Party
    foes: tuple[Foe, ...]
    budget: Budget
    xp: int
    multiplier: float
    adjusted_xp: int
    difficulty: str
    warnings: tuple[str, ...]

    @property
    def rules(self) -> Rules:
        """The edition."""
        return self.budget.rules

    @property
    def text(self) -> str:
        """One line: the XP, the marks, the party and the difficulty."""
        adjusted = f" × {self.multiplier:g} = {self.adjusted_xp:,}" if self.rules == "2014" else ""
        words = f"{self.xp:,} XP{adjusted} against {self.budget} for {self.party.words}"
        return f"{words}: {self.difficulty} ({self.rules} rules)"


def rate(foes: Iterable[Foe | tuple[Creature | tuple[str, float], int]], party: Party, rules: Rules = "2024") -> Rating:
    """Measure a fight.

    Args:
        foes: Foes, or pairs of a creature, or of a name and its Challenge Rating, with how many.
        party: Who fights them; leave out who is absent.
        rules: The edition.

    Raises:
        InvalidInput: A count or a Challenge Rating is out of bounds, or there are no such rules.
    """
    listed = tuple(foe if isinstance(foe, Foe) else Foe.of(*foe) for foe in foes)
    budget = Budget.of(party, rules)
    xp = sum(foe.xp * foe.count for foe in listed)
    times = multiplier(sum(foe.count for foe in listed), party.size, rules)
    adjusted = int(xp * times)  # multipliers are halves and marks are whole: rounding down never changes the word
    warnings = tuple(_warnings(listed, party, budget, adjusted))
    return Rating(party, listed, budget, xp, times, adjusted, budget.difficulty(adjusted), warnings)


def _warnings(foes: tuple[Foe, ...], party: Party, budget: Budget, xp: int) -> Iterator[str]:
    creatures = sum(foe.count for foe in foes)
    ceiling = budget.marks[-1][1]
    if budget.rules == "2024" and xp > ceiling:
        yield f"{xp - ceiling:,} XP over the high budget: characters may die."
    # The 2014 multiplier has the numbers in it already.
    if budget.rules == "2024" and creatures > 2 * party.size:
        hint = " at these levels a few lucky hits decide." if party.average_level <= 2 else " let some be fragile."
        facing = f"{number_word(party.size)} character{'s' if party.size > 1 else ''}"
        yield f"{creatures} creatures are more than two for each of {facing};{hint}"
    for foe in {foe.name: foe for foe in foes}.values():
        if foe.cr > party.average_level:
            level = f"{party.average_level:.1f}".removesuffix(".0")
            yield (
                f"{foe.name} (CR {cr_text(foe.cr)}) is above the party's level ({level}):"
                " one action of it can take a character out."
            )
    blocks = len({foe.name for foe in foes})
    if blocks > MANY_STAT_BLOCKS:
        yield f"{blocks} stat blocks are a lot to run at once: two or three are enough."
    critters = sum(foe.count for foe in foes if foe.cr == 0)
    if critters > party.size or any(foe.xp == 0 for foe in foes):
        yield f"{critters} of CR 0 add turns rather than danger: use few, or one swarm."
