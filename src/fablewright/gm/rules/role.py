"""What part a creature plays in a fight, derived by rule from the numbers that we have.

Two parts come from the company it keeps:

* ``leader``: the only one of its kind, with followers, worth at least twice the XP of each of them, and with an
  Intelligence of at least 6: it gives the orders;
* ``minion``: worth at most a quarter of what a moderate fight may cost for one character, among others.

One comes from its own scores:

* ``artillery``: Intelligence, Wisdom or Charisma is 14 or more and no lower than Strength and Dexterity, and
  Intelligence is at least 8: it has better ways than its arms, and fights from afar;
* ``skirmisher``: Dexterity beats Strength by 2 or more; or it flies, burrows, climbs or walks 40 feet or more a turn,
  is no larger than Medium, and its Dexterity is no lower than its Strength;
* ``brute``: everything else: it walks up and hits.

These are no rules of the SRD, which has no roles; they are ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.rules.party import Party

__all__ = ["ROLES", "Role", "can_lead", "is_minion", "minion_xp", "own_role", "role_named", "roles_in_fight"]

Role = Literal["leader", "brute", "skirmisher", "artillery", "minion"]
ROLES: tuple[Role, ...] = get_args(Role)

_SAID: Mapping[str, Role] = {
    "boss": "leader",
    "captain": "leader",
    "chief": "leader",
    "caster": "artillery",
    "spellcaster": "artillery",
    "archer": "artillery",
    "tank": "brute",
    "lackey": "minion",
    "mook": "minion",
    "scout": "skirmisher",
}


def can_lead(creature: Creature) -> bool:
    """Return whether it is clever enough to give orders."""
    return creature.abilities[3] >= 6


def own_role(creature: Creature) -> Role:
    """Return the part that a creature's own numbers give it."""
    strength, dexterity, _, *mental = creature.abilities
    if max(mental) >= max(14, strength, dexterity) and mental[0] >= 8:
        return "artillery"
    fast = max((feet for _, feet in creature.speed), default=0) >= 40 and creature.size in ("tiny", "small", "medium")
    if dexterity >= strength + 2 or (fast and dexterity >= strength):
        return "skirmisher"
    return "brute"


def is_minion(creature: Creature, party: Party) -> bool:
    """Return whether it is worth at most a quarter of one character's share of a moderate fight."""
    return creature.xp <= minion_xp(party)


def minion_xp(party: Party) -> float:
    """Return what a minion is worth at most."""
    return Budget.of(party)["moderate"] / party.size / 4


def roles_in_fight(fight: Mapping[Creature, int], party: Party) -> dict[Creature, tuple[Role, ...]]:
    """Return the parts of each creature in a fight of so many of each: what its company makes of it, then its own."""
    return {creature: (*_in_company(creature, fight, party), own_role(creature)) for creature in fight}


def _in_company(creature: Creature, fight: Mapping[Creature, int], party: Party) -> tuple[Role, ...]:
    others = [other for other in fight if other is not creature]
    if others and fight[creature] == 1 and can_lead(creature) and all(creature.xp >= 2 * other.xp for other in others):
        return ("leader",)
    return ("minion",) if others and is_minion(creature, party) else ()


def role_named(word: str) -> Role:
    """Return the role of that name, singular or plural, or of a word for it.

    Raises:
        InvalidInput: There is none; the message lists them.
    """
    plain = " ".join(word.casefold().split())
    for form in (plain, plain.removesuffix("s"), plain.removesuffix("es")):
        for role in ROLES:
            if form == role or _SAID.get(form) == role:
                return role
    raise InvalidInput(f"There is no role {word[:40]!r}: say {', '.join(ROLES)}.")
