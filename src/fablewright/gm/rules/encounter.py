"""Encounters built to a difficulty, by the 2024 or the 2014 rules, with a theme, a habitat and roles.

``plan`` says how a fight is put together and what it may cost, ``theme`` out of which creatures, ``role`` and
``habitat`` what those words mean; the last two are ours, for the rules have neither.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import Budget, Rules, xp_for_cr
from fablewright.gm.rules.difficulty_class import dc
from fablewright.gm.rules.habitat import habitat_named
from fablewright.gm.rules.plan import Draw, Target, plan_fight
from fablewright.gm.rules.rating import Foe, Rating, rate
from fablewright.gm.rules.role import Role, role_named, roles_in_fight
from fablewright.gm.rules.theme import fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.rules.party import Party

__all__ = ["Budget", "Encounter", "Foe", "Rating", "build", "dc", "difficulty_named", "rate", "xp_for_cr"]

_ALSO: Mapping[Rules, Mapping[str, str]] = {
    "2024": {"easy": "low", "medium": "moderate", "hard": "high", "deadly": "high"},
    "2014": {"low": "easy", "moderate": "medium", "high": "hard"},
}
"""What people say who learned the other edition's words."""


@dataclass(frozen=True, slots=True)
class Encounter:
    """A fight made to measure.

    Attributes:
        foes: The leader first.
        rating: What the rules say about it.
        difficulty: The difficulty asked for, in the words of the rules.
        theme: The theme asked for; empty for none.
        habitat: The habitat asked for; empty for none.
        roles: The parts that each foe plays, in the order of ``foes``.
    """

    foes: tuple[Foe, ...]
    rating: Rating
    difficulty: str
    theme: str = ""
    habitat: str = ""
    roles: tuple[tuple[Role, ...], ...] = ()

    @property
    def text(self) -> str:
        """One line: ``1 Bandit Captain, 4 Bandits``."""
        return ", ".join(map(str, self.foes))


def build(  # noqa: PLR0913 - a call names only what it wants
    party: Party,
    difficulty: str,
    bestiary: Bestiary,
    rng: Random,
    *,
    theme: str | None = None,
    habitat: str = "",
    roles: Sequence[str] = (),
    rules: Rules = "2024",
    max_stat_blocks: int = 3,
) -> Encounter:
    """Build an encounter; equal ``rng`` states give equal encounters.

    Args:
        party: For whom; leave out who is absent.
        difficulty: A difficulty of either edition; the other's words mean their heirs (``hard`` is ``high``).
        bestiary: Out of which creatures.
        rng: The dice.
        theme: Types or words of names, singular or plural: ``undead``, ``bandits``, ``goblin wolf``. Without one,
            creatures of one type are put together, on dry land and not of good alignment.
        habitat: Where; see ``habitat``. Empty for anywhere.
        roles: Parts that have to be played, such as ``leader`` and ``minion``; see ``role``.
        rules: The edition.
        max_stat_blocks: How many kinds at most, 1 or more.

    Raises:
        InvalidInput: A word is unknown, no creature fits, or the weakest costs too much.
    """
    if max_stat_blocks < 1:
        raise InvalidInput(f"An encounter needs at least 1 stat block, not {max_stat_blocks}.")
    word = difficulty_named(difficulty, rules)
    target = Target.of(party, word, rules)
    named = " ".join((theme or "").replace(",", " ").split())
    where = habitat_named(habitat) if habitat else ""
    parts = tuple(map(role_named, dict.fromkeys(roles)))
    pool = _affordable(fitting(bestiary, named, where), target, named)
    plan = plan_fight(Draw(pool, target, max(max_stat_blocks, len(parts)), parts, rng))
    listed = sorted(plan.items(), key=lambda item: -item[0].xp)
    played = roles_in_fight(dict(listed), party)
    foes = tuple(Foe.of(creature, count) for creature, count in listed)
    return Encounter(
        foes, rate(foes, party, rules), word, named, where, tuple(played[creature] for creature, _ in listed)
    )


def difficulty_named(difficulty: str, rules: Rules) -> str:
    """Return a difficulty in the words of an edition; what neither knows is returned as it is."""
    word = " ".join(difficulty.casefold().split())
    return _ALSO[rules].get(word, word)


def _affordable(pool: Sequence[Creature], target: Target, theme: str) -> list[Creature]:
    within = [creature for creature in pool if creature.xp > 0 and target.allows(Counter({creature: 1}))]
    if not within:
        what = f"for the theme {theme!r}" if theme else "at hand"
        weakest = min(pool, key=lambda creature: creature.xp, default=None)
        cost = f": {weakest.name} costs {weakest.xp:,} XP" if weakest else ""
        raise InvalidInput(f"No creature {what} fits a budget of {target.ceiling:,} XP{cost}.")
    # One above the party's level can take a character out with one action: only where there is nothing else.
    return [creature for creature in within if creature.cr <= target.party.average_level] or within
