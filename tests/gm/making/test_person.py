from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.making.person import Known, Person, make_person
from fablewright.gm.making.tables import load_people

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary


def person(words: str, seed: int, bestiary: Bestiary, *known: Known) -> Person:
    return make_person(words, bestiary, Random(seed), known=known)


def test_every_trade_has_numbers(bestiary: Bestiary) -> None:
    for trade, creature in load_people().trades:
        assert bestiary.find(creature) is not None, trade


def test_the_tables_are_long_enough_and_say_nothing_twice() -> None:
    people = load_people()
    for table in (people.features, people.clothes, people.manners, people.wants, people.secrets):
        assert len(table) == len(set(table)) >= 25
        assert all(entry == entry.strip() and not entry.endswith(".") for entry in table)
    assert len(people.given) * len(people.family) >= 2_000


def test_twenty_people_of_an_evening_are_twenty_different_people(bestiary: Bestiary) -> None:
    made = [person("an npc", seed, bestiary) for seed in range(20)]
    assert len({one.name for one in made}) == 20
    assert Counter(one.secret for one in made).most_common(1)[0][1] <= 4
    assert made == [person("an npc", seed, bestiary) for seed in range(20)]


@pytest.mark.parametrize(
    ("words", "trade", "creature"),
    [
        ("a nervous ferryman", "nervous ferryman", "Commoner"),
        ("give me a smuggler", "smuggler", "Spy"),
        ("an old bandit captain", "old bandit captain", "Bandit Captain"),
        ("a thug", "thug", "Tough"),
    ],
)
def test_the_words_say_what_somebody_does(words: str, trade: str, creature: str, bestiary: Bestiary) -> None:
    made = person(words, 1, bestiary)
    assert made.trade == trade
    assert made.creature is not None
    assert made.creature.name == creature


def test_the_words_may_name_them(bestiary: Bestiary) -> None:
    assert person("a baker called Mother Ash", 1, bestiary).name == "Mother Ash"


def test_a_name_of_the_notes_is_not_given_again(bestiary: Bestiary) -> None:
    taken = {name.casefold() for name in load_people().given if name != "Hob"}
    assert make_person("npc", bestiary, Random(3), taken=taken).name.startswith("Hob ")


@pytest.mark.parametrize("kind", ["person", "place"])
def test_a_bond_names_whom_the_notes_know(kind: str, bestiary: Bestiary) -> None:
    known = Known("the Old Mill" if kind == "place" else "Hob Miller", "place" if kind == "place" else "person")
    for seed in range(10):
        made = person("npc", seed, bestiary, known)
        assert made.bound_to == known
        assert known.name in made.bond
        assert made.name.split()[0] in made.bond
        assert "{" not in made.bond
    assert person("npc", 1, bestiary).bound_to is None
