"""The improviser: a scene without any notes, out of tables and rules, all of it marked as what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules import rating
from fablewright.gm.rules.bestiary import Bestiary
from fablewright.gm.rules.difficulty_class import dc
from fablewright.gm.rules.encounter import Encounter, build
from fablewright.gm.rules.presence import MOST_HERE
from fablewright.gm.scene.invention import invent
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene
from fablewright.gm.scene.table import Table, balance_lines
from fablewright.gm.scene.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

__all__ = ["improvise", "scene_foes"]


def improvise(request: str, table: Table, rng: Random, wishes: Wishes | None = None) -> Scene:
    """Invent a scene to the GM's words; equal words, tables, ``rng`` states and wishes give equal scenes."""
    wishes = wishes or Wishes()
    invention = invent(request, rng, wishes.tone)
    encounter = _named(request, table, rng) or _encounter(invention.foes, table, rng)
    checks = tuple(
        Check(
            check.skill,
            dc(check.difficulty),
            _invented(check.purpose),
            _invented(check.success),
            _invented(check.failure),
            Origin.INVENTED,
        )
        for check in invention.checks
    )
    scene = Scene(
        title=_invented(invention.title),
        read_aloud=(_invented(" ".join(invention.read_aloud)),),
        here=tuple(map(_invented, invention.here)),
        checks=checks,
        foes=scene_foes(encounter),
        balance=balance_lines(encounter.foes, table),
        options=tuple(Option(_invented(option.action), _invented(option.consequence)) for option in invention.options),
        consequences=tuple(map(_invented, invention.consequences)),
        loot=tuple(map(_invented, invention.loot)),
    )
    return _shortened(scene) if wishes.length == "short" else scene


def _shortened(scene: Scene) -> Scene:
    return replace(
        scene,
        here=scene.here[:2],
        checks=scene.checks[:2],
        options=scene.options[:2],
        consequences=scene.consequences[:1],
        loot=scene.loot[:1],
    )


def scene_foes(encounter: Encounter) -> tuple[Foe, ...]:
    """Return the foes of a built encounter as a part of a scene."""
    return tuple(Foe(foe.name, foe.count, foe.cr, foe.xp, "", Origin.BY_RULE) for foe in encounter.foes)


def _named(request: str, table: Table, rng: Random) -> Encounter | None:
    """Return the fight that the GM's own words ask for: as many as she says, else as many as are a moderate fight."""
    mentions = table.bestiary.mentions(request)
    counted = [rating.Foe.of(m.creature, m.count) for m in mentions if m.count and m.count <= MOST_HERE]
    if counted:
        return Encounter(tuple(counted), rating.rate(counted, table.party, table.rules), "as asked for")
    creatures = [mention.creature for mention in mentions]
    if not creatures:
        return None
    try:
        return build(table.party, "moderate", Bestiary(creatures), rng, rules=table.rules)
    except InvalidInput:  # even one is over the budget: one it is, and the balance says so
        one = [rating.Foe.of(creature) for creature in creatures[:1]]
        return Encounter(tuple(one), rating.rate(one, table.party, table.rules), "as asked for")


def _encounter(names: Iterable[str], table: Table, rng: Random) -> Encounter:
    """Build a moderate fight out of the creatures that fit the place; out of all where those are too strong."""
    fitting = [found.creature for name in names if (found := table.bestiary.find(name)) is not None]
    for bestiary in (Bestiary(fitting), table.bestiary):
        try:
            return build(table.party, "moderate", bestiary, rng, rules=table.rules)
        except InvalidInput:
            continue
    return build(table.party, "high", table.bestiary, rng, rules=table.rules)


def _invented(text: str) -> Line:
    return Line(text, Origin.INVENTED)
