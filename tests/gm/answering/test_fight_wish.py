from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.answering.fight_wish import FightWish, absent_in, rules_in, wish_in

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary


@pytest.mark.parametrize(
    ("words", "rules"),
    [
        ("a deadly fight by the 2014 rules", "2014"),
        ("a fight with 2014 multipliers", "2014"),
        ("rules: 2014, a hard fight", "2014"),
        ("a fight under 2024", "2024"),
        ("a fight with undead", None),
        ("what happened in the year 2014?", None),
    ],
)
def test_whose_rules(words: str, rules: str | None) -> None:
    assert rules_in(words) == rules


@pytest.mark.parametrize(
    ("words", "absent"),
    [
        ("a hard fight, one player is away", "1"),
        ("build a fight without two characters", "2"),
        ("3 ogres, 2 of us can’t make it", "2"),
        ("a fight with one missing player", "1"),
        ("two guards are missing", ""),
        ("a fight for one", ""),
    ],
)
def test_who_is_absent(words: str, absent: str) -> None:
    assert absent_in(words) == absent


def test_the_words_wish(bestiary: Bestiary) -> None:
    wish = wish_in("a hard undead fight in the marsh with a leader and minions", bestiary, "2024")
    assert wish == FightWish("high", "undead", "swamp", ("leader", "minion"))
    assert wish_in("a hard fight with scouts", bestiary, "2014") == FightWish("hard", "Scout")


def test_what_is_said_first_goes_first() -> None:
    said = FightWish("low", "undead", "swamp").before(FightWish("high", "goblin", roles=("leader",)))
    assert said == FightWish("low", "undead", "swamp", ("leader",))
