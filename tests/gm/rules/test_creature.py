from __future__ import annotations

import pytest

from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.creature import Finding, cr_text, plurals


@pytest.mark.parametrize(
    ("name", "plural"),
    [
        ("Stirge", "Stirges"),
        ("Wolf", "Wolves"),
        ("Thief", "Thieves"),
        ("Harpy", "Harpies"),
        ("Donkey", "Donkeys"),
        ("Lich", "Liches"),
        ("Swarm of Rats", "Swarms of Rats"),
        ("Minotaur of Baphomet", "Minotaurs of Baphomet"),
        ("Shrieker Fungus", "Shrieker Fungi"),
        ("Warrior Infantry", "Warrior Infantry"),
        ("Deer", "Deer"),
        ("Will-o'-Wisp", "Will-o'-Wisps"),
        ("Animated Rug of Smothering", "Animated Rugs of Smothering"),
    ],
)
def test_plural(name: str, plural: str) -> None:
    assert plurals(name)[0] == plural


def test_every_creature_has_a_plural_of_its_own() -> None:
    creatures = load_bestiary().creatures
    assert len({creature.plural for creature in creatures}) == len(creatures)


@pytest.mark.parametrize(("cr", "text"), [(0.0, "0"), (0.125, "1/8"), (0.25, "1/4"), (0.5, "1/2"), (30.0, "30")])
def test_challenge_rating_as_written(cr: float, text: str) -> None:
    assert cr_text(cr) == text


def test_a_finding_tells_of_a_new_name_only() -> None:
    creature = load_bestiary().creatures[0]
    assert Finding(creature).remark == ""
    assert Finding(creature, "Fish").remark == f"Fish (2014) is {creature.name} in the 2024 rules"
    assert Finding(creature, "Fish").name == "Fish"
