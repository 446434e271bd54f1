"""The last scene, a step harder or easier: the same scene with other numbers of those who are in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.rules import rating
from fablewright.gm.rules.rescale import rescaled
from fablewright.gm.scene.scenario import Origin
from fablewright.gm.scene.table import weigh

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer
    from fablewright.gm.campaign.ports import StoredScene
    from fablewright.gm.rules.rescale import Direction
    from fablewright.gm.scene.scenario import Foe
    from fablewright.gm.scene.table import Table

__all__ = ["rescaled_scene"]


def rescaled_scene(stored: StoredScene | None, direction: Direction, table: Table) -> Answer:
    """Return the scene that was asked for last with other numbers of foes, and what the fight weighs now.

    Raises:
        InvalidInput: There is no scene, or numbers cannot change it.
    """
    answer = answer_from_data(json.loads(stored.data)) if stored is not None else None
    if answer is None or answer.scene is None:
        raise InvalidInput("There is no scene yet that could be made harder or easier: ask for one first.")
    foes = list(answer.scene.foes)
    weighed = [at for at, foe in enumerate(foes) if foe.count and foe.cr is not None and foe.xp is not None]
    counts = rescaled([_weighed(foes[at]) for at in weighed], table.party, table.rules, direction)
    for at, count in zip(weighed, counts, strict=True):
        foes[at] = _recounted(foes[at], count)
    left = tuple(foe for foe in foes if foe.count != 0)
    return replace(answer, scene=replace(answer.scene, foes=left, balance=weigh(left, table)), variants=())


def _weighed(foe: Foe) -> rating.Foe:
    assert foe.count is not None  # noqa: S101 - looked at by who calls
    assert foe.cr is not None  # noqa: S101 - as above
    assert foe.xp is not None  # noqa: S101 - as above
    return rating.Foe(foe.name, foe.count, foe.cr, foe.xp)


def _recounted(foe: Foe, count: int) -> Foe:
    """Return a foe with another number, which no note says; the note's stands beside it."""
    if count == foe.count:
        return foe
    was = f"{foe.count} in your notes" if foe.origin in {Origin.QUOTED, Origin.FROM_NOTES} else f"{foe.count} before"
    return replace(foe, count=count, origin=Origin.BY_RULE, note=" · ".join(filter(None, (foe.note, was))))
