"""How much of a day's fighting a party has had.

The 2014 rules give each level the adjusted XP of a day between two long rests. The 2024 rules (SRD 5.2.1) give none, so
by them the fights are counted and added up, and no share of anything is claimed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from fablewright.gm.rules.budget import day_budget
from fablewright.gm.rules.party import number_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.budget import Budget
    from fablewright.gm.rules.party import Party
    from fablewright.gm.rules.rating import Rating

__all__ = ["day_of", "day_text"]


def day_of(fights: Sequence[Rating]) -> str:
    """Return, in a sentence or two, what a day's fights come to; there is at least one."""
    first = fights[0]
    spent = sum(fight.adjusted_xp for fight in fights)
    if first.rules == "2014":
        day = day_budget(first.party)
        left = f"{day - spent:,} are left" if spent <= day else f"{spent - day:,} more than that"
        return f"The day: {spent:,} of {day:,} adjusted XP for {first.party.words} ({spent / day:.0%}); {left}."
    words = Counter(fight.difficulty for fight in fights)
    listed = ", ".join(f"{number_word(count)} {word}" for word, count in words.items())
    counted = f"{number_word(len(fights))} fight{'s' if len(fights) > 1 else ''}"
    return (
        f"The day: {counted} ({listed}), {spent:,} XP together. The 2024 rules have no XP budget for a day, so this is "
        "a count and no verdict."
    )


def day_text(budget: Budget, party: Party) -> str:
    """Return what a day may bring a party that has not fought yet."""
    if budget.rules == "2014":
        day = day_budget(party)
        fights = ", ".join(f"{day / xp:.1f} {word}" for word, xp in budget.marks)
        return f"A day is {day:,} adjusted XP for {party.words}: as much as {fights} fights. (2014 rules)"
    return (
        f"The 2024 rules have no XP budget for a day; a fight may cost {budget} for {party.words}. "
        f"By the 2014 rules a day would be {day_budget(party):,} adjusted XP."
    )
