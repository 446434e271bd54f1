from __future__ import annotations

import time
from itertools import combinations, product
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import Bestiary, load_bestiary
from fablewright.gm.rules.encounter import Encounter, build
from fablewright.gm.rules.party import Party, parse_party

parties = st.lists(st.integers(1, 20), min_size=1, max_size=7).map(lambda levels: Party(tuple(levels)))
difficulties = st.sampled_from(("low", "moderate", "high"))


def check(encounter: Encounter, party: Party, kinds: int = 3) -> None:
    spent = sum(foe.count * foe.xp for foe in encounter.foes)
    assert 0 < spent <= encounter.rating.budget[encounter.difficulty]
    assert spent == encounter.rating.xp
    assert sum(foe.count for foe in encounter.foes) <= 2 * party.size
    assert 1 <= len(encounter.foes) <= kinds
    assert len({foe.name for foe in encounter.foes}) == len(encounter.foes)
    assert [foe.xp for foe in encounter.foes] == sorted((foe.xp for foe in encounter.foes), reverse=True)


@settings(deadline=None)
@given(parties, difficulties, st.integers(0, 2**32), st.integers(1, 3))
def test_any_party_gets_a_fight_within_its_budget(party: Party, difficulty: str, seed: int, kinds: int) -> None:
    encounter = build(party, difficulty, load_bestiary(), Random(seed), max_stat_blocks=kinds)
    check(encounter, party, kinds)
    assert not encounter.rating.warnings
    if kinds > 1:  # with the whole bestiary there is always a way
        assert encounter.rating.xp >= 0.75 * encounter.rating.budget[difficulty]


def fullest(bestiary: Bestiary, party: Party, ceiling: int) -> int:
    """The most that up to three kinds can cost, by trying every choice and every number."""
    pool = [one for one in bestiary.creatures if one.xp <= ceiling and one.cr <= party.average_level]
    best = 0
    for kinds in (1, 2, 3):
        for chosen in combinations(pool, kinds):
            for counts in product(range(1, 2 * party.size + 1), repeat=kinds):
                cost = sum(one.xp * count for one, count in zip(chosen, counts, strict=True))
                if sum(counts) <= 2 * party.size and best < cost <= ceiling:
                    best = cost
    return best


@pytest.mark.parametrize("seed", range(40))
def test_three_quarters_are_spent_wherever_brute_force_can(seed: int) -> None:
    rng = Random(seed)
    usual = [one for one in load_bestiary().creatures if 0 < one.cr <= 3]
    few = Bestiary(rng.sample(usual, rng.randint(1, 5)))
    party = Party(tuple(rng.randint(1, 4) for _ in range(rng.randint(1, 4))))
    difficulty = rng.choice(("low", "moderate", "high"))
    theme = " ".join(sorted(few.types))
    try:
        encounter = build(party, difficulty, few, rng, theme=theme)
    except InvalidInput as error:
        assert "fits a budget of" in str(error)  # noqa: PT017 - the creatures drawn may all be too dear
        return
    check(encounter, party)
    ceiling = encounter.rating.budget[difficulty]
    most = fullest(few, party, ceiling)
    if most:
        assert encounter.rating.xp >= min(most, 0.75 * ceiling)


def test_the_same_dice_build_the_same_fight_and_others_another() -> None:
    fights = [build(parse_party("4x3"), "high", load_bestiary(), Random(seed)).text for seed in range(20)]
    again = [build(parse_party("4x3"), "high", load_bestiary(), Random(seed)).text for seed in range(20)]
    assert fights == again
    assert len(set(fights)) > 10


@pytest.mark.parametrize(
    ("theme", "names"),
    [
        ("bandits", {"Bandit", "Bandit Captain"}),
        ("Goblin", {"Goblin Boss", "Goblin Warrior", "Goblin Minion"}),
        ("thugs", {"Tough"}),
        ("rats", {"Swarm of Rats"}),
        ("white dragon", {"White Dragon Wyrmling"}),
        (
            "goblin wolf",
            {
                "Goblin Boss",
                "Goblin Warrior",
                "Goblin Minion",
                "Wolf",
                "Dire Wolf",
                "Giant Wolf Spider",
                "Winter Wolf",
            },
        ),
    ],
)
def test_themes_by_name(theme: str, names: set[str]) -> None:
    seen = set()
    for seed in range(30):
        encounter = build(parse_party("5x3"), "high", load_bestiary(), Random(seed), theme=theme)
        check(encounter, parse_party("5x3"))
        seen |= {foe.name for foe in encounter.foes}
    assert seen == names


@pytest.mark.parametrize("theme", ["undead", "fiends", "Plant", "beasts", "fey"])
def test_themes_by_type(theme: str) -> None:
    for seed in range(10):
        encounter = build(parse_party("4x3"), "moderate", load_bestiary(), Random(seed), theme=theme)
        types = {foe.creature.type for foe in encounter.foes if foe.creature}
        assert len(types) == 1
        assert types.pop() in {theme.lower(), theme.lower().removesuffix("s")}


def test_without_a_theme_nobody_good_and_nothing_bound_to_water() -> None:
    met = set()
    for seed in range(300):
        encounter = build(parse_party("4x5"), "moderate", load_bestiary(), Random(seed))
        met |= {foe.creature for foe in encounter.foes if foe.creature}
    assert not [one.name for one in met if one.alignment.endswith("good")]
    assert not {one.name for one in met} & {"Reef Shark", "Hunter Shark", "Giant Octopus", "Killer Whale"}
    assert len(met) > 60


def test_people_may_say_the_words_of_2014() -> None:
    for said, meant in (("easy", "low"), ("Medium", "moderate"), ("hard ", "high")):
        assert build(parse_party("4x2"), said, load_bestiary(), Random(0)).difficulty == meant


def test_one_line() -> None:
    encounter = build(parse_party("4x2"), "moderate", load_bestiary(), Random(0), theme="bandits")
    assert encounter.text == "1 Bandit Captain, 6 Bandits"


@pytest.mark.parametrize(
    ("difficulty", "theme", "kinds", "complaint"),
    [
        ("deadly", None, 3, "low, moderate, high, not 'deadly'"),
        ("low", "teapots", 3, "No creature fits the theme 'teapots'.*undead"),
        ("low", "tarrasque", 3, "Tarrasque costs 155,000 XP"),
        ("low", None, 0, "at least 1 stat block"),
    ],
)
def test_what_cannot_be_built_says_why(difficulty: str, theme: str | None, kinds: int, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint) as caught:
        build(parse_party("4x2"), difficulty, load_bestiary(), Random(0), theme=theme, max_stat_blocks=kinds)
    assert "\n" not in str(caught.value)


def test_blank_themes_are_none() -> None:
    plain = build(parse_party("4x2"), "low", load_bestiary(), Random(3))
    assert build(parse_party("4x2"), "low", load_bestiary(), Random(3), theme=" , ").foes == plain.foes


@pytest.mark.benchmark
def test_the_slowest_searches_stay_quick() -> None:
    for theme, party in (
        ("goblins", "20x20"),
        ("ooze", "6x10"),
        (None, "20x20"),
        ("red dragon", "4x5"),
        ("beast", "20x20"),
    ):
        start = time.perf_counter()
        build(parse_party(party), "high", load_bestiary(), Random(1), theme=theme)
        assert time.perf_counter() - start < 0.5
