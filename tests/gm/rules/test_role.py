from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.rules.role import is_minion, own_role, role_named, roles_in_fight

if TYPE_CHECKING:
    from fablewright.gm.rules.creature import Creature


def creature(name: str) -> Creature:
    found = load_bestiary().find(name)
    assert found is not None
    return found.creature


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Ogre", "brute"),
        ("Zombie", "brute"),
        ("Hill Giant", "brute"),
        ("Wolf", "skirmisher"),
        ("Goblin Warrior", "skirmisher"),
        ("Mage", "artillery"),
        ("Priest", "artillery"),
        ("Cat", "skirmisher"),  # wise for its size, but no caster
    ],
)
def test_its_own_numbers_give_a_creature_its_part(name: str, role: str) -> None:
    assert own_role(creature(name)) == role


def test_company_makes_leaders_and_minions() -> None:
    captain, bandit = creature("Bandit Captain"), creature("Bandit")
    party = parse_party("4x2")
    assert roles_in_fight({captain: 1, bandit: 4}, party) == {
        captain: ("leader", "brute"),
        bandit: ("minion", "brute"),
    }
    assert roles_in_fight({captain: 2, bandit: 4}, party)[captain] == (own_role(captain),)
    assert roles_in_fight({captain: 1}, party) == {captain: (own_role(captain),)}
    assert roles_in_fight({bandit: 8}, party) == {bandit: (own_role(bandit),)}


def test_what_is_a_minion_depends_on_who_fights_it() -> None:
    assert is_minion(creature("Ogre"), parse_party("4x9"))  # 450 XP against a quarter of 2,000
    assert not is_minion(creature("Ogre"), parse_party("4x2"))


@pytest.mark.parametrize(("word", "role"), [("Leader", "leader"), ("minions", "minion"), ("boss", "leader"),
                                            ("bosses", "leader"), ("archers", "artillery")])  # fmt: skip
def test_people_have_other_words_for_them(word: str, role: str) -> None:
    assert role_named(word) == role


def test_there_is_no_other_role() -> None:
    with pytest.raises(InvalidInput, match="There is no role 'bard': say leader, brute, skirmisher, artillery, minion"):
        role_named("bard")
