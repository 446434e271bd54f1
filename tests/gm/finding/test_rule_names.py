from __future__ import annotations

import pytest

from fablewright.gm.finding.rule_names import rule_names


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("They dive after the chest: do their bows work?", "Underwater Combat"),
        ("How long can Pru hold her breath?", "Suffocation"),
        ("The rope snaps and she drops sixty feet. What now?", "Falling"),
        ("Nobody has eaten since Tuesday", "Malnutrition"),
        ("What do they get back after a full night?", "Long Rest"),
        ("He runs away from the ogre: does it get a free hit?", "Opportunity Attacks"),
        ("I rolled a natural 1", "Rolling 20 or 1"),
        ("They crouch behind an overturned cart", "Cover"),
        ("They want the reeve alive", "Knocking Out a Creature"),
    ],
)
def test_what_happens_has_a_name_in_the_rules(question: str, name: str) -> None:
    assert name in rule_names(question)


def test_a_chair_is_a_weapon_too() -> None:
    assert rule_names("She breaks a chair over his head") == ["Improvised Weapons"]


@pytest.mark.parametrize(
    "question", ["", "Who owns the inn?", "How old is the reeve's mother?", "What is a lantern worth?"]
)
def test_most_questions_are_about_no_rule(question: str) -> None:
    assert rule_names(question) == []
