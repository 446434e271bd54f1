"""A creature that the GM made up herself: its Challenge Rating, where her notes give it one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import xp_for_cr
from fablewright.gm.rules.rating import Foe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.unknown import Unknown

__all__ = ["LookedUp", "OwnFoe", "own_foe"]

_CR = re.compile(
    r"(?:\bCR\b|\bChallenge(?:\s+Rating)?\b)[\s*_:|]{0,8}(?P<over>\d{1,2})(?:/(?P<under>[248]))?", re.IGNORECASE
)
_LEAST_TIME = 0.5
"""Seconds that have to be left for another search."""
_REACH = 400
"""Characters behind a name within which its Challenge Rating counts as its own."""


class OwnFoe(NamedTuple):
    """A foe and the passage that gives its numbers."""

    foe: Foe
    passage: Passage


class LookedUp(NamedTuple):
    """What came of looking a creature up.

    Attributes:
        own: None where the notes have no Challenge Rating for it.
        searched: Whether the notes could be searched at all.
    """

    own: OwnFoe | None
    searched: bool


async def own_foe(asked: Asked, unknown: Unknown) -> LookedUp:
    """Look a creature up in the notes, if there are any to be used and there is time."""
    if not asked.use_rag or asked.ctx.remaining < _LEAST_TIME:
        return LookedUp(None, searched=False)
    found = await asked.look_up(f"{unknown.singulars[0]} challenge rating CR")
    if found.documents is None:
        return LookedUp(None, searched=False)
    return LookedUp(in_passages(unknown, found.documents.passages), searched=True)


def in_passages(unknown: Unknown, passages: Iterable[Passage]) -> OwnFoe | None:
    """Return the creature as the first passage has it that gives it a Challenge Rating."""
    for passage in passages:
        cr = _cr_in(unknown, passage)
        if cr is None:
            continue
        try:
            xp = xp_for_cr(cr)
        except InvalidInput:
            continue
        return OwnFoe(Foe(unknown.singulars[0].capitalize(), unknown.count, cr, xp), passage)
    return None


def _cr_in(unknown: Unknown, passage: Passage) -> float | None:
    text = passage.text.casefold().replace("’", "'")
    for name in unknown.singulars:
        whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
        if passage.heading and whole.search(passage.heading[-1].casefold()):
            start, end = 0, len(text)
        elif named := whole.search(text):
            start, end = named.start(), named.end() + _REACH
        else:
            continue
        found = _CR.search(text, start, end)
        if found:
            return int(found["over"]) / int(found["under"] or 1)
    return None
