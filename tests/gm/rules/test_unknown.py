from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.unknown import Unknown, is_list_of_foes, uncounted_foes, unknown_foes


def unknown(words: str) -> list[tuple[int, str]]:
    return [(one.count, one.name) for one in unknown_foes(words, load_bestiary().mentions(words))]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("2 frobnicators and 3 goblins", [(2, "frobnicators")]),
        ("3 goblins, a frobnicator", [(1, "frobnicator")]),
        ("an ogre with two iron wights of doom", []),  # a wight is known, whatever it is of
        ("4 orcs", [(4, "orcs")]),
        ("a pair of mud drakes and 2 wolves", [(2, "mud drakes")]),
        ("a dozen red caps", [(12, "red caps")]),
        ("2 ogres for 4 level 3 characters", []),
        ("a hard fight with 2 ogres", []),
        ("How hard are 3 ogres for my party of four?", []),
        ("0 frobnicators", []),
        ("the frobnicators", []),
        ("Build a moderate fight on a rope bridge", []),
        ("2 frobnicators behind a wagon", [(2, "frobnicators")]),
        ("Build a fight with a rope bridge and a frobnicator", [(1, "frobnicator")]),
    ],
)
def test_what_is_counted_like_creatures_and_is_not_known(words: str, found: list[tuple[int, str]]) -> None:
    assert unknown(words) == found


@pytest.mark.parametrize(
    ("name", "singular"),
    [("frobnicators", "frobnicator"), ("faeries", "faery"), ("mud wolves", "mud wolf"), ("bogmen", "bogman")],
)
def test_one_of_several(name: str, singular: str) -> None:
    assert Unknown(name, 2).singulars[0] == singular
    assert Unknown(name, 2).singulars[-1] == name


@pytest.mark.parametrize(
    ("words", "is_list"),
    [
        ("2 frobnicators and 3 goblins", True),
        ("3 goblins plus an ogre", True),
        ("an ogre, two goblins and half a dozen wolves", True),
        ("2 frobnicators", False),
        ("3 goblins at the mill", False),
        ("Tell me about 3 goblins", False),
    ],
)
def test_a_list_of_foes_is_nothing_else(words: str, is_list: bool) -> None:
    assert is_list_of_foes(words, load_bestiary().mentions(words)) is is_list


@given(st.text(max_size=200))
def test_any_text_will_do(words: str) -> None:
    for one in unknown_foes(words, load_bestiary().mentions(words)):
        assert 1 <= one.count <= 999
        assert one.name


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("build a moderate fight with owlbears and wibblers", ["wibblers"]),
        ("a hard encounter with wibblers for my table", ["wibblers"]),
        ("a fight against some mud drakes in the swamp", ["mud drakes"]),
        ("build a fight with traps and high ground", []),
        ("a fight with things to swing on and tip over", []),
        ("a moderate encounter with goblins for my table", []),
        ("a fight on a rope bridge with interesting terrain", []),
        ("a fight against my players", []),
        ("a fight with undead", []),
        ("build a deadly encounter with drow for five level 5 characters", ["drow"]),
        ("build a fight: Orcs from the hills", ["orc"]),
    ],
)
def test_what_a_fight_is_wanted_with_and_no_rule_knows(words: str, found: list[str]) -> None:
    assert [one.name for one in uncounted_foes(words, load_bestiary().mentions(words))] == found
