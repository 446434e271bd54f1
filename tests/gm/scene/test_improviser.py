from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.improviser import improvise
from fablewright.gm.scene.scenario import Origin
from fablewright.gm.scene.table import Table

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary


@pytest.mark.parametrize("party", ["1x1", "4x2", "6x10", "2x20", "20x1"])
@pytest.mark.parametrize(
    "request_", ["the crypt", "generate scenario for the first encounter", "They sail at dawn", ""]
)
def test_every_party_gets_a_whole_scene_and_a_fight_it_can_pay_for(
    bestiary: Bestiary, party: str, request_: str
) -> None:
    table = Table(parse_party(party), "2024", bestiary)
    for seed in range(5):
        scene = improvise(request_, table, random.Random(seed))
        assert scene.read_aloud
        assert scene.here
        assert scene.options
        assert scene.consequences
        assert scene.loot
        assert scene.foes
        assert all(check.dc in {5, 10, 15, 20, 25, 30} for check in scene.checks)
        assert "over the high budget" not in " ".join(line.text for line in scene.balance)


def test_nothing_of_it_claims_to_be_from_the_notes(table: Table) -> None:
    scene = improvise("the inn", table, random.Random(1))
    lines = [scene.title, *scene.read_aloud, *scene.here, *scene.consequences, *scene.loot]
    assert {line.origin for line in lines} == {Origin.INVENTED}
    assert {line.origin for line in scene.balance} == {Origin.BY_RULE}
    assert {foe.origin for foe in scene.foes} == {Origin.BY_RULE}
    assert not any(line.sources for line in lines)


def test_creatures_that_are_asked_for_come(table: Table) -> None:
    def foes(request: str) -> list[tuple[str, int | None]]:
        return [(foe.name, foe.count) for foe in improvise(request, table, random.Random(1)).foes]

    assert foes("three owlbears attack the camp") == [("Owlbear", 3)]
    assert {name for name, _ in foes("the goblin minions come out of the dark")} <= {"Goblin Minion"}
    assert foes("the ancient red dragon wakes") == [("Ancient Red Dragon", 1)]


def test_the_same_dice_give_the_same_scene(table: Table) -> None:
    first, again, other = (improvise("the inn", table, random.Random(seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_the_other_rules_weigh_the_fight_by_their_own_tables(table: Table) -> None:
    scene = improvise("the inn", replace(table, rules="2014"), random.Random(1))
    assert "(2014 rules)" in scene.balance[0].text
