from __future__ import annotations

from fablewright.gm.rules.adventuring_day import day_of, day_text
from fablewright.gm.rules.budget import Budget
from fablewright.gm.rules.party import parse_party
from fablewright.gm.rules.rating import rate

PARTY = parse_party("4x2")


def test_the_2014_rules_have_a_budget_for_a_day() -> None:
    fights = [rate([(("Ogre", 2.0), 2)], PARTY, "2014"), rate([(("Wolf", 0.25), 3)], PARTY, "2014")]
    # 900 × 1.5 + 150 × 2 = 1,650 of 4 × 600
    assert day_of(fights) == ("The day: 1,650 of 2,400 adjusted XP for four level-2 characters (69%); 750 are left.")
    assert "600 more than that" in day_of([*fights, rate([(("Ogre", 2.0), 2)], PARTY, "2014")])
    assert day_text(Budget.of(PARTY, "2014"), PARTY) == (
        "A day is 2,400 adjusted XP for four level-2 characters: as much as 12.0 easy, 6.0 medium, 4.0 hard, "
        "3.0 deadly fights. (2014 rules)"
    )


def test_the_2024_rules_have_none_and_none_is_made_up() -> None:
    text = day_of([rate([(("Ogre", 2.0), 1)], PARTY), rate([(("Wolf", 0.25), 3)], PARTY)])
    assert text.startswith("The day: two fights (one moderate, one low), 600 XP together.")
    assert "no XP budget for a day" in text
    assert "%" not in text
    assert "no XP budget for a day" in day_text(Budget.of(PARTY), PARTY)
