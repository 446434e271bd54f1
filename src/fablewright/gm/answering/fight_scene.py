"""A fight as a part of a scene: its foes with their numbers and the parts that they play."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.rules.role import roles_in_fight
from fablewright.gm.scene.scenario import Foe, Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fablewright.gm.rules import rating
    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.rules.party import Party
    from fablewright.gm.rules.role import Role

__all__ = ["listed", "scene_foes", "stat_line"]


def scene_foes(
    foes: Sequence[rating.Foe], party: Party, notes: Mapping[str, str], own: Mapping[str, int]
) -> tuple[Foe, ...]:
    """Return the foes of a fight as a part of a scene, each with its numbers and the parts that it plays.

    Args:
        foes: Of one fight.
        party: Whom they fight.
        notes: A remark for a foe's name.
        own: For a foe's name the citation that its numbers come from; the others' are the rules'.
    """
    counted: dict[Creature, int] = {}
    for foe in foes:
        if foe.creature is not None:
            counted[foe.creature] = counted.get(foe.creature, 0) + foe.count
    roles = roles_in_fight(counted, party)
    return tuple(
        Foe(
            foe.name,
            foe.count,
            foe.cr,
            foe.xp,
            stat_line(foe.creature, roles[foe.creature], notes.get(foe.name, "")) if foe.creature else "",
            Origin.FROM_NOTES if foe.name in own else Origin.BY_RULE,
            (own[foe.name],) if foe.name in own else (),
        )
        for foe in foes
    )


def stat_line(creature: Creature, roles: Sequence[Role] = (), remark: str = "") -> str:
    """Return a creature's numbers in one line, with the parts that it plays and a remark."""
    ways = ", ".join(f"{way} {feet}" if way != "walk" else str(feet) for way, feet in creature.speed)
    parts = (f"AC {creature.ac}", f"HP {creature.hp}", f"Speed {ways}", ", ".join(roles), remark)
    return " · ".join(part for part in parts if part)


def listed(foes: Sequence[rating.Foe]) -> str:
    """Return the foes in one line: ``1 Ogre, 2 Wolves and 3 Bandits``."""
    names = [str(foe) for foe in foes]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
