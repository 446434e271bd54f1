"""Encounters built to a difficulty: a leader with followers, or a pack, that the XP budget can pay for.

A budget of the 2024 rules is a ceiling (SRD 5.2.1, Gameplay Toolbox): a built encounter never costs more,
and spends at least three quarters of it wherever the creatures at hand allow that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.rules.budget import Budget, xp_for_cr
from fablewright.gm.rules.creature import Creature, plurals
from fablewright.gm.rules.difficulty_class import dc
from fablewright.gm.rules.rating import Foe, Rating, rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.party import Party

__all__ = ["Budget", "Encounter", "Foe", "Rating", "build", "dc", "rate", "xp_for_cr"]

_ALSO = {"easy": "low", "medium": "moderate", "hard": "high"}  # what people say who learned the 2014 words
_PER_CHARACTER = 2  # creatures; the SRD warns beyond
_ENOUGH = 0.75  # share of the budget that is spent well enough
_TRIES = 60  # leaders drawn before the exact search; one is nearly always enough

_Plan = Counter[Creature]


@dataclass(frozen=True, slots=True)
class Encounter:
    """A fight made to measure.

    Attributes:
        foes: The leader first.
        rating: What the rules say about it.
        difficulty: The difficulty asked for: ``low``, ``moderate`` or ``high``.
        theme: The theme asked for; empty for none.
    """

    foes: tuple[Foe, ...]
    rating: Rating
    difficulty: str
    theme: str = ""

    @property
    def text(self) -> str:
        """One line: ``1 Bandit Captain, 4 Bandits``."""
        return ", ".join(map(str, self.foes))


def build(
    party: Party,
    difficulty: str,
    bestiary: Bestiary,
    rng: Random,
    *,
    theme: str | None = None,
    max_stat_blocks: int = 3,
) -> Encounter:
    """Build an encounter by the 2024 rules; equal ``rng`` states give equal encounters.

    Args:
        party: For whom.
        difficulty: ``low``, ``moderate`` or ``high``; ``easy``, ``medium`` and ``hard`` mean the same.
        bestiary: Out of which creatures.
        rng: The dice.
        theme: Types or words of names, singular or plural: ``undead``, ``bandits``, ``goblin wolf``. Without
            one,
            creatures of one type are put together, on dry land and not of good alignment.
        max_stat_blocks: How many kinds at most, 1 or more.

    Raises:
        InvalidInput: The difficulty is unknown, no creature fits the theme, or the weakest is over the
            budget.
    """
    if max_stat_blocks < 1:
        raise InvalidInput(f"An encounter needs at least 1 stat block, not {max_stat_blocks}.")
    word = " ".join(difficulty.casefold().split())
    word = _ALSO.get(word, word)
    ceiling = Budget.of(party)[word]
    pool = _affordable(_themed(bestiary, theme), party, ceiling, theme)
    plan = _plan(pool, ceiling, _PER_CHARACTER * party.size, max_stat_blocks, rng)
    foes = tuple(Foe.of(creature, count) for creature, count in sorted(plan.items(), key=lambda item: -item[0].xp))
    return Encounter(foes, rate(foes, party), word, theme or "")


def _themed(bestiary: Bestiary, theme: str | None) -> Sequence[Creature]:
    words = (theme or "").casefold().replace(",", " ").split()
    if not words:
        return [creature for creature in bestiary.creatures if _is_usual(creature)]
    matches = [
        [creature for creature in bestiary.creatures if _is_about(creature, word, bestiary)]
        for word in (" ".join(words), *words)
    ]
    names = [{creature.name for creature in found} for found in matches[1:]]
    # "red dragon" means both words, "goblin wolf" either.
    wanted = {creature.name for creature in matches[0]} or set.intersection(*names) or set.union(*names)
    if not wanted:
        known = ", ".join(sorted(bestiary.types))
        raise InvalidInput(f"No creature fits the theme {' '.join(words)[:40]!r}: name a creature or a type ({known}).")
    return [creature for creature in bestiary.creatures if creature.name in wanted]


def _is_about(creature: Creature, word: str, bestiary: Bestiary) -> bool:
    """Whether a word is its type, a word of its name, or a name of it or its kin, in singular or plural."""
    stems = (creature.type, *creature.name.casefold().split())
    forms = {*stems, *(form for stem in stems for form in plurals(stem))}
    if forms & {word, *plurals(word)}:
        return True
    found = bestiary.find(word)
    return found is not None and (found.creature == creature or _is_kin(creature, found.creature))


def _is_usual(creature: Creature) -> bool:
    """Whether a party could meet it anywhere as a foe: not bound to water, not on the side of the good."""
    ways = dict(creature.speed)
    in_water = "swim" in ways and max((feet for way, feet in creature.speed if way != "swim"), default=0) <= 10
    return not in_water and not creature.alignment.endswith("good")


def _affordable(pool: Sequence[Creature], party: Party, ceiling: int, theme: str | None) -> list[Creature]:
    within = [creature for creature in pool if 0 < creature.xp <= ceiling]
    if not within:
        what = f"for the theme {theme!r}" if theme else "at hand"
        weakest = min(pool, key=lambda creature: creature.xp, default=None)
        cost = f": {weakest.name} costs {weakest.xp:,} XP" if weakest else ""
        raise InvalidInput(f"No creature {what} fits a budget of {ceiling:,} XP{cost}.")
    # One above the party's level can take a character out with one action: only where there is nothing else.
    return [creature for creature in within if creature.cr <= party.average_level] or within


def _plan(pool: list[Creature], ceiling: int, most: int, kinds: int, rng: Random) -> _Plan:
    best: _Plan = Counter()
    # CR 0 creatures make no fight: they lead only where the theme has nothing else.
    leaders = [creature for creature in pool if creature.cr > 0] or pool
    strong = [creature for creature in leaders if creature.xp * most >= _ENOUGH * ceiling] or leaders
    # The type is drawn first: beasts are a quarter of the rules' creatures, but not of the foes at a table.
    types = sorted({creature.type for creature in strong})
    for _ in range(_TRIES):
        kind = rng.choice(types)
        leader = rng.choice([creature for creature in strong if creature.type == kind])
        plan = _led_by(leader, pool, rng, ceiling=ceiling, most=most, kinds=kinds)
        if _cost(plan) > _cost(best):
            best = plan
        if _cost(best) >= _ENOUGH * ceiling:
            return best
    for plan in _exact(pool, ceiling, most, kinds):
        if _cost(plan) > _cost(best):
            best = plan
        if _cost(best) >= _ENOUGH * ceiling:
            break
    return best


def _led_by(leader: Creature, pool: list[Creature], rng: Random, *, ceiling: int, most: int, kinds: int) -> _Plan:
    """Draw followers for a leader, its own kin first, each in as even a number as the budget pays for."""
    plan: _Plan = Counter({leader: 1})
    for kind in range(1, kinds):
        left, places = ceiling - _cost(plan), most - plan.total()
        fitting = [c for c in pool if c not in plan and c.xp <= min(left, leader.xp) and c.cr > 0 and _fits(c, leader)]
        if not fitting or not places:
            break
        kin = [creature for creature in fitting if _is_kin(creature, leader)]
        follower = rng.choice(kin or fitting)
        affordable = min(places, left // follower.xp)
        # Half of it leaves room for a third kind.
        plan[follower] = affordable if kind == kinds - 1 else rng.randint((affordable + 1) // 2, affordable)
    followed = _filled(plan, ceiling, most, cheapest_first=True)
    if _cost(followed) >= _ENOUGH * ceiling:
        return followed
    # Too few places for so much XP: one of each, then rather many leaders than many followers.
    return _filled(Counter(dict.fromkeys(plan, 1)), ceiling, most, cheapest_first=False)


def _filled(plan: _Plan, ceiling: int, most: int, *, cheapest_first: bool) -> _Plan:
    """Spend what is left on more of the same."""
    filled = Counter(plan)
    ranked = sorted(plan, key=lambda creature: (creature.xp, creature.name), reverse=not cheapest_first)
    for creature in ranked:
        filled[creature] += min(most - filled.total(), (ceiling - _cost(filled)) // creature.xp)
    return filled


def _fits(creature: Creature, leader: Creature) -> bool:
    return creature.type == leader.type or _is_kin(creature, leader)


def _is_kin(creature: Creature, leader: Creature) -> bool:
    """Whether their names share a word: Goblin Boss and Goblin Warrior, Bandit Captain and Bandit."""
    words = set(creature.name.split()) & set(leader.name.split())
    return bool(words - {"of", "Giant", "Captain", "Swarm", "Boss", "Warrior"})


def _exact(pool: list[Creature], ceiling: int, most: int, kinds: int) -> Iterator[_Plan]:
    """Yield the fullest plans of up to three kinds, whatever goes together: what chance did not find.

    Creatures of equal XP are interchangeable here, so at most about thirty prices are combined.
    """
    priced = sorted({creature.xp: creature for creature in reversed(pool)}.values(), key=lambda c: -c.xp)
    if priced[0].xp * most <= ceiling:  # even the dearest do not use it up: there is nothing to search
        return iter([Counter({priced[0]: most})])

    def extend(plan: _Plan, first: int, left: int, places: int, blocks: int) -> Iterator[_Plan]:
        yield plan
        for at in range(first, len(priced) if blocks and places else 0):
            creature = priced[at]
            affordable = min(places, left // creature.xp)
            # The last kind is bought as often as possible; of earlier ones fewer may leave room for a better
            # rest.
            for count in range(affordable, 0, -1) if blocks > 1 else (affordable,) if affordable else ():
                more = plan + Counter({creature: count})
                yield from extend(more, at + 1, left - count * creature.xp, places - count, blocks - 1)

    return extend(Counter(), 0, ceiling, most, min(kinds, 3))


def _cost(plan: _Plan) -> int:
    return sum(creature.xp * count for creature, count in plan.items())
