"""How many of which creatures: a leader with followers, or a pack, that costs what a fight of a difficulty may cost.

By the 2024 rules the cost is the sum of the XP, and a difficulty's budget is a ceiling (SRD 5.2.1, Gameplay Toolbox);
three quarters of it are well spent. By the 2014 rules the cost is the adjusted XP, a difficulty begins at its threshold
and ends below the next one; a deadly fight ends as far above its threshold as that is above the one below, for nothing
in those rules says where it does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from fablewright.gm.rules.budget import Budget, Rules, multiplier
from fablewright.gm.rules.creature import Creature
from fablewright.gm.rules.role import Role, can_lead, minion_xp, own_role
from fablewright.gm.rules.theme import is_kin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from fablewright.gm.rules.party import Party

__all__ = ["Draw", "Plan", "Target", "plan_fight"]

Plan: TypeAlias = Counter[Creature]

_PER_CHARACTER = 2  # creatures; the SRD warns beyond
_ENOUGH = 0.75  # share of a 2024 budget that is spent well enough
_TRIES = 60  # leaders drawn before the exact search; one is nearly always enough


@dataclass(frozen=True, slots=True)
class Target:
    """What a fight may cost.

    Attributes:
        party: For whom.
        rules: The edition.
        enough: From here on it is hard enough.
        ceiling: It costs no more.
    """

    party: Party
    rules: Rules
    enough: float
    ceiling: int

    @classmethod
    def of(cls, party: Party, difficulty: str, rules: Rules) -> Target:
        """Return what a fight of a difficulty may cost.

        Raises:
            InvalidInput: The rules do not know the difficulty.
        """
        budget = Budget.of(party, rules)
        mark = budget[difficulty]
        if rules == "2024":
            return cls(party, rules, _ENOUGH * mark, mark)
        marks = [xp for _, xp in budget.marks]
        above = next((xp for xp in marks if xp > mark), 2 * mark - marks[-2])
        return cls(party, rules, mark, above - 1)

    @property
    def most(self) -> int:
        """How many creatures there may be: two for each character."""
        return _PER_CHARACTER * self.party.size

    def cost(self, plan: Plan) -> int:
        """Return what is measured: XP, in 2014 multiplied by their number."""
        return self._cost(_xp(plan), plan.total())

    def _cost(self, xp: int, count: int) -> int:
        return int(xp * multiplier(count, self.party.size, self.rules))

    def allows(self, plan: Plan) -> bool:
        """Return whether there are not too many and they do not cost too much."""
        return plan.total() <= self.most and self.cost(plan) <= self.ceiling

    def left(self, plan: Plan) -> float:
        """Return how many XP one more creature may be worth; below 0 when there are enough."""
        if plan.total() >= self.most:
            return -1.0
        return self.ceiling / multiplier(plan.total() + 1, self.party.size, self.rules) - _xp(plan)

    def room(self, plan: Plan, creature: Creature) -> int:
        """Return how many more of a creature there may be."""
        xp, count = _xp(plan), plan.total()
        low, high = 0, self.most - count
        while low < high:  # every one more costs more, so halving finds the last that is allowed
            middle = (low + high + 1) // 2
            if self._cost(xp + middle * creature.xp, count + middle) <= self.ceiling:
                low = middle
            else:
                high = middle - 1
        return max(0, low)


@dataclass(frozen=True, slots=True)
class Draw:
    """What a fight is drawn from.

    Attributes:
        pool: Creatures that are allowed one by one; not empty.
        target: What they may cost.
        kinds: How many kinds at most.
        roles: Parts that have to be played; each takes a kind. What no creature can play is left out.
        rng: The dice.
        parts: The part that each creature of the pool can play, by its name: a minion, or what its numbers say.
    """

    pool: Sequence[Creature]
    target: Target
    kinds: int
    roles: Sequence[Role]
    rng: Random
    parts: Mapping[str, Role] = field(init=False)

    def __post_init__(self) -> None:
        most = minion_xp(self.target.party)
        parts = {one.name: "minion" if one.xp <= most else own_role(one) for one in self.pool}
        object.__setattr__(self, "parts", parts)

    @property
    def _led(self) -> bool:
        return "leader" in self.roles

    def leaders(self) -> list[Creature]:
        """Return the creatures that a fight may be drawn around."""
        # CR 0 creatures make no fight: they lead only where the theme has nothing else.
        leaders = [one for one in self.pool if one.cr > 0] or list(self.pool)
        target = self.target
        strong = [one for one in leaders if target.cost(Counter({one: target.most})) >= target.enough] or leaders
        if self._led:
            able = [one for one in strong if can_lead(one)]
            return [one for one in able if 4 * one.xp >= target.enough] or able or strong
        if self.roles and self.roles[0] != "minion":
            return [one for one in strong if own_role(one) == self.roles[0]] or strong
        return strong

    def around(self, leader: Creature, *, mixed: bool) -> tuple[Plan, int]:
        """Draw followers for a leader, its own kin first, each in as even a number as there is room for.

        Args:
            leader: The first creature.
            mixed: Whether a part may be played by a creature of another type, since none of the leader's can.

        Returns:
            The plan, and how many of the roles are played in it.
        """
        plan: Plan = Counter({leader: 1})
        wanted = [role for role in self.roles if role != "leader"]
        played = 0
        if wanted and not self._led and self.parts[leader.name] == wanted[0]:
            wanted.pop(0)
            played = 1
        for kind in range(1, self.kinds):
            role = wanted.pop(0) if wanted else None
            follower = self._follower(plan, leader, role, mixed=mixed)
            if follower is None:
                break
            played += role is not None
            room = self.target.room(plan, follower)
            # Half of it, or less where parts are to be played, leaves room for a third kind.
            least, most = (max(1, room // 4), (room + 1) // 2) if self.roles else ((room + 1) // 2, room)
            plan[follower] = room if kind == self.kinds - 1 else self.rng.randint(least, most)
        if self._led:
            return _filled(plan, self.target, cheapest_first=False, spare=leader), played + (len(plan) > 1)
        followed = _filled(plan, self.target, cheapest_first=True)
        if self.target.cost(followed) >= self.target.enough:
            return followed, played
        # Too few places for so much XP: one of each, then rather many leaders than many followers.
        return _filled(Counter(dict.fromkeys(plan, 1)), self.target, cheapest_first=False), played

    def _follower(self, plan: Plan, leader: Creature, role: Role | None, *, mixed: bool) -> Creature | None:
        """Draw a kind that may join: kin of the leader first, then its type, then anybody if a part needs one."""
        dearest = min(leader.xp // 2 if self._led else leader.xp, self.target.left(plan))
        there = {creature.name for creature in plan}
        able = [
            one
            for one in self.pool
            if one.xp <= dearest
            and one.cr > 0
            and one.name not in there
            and (role is None or self.parts[one.name] == role)
        ]
        kin = [one for one in able if is_kin(one, leader)]
        drawn = kin or [one for one in able if one.type == leader.type] or (able if role and mixed else [])
        return self.rng.choice(drawn) if drawn else None


def _xp(plan: Plan) -> int:
    return sum(creature.xp * count for creature, count in plan.items())


def plan_fight(draw: Draw) -> Plan:
    """Return how many of which creatures, as near to enough as the pool allows."""
    target = draw.target
    best: Plan = Counter()
    best_played = -1
    leaders = draw.leaders()
    # The type is drawn first: beasts are a quarter of the rules' creatures, but not of the foes at a table.
    types = sorted({creature.type for creature in leaders})
    for attempt in range(2 * _TRIES if draw.roles else _TRIES):
        kind = draw.rng.choice(types)
        leader = draw.rng.choice([creature for creature in leaders if creature.type == kind])
        plan, played = draw.around(leader, mixed=attempt >= _TRIES)
        if (played, target.cost(plan)) > (best_played, target.cost(best)):
            best, best_played = plan, played
        if target.cost(best) >= target.enough and best_played == len(draw.roles):
            return best
    if best_played > 0:
        return best
    for plan in _exact(draw.pool, target, draw.kinds):
        if target.cost(plan) > target.cost(best):
            best = plan
        if target.cost(best) >= target.enough:
            break
    return best


def _filled(plan: Plan, target: Target, *, cheapest_first: bool, spare: Creature | None = None) -> Plan:
    """Spend what is left on more of the same; of the one that is spared there stays one."""
    filled = Counter(plan)
    for creature in sorted(plan, key=lambda one: (one.xp, one.name), reverse=not cheapest_first):
        if creature is not spare:
            filled[creature] += target.room(filled, creature)
    return filled


def _exact(pool: Sequence[Creature], target: Target, kinds: int) -> Iterator[Plan]:
    """Yield the fullest plans of up to three kinds, whatever goes together: what chance did not find.

    Creatures of equal XP are interchangeable here, so at most about thirty prices are combined.
    """
    priced = sorted({creature.xp: creature for creature in reversed(pool)}.values(), key=lambda one: -one.xp)
    dearest = Counter({priced[0]: target.most})
    if target.allows(dearest):  # even the dearest do not use it up: there is nothing to search
        return iter([dearest])

    def extend(plan: Plan, first: int, blocks: int) -> Iterator[Plan]:
        yield plan
        for at in range(first, len(priced) if blocks else 0):
            room = target.room(plan, priced[at])
            # The last kind is bought as often as possible; of earlier ones fewer may leave room for a better rest.
            for count in range(room, 0, -1) if blocks > 1 else (room,) if room else ():
                yield from extend(plan + Counter({priced[at]: count}), at + 1, blocks - 1)

    return extend(Counter(), 0, min(kinds, 3))
