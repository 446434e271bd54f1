from __future__ import annotations

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.habitat import _tables, habitat_in, habitat_named, habitats, habitats_of, is_bound_to_water


def test_every_creature_lives_somewhere_and_every_place_has_creatures_for_many_levels() -> None:
    homes = {creature: habitats_of(creature) for creature in load_bestiary().creatures}
    for creature, places in homes.items():
        assert places, creature.name
        assert places <= set(habitats()), creature.name
    for place in habitats():
        ratings = [creature.cr for creature, places in homes.items() if place in places]
        assert len(ratings) >= 20, place
        assert min(ratings) < 1, place
        assert max(ratings) >= 5, place


def test_every_word_of_the_table_is_in_a_name() -> None:
    names = [creature.name for creature in load_bestiary().creatures]
    said = _tables()
    unused = [words for words in said.words if not any(words in said.names.findall(name) for name in names)]
    assert not unused


@pytest.mark.parametrize(
    ("name", "lives", "not_in"),
    [
        ("Adult White Dragon", "arctic", "swamp"),
        ("Young Black Dragon", "swamp", "mountain"),
        ("Giant Bat", "underground", "underwater"),
        ("Zombie", "ruins", "planes"),
        ("Swarm of Venomous Snakes", "swamp", "arctic"),
        ("Guardian Naga", "ruins", "urban"),  # no guard, though its name begins like one
        ("Hunter Shark", "underwater", "coast"),
    ],
)
def test_names_say_where(name: str, lives: str, not_in: str) -> None:
    found = load_bestiary().find(name)
    assert found is not None
    assert lives in habitats_of(found.creature)
    assert not_in not in habitats_of(found.creature)


def test_who_cannot_walk_is_met_in_water_only() -> None:
    swimmers = [creature for creature in load_bestiary().creatures if is_bound_to_water(creature)]
    assert len(swimmers) > 10
    for creature in swimmers:
        assert habitats_of(creature) <= {"coast", "swamp", "underwater"}


@pytest.mark.parametrize(
    ("words", "habitat"),
    [
        ("an ambush in the Salt Marshes", "swamp"),
        ("build a fight in the sewers", "urban"),
        ("a hard fight in a CAVE", "underground"),
        ("a deep sea fight", "underwater"),
        ("a fight with woodworms", ""),
    ],
)
def test_a_request_says_where(words: str, habitat: str) -> None:
    assert habitat_in(words) == habitat


def test_other_words_for_a_habitat_will_do_and_wrong_ones_list_the_right_ones() -> None:
    assert habitat_named(" Marsh ") == "swamp"
    with pytest.raises(InvalidInput, match="There is no habitat 'teapot': say arctic, coast, desert"):
        habitat_named("teapot")
