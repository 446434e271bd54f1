from __future__ import annotations

import pytest

from fablewright.gm.finding.kind import kinds_of


def names(question: str) -> set[str]:
    return {kind.name for kind in kinds_of(question)}


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How hard is the mill fight for my party?", "fight"),
        ("Build me a moderate fight in a crypt for five level 3 characters", "fight"),
        ("Put together a brawl on a pier: an ambush for four level 2s", "fight"),
        ("A battlefield in the fens for level 4 heroes: how many foes?", "fight"),
        ("A dozen weak enemies against three characters of level 1: is that wise?", "fight"),
        ("Is the cellar fight ok? Four bandits, asleep", "fight"),
        ("Would two owlbears kill a party of five level 3s?", "fight"),
        ("Ade can't come on Friday. How do I run the fight?", "adjust"),
        ("Describe the mill at night", "scene"),
        ("They open the door to the mill", "scene"),
        ("Who owns the mill?", "who"),
        ("What happened last session?", "recap"),
        ("How do potions work at our table?", "table"),
        ("What spells do they have left?", "now"),
        ("Which player knows the miller?", "party"),
        ("What are the stats of the miller's dog?", "stats"),
    ],
)
def test_questions_have_kinds(question: str, kind: str) -> None:
    assert kind in names(question)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How hard is it to find food in winter?", "fight"),
        ("How did the miller survive the fire?", "fight"),
        ("Does the fine for fighting in the market go to the reeve?", "fight"),
        ("They hide from the battle on the hill", "fight"),
        ("Who won the battle of the fens against the old queen?", "fight"),
        ("Who owns the mill?", "scene"),
        ("What does a rope cost?", "stats"),
    ],
)
def test_and_are_not_of_others(question: str, kind: str) -> None:
    assert kind not in names(question)


def test_a_fight_to_be_weighed_is_no_scene() -> None:
    assert "scene" not in names("Build me a hard fight with two ogres")
    assert {"fight", "scene"} <= names("Describe the scene, and tell me whether the fight is fair: balance the fight")
