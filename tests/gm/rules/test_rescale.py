"""A step of the scale, by numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.rules.rating import Foe, rate
from fablewright.gm.rules.rescale import rescaled

if TYPE_CHECKING:
    from fablewright.gm.rules.budget import Rules
    from fablewright.gm.rules.creature import Creature
    from fablewright.gm.rules.rescale import Direction

SOME = [creature for creature in load_bestiary().creatures if creature.cr <= 5][:60]
FIGHTS = st.lists(st.tuples(st.sampled_from(SOME), st.integers(1, 6)), min_size=1, max_size=3)
RULES = st.sampled_from(("2024", "2014"))


def named(name: str) -> Creature:
    (found,) = (creature for creature in load_bestiary().creatures if creature.name == name)
    return found


@given(FIGHTS, st.sampled_from(("4x1", "4x3", "5x5", "1x20")), RULES, st.sampled_from(("harder", "easier")))
def test_it_is_one_word_further_and_only_numbers_change(
    fight: list[tuple[Creature, int]], party: str, rules: Rules, direction: Direction
) -> None:
    foes = [Foe.of(creature, count) for creature, count in fight]
    who = parse_party(party)
    before = rate(foes, who, rules)
    try:
        counts = rescaled(foes, who, rules, direction)
    except InvalidInput:
        return
    now = rate([Foe.of(foe.creature, n) for foe, n in zip(foes, counts, strict=True) if foe.creature and n], who, rules)
    assert now.difficulty != before.difficulty
    assert (now.adjusted_xp > before.adjusted_xp) == (direction == "harder")
    changed = [n - foe.count for foe, n in zip(foes, counts, strict=True)]
    assert all(change >= 0 for change in changed) or all(change <= 0 for change in changed)
    if rules == "2024" and direction == "harder":
        assert now.adjusted_xp <= now.budget.marks[-1][1]


def test_the_many_come_and_go_first() -> None:
    foes = [Foe.of(named("Ogre"), 1), Foe.of(named("Goblin Warrior"), 3)]
    party = parse_party("4x3")
    ogres, goblins = rescaled(foes, party, "2024", "harder")
    assert (ogres, goblins > 3) == (1, True)
    ogres, goblins = rescaled(foes, parse_party("4x4"), "2024", "harder")
    assert ogres == 1


@pytest.mark.parametrize(("count", "direction"), [(40, "harder"), (1, "easier")])
def test_the_end_of_the_scale_is_said(count: int, direction: Direction) -> None:
    foe = Foe.of(named("Ogre"), count)
    with pytest.raises(InvalidInput, match=r"already|cannot be easier"):
        rescaled([foe], parse_party("4x3"), "2024", direction)


def test_without_anybody_it_is_said() -> None:
    with pytest.raises(InvalidInput, match="nobody"):
        rescaled([], parse_party("4x3"), "2024", "harder")
