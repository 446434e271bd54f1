"""The table that a scene is for: who plays, by which rules, and what a fight weighs for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.reading.limits import NO_LIMITS
from fablewright.gm.rules import rating
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.limits import Limits
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.budget import Rules
    from fablewright.gm.rules.party import Party
    from fablewright.gm.scene.scenario import Foe

__all__ = ["Table", "balance_lines", "weigh"]


@dataclass(frozen=True, slots=True)
class Table:
    """Who plays, by which rules, and within which limits."""

    party: Party
    rules: Rules
    bestiary: Bestiary
    limits: Limits = NO_LIMITS


def balance_lines(foes: Sequence[rating.Foe], table: Table) -> tuple[Line, ...]:
    """Return what a fight weighs for the table, and the warnings of the rules."""
    try:
        rated = rating.rate(foes, table.party, table.rules)
    except InvalidInput as error:
        return (Line(str(error), Origin.BY_RULE),)
    return tuple(Line(text, Origin.BY_RULE) for text in (f"{rated.text}.", *rated.warnings))


def weigh(foes: Sequence[Foe], table: Table) -> tuple[Line, ...]:
    """Return what the foes of a scene weigh, those with a number and a rating; a secret if one of them is."""
    listed = [
        rating.Foe(foe.name, foe.count, foe.cr, foe.xp)
        for foe in foes
        if foe.count and foe.cr is not None and foe.xp is not None
    ]
    lines = balance_lines(listed, table) if listed else ()
    secret = any(foe.secret for foe in foes)  # what a fight weighs tells who is in it
    return tuple(replace(line, secret=secret) for line in lines)
