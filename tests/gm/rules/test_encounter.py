from __future__ import annotations

import time
from itertools import combinations, product
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import Bestiary, load_bestiary
from fablewright.gm.rules.encounter import Encounter, build
from fablewright.gm.rules.habitat import habitats, habitats_of
from fablewright.gm.rules.party import Party, parse_party

if TYPE_CHECKING:
    from fablewright.gm.rules.budget import Rules

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
        ("epic", None, 3, "low, moderate, high, not 'epic'"),
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


MARKS_2014 = {
    "easy": "25 50 75 125 250 300 350 450 550 600 800 1000 1100 1250 1400 1600 2000 2100 2400 2800",
    "medium": "50 100 150 250 500 600 750 900 1100 1200 1600 2000 2200 2500 2800 3200 3900 4200 4900 5700",
    "hard": "75 150 225 375 750 900 1100 1400 1600 1900 2400 3000 3400 3800 4300 4800 5900 6300 7300 8500",
    "deadly": "100 200 400 500 1100 1400 1700 2100 2400 2800 3600 4500 5100 5700 6400 7200 8800 9500 10900 12700",
}


def adjusted_by_hand(encounter: Encounter, party: Party) -> float:
    """The 2014 arithmetic as one does it on paper: sum, look the multiplier up, move it for the party's size."""
    number = xp = 0
    for foe in encounter.foes:
        number += foe.count
        xp += foe.count * foe.xp
    column = 0
    for least in (2, 3, 7, 11, 15):
        if number >= least:
            column += 1
    rows = {"few": [1.5, 2, 2.5, 3, 4, 5], "usual": [1, 1.5, 2, 2.5, 3, 4], "many": [0.5, 1, 1.5, 2, 2.5, 3]}
    return xp * rows["few" if party.size <= 2 else "usual" if party.size <= 5 else "many"][column]


@settings(deadline=None, max_examples=60)
@given(parties, st.sampled_from(sorted(MARKS_2014)), st.integers(0, 2**32))
def test_a_fight_built_by_the_2014_rules_is_what_they_call_it(party: Party, difficulty: str, seed: int) -> None:
    encounter = build(party, difficulty, load_bestiary(), Random(seed), rules="2014")
    adjusted = adjusted_by_hand(encounter, party)
    reached = [
        word for word, row in MARKS_2014.items() if adjusted >= sum(int(row.split()[n - 1]) for n in party.levels)
    ]
    assert max(reached, key=list(MARKS_2014).index, default="trivial") == difficulty == encounter.rating.difficulty
    assert sum(foe.count for foe in encounter.foes) <= 2 * party.size


@pytest.mark.parametrize(
    ("word", "rules", "meant"),
    [
        ("hard", "2024", "high"),
        ("deadly", "2024", "high"),
        ("moderate", "2014", "medium"),
        ("Deadly", "2014", "deadly"),
    ],
)
def test_the_words_of_one_edition_have_heirs_in_the_other(word: str, rules: Rules, meant: str) -> None:
    assert build(parse_party("4x3"), word, load_bestiary(), Random(1), rules=rules).difficulty == meant


def test_who_is_absent_makes_the_fight_smaller() -> None:
    everybody = build(parse_party("4x3"), "high", load_bestiary(), Random(4), theme="goblins")
    three = build(parse_party("4x3-1x3"), "high", load_bestiary(), Random(4), theme="goblins")
    assert three.rating.xp <= 1200 < everybody.rating.xp <= 1600


@pytest.mark.parametrize("habitat", habitats())
def test_everybody_in_a_fight_lives_where_it_is(habitat: str) -> None:
    for seed in range(4):
        encounter = build(parse_party("4x5"), "moderate", load_bestiary(), Random(seed), habitat=habitat)
        assert all(foe.creature and habitat in habitats_of(foe.creature) for foe in encounter.foes)
        assert encounter.habitat == habitat


@pytest.mark.parametrize("role", ["leader", "brute", "skirmisher", "artillery", "minion"])
def test_a_role_that_is_asked_for_is_played(role: str) -> None:
    for seed in range(10):
        encounter = build(parse_party("4x5"), "high", load_bestiary(), Random(seed), roles=(role,))
        assert any(role in parts for parts in encounter.roles), encounter.text
        check(encounter, parse_party("4x5"))


def test_several_roles_are_played_together() -> None:
    for seed in range(10):
        wanted = ("leader", "artillery", "minions")
        encounter = build(parse_party("5x6"), "high", load_bestiary(), Random(seed), theme="humanoid", roles=wanted)
        assert encounter.roles[0][0] == "leader"
        assert {part for parts in encounter.roles for part in parts} >= {"leader", "artillery", "minion"}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"habitat": "teapot"}, "There is no habitat 'teapot': say arctic"),
        ({"roles": ("bard",)}, "There is no role 'bard': say leader"),
        ({"theme": "kraken", "habitat": "desert"}, "No creature of the theme 'kraken' lives in the habitat desert"),
    ],
)
def test_wishes_that_cannot_be_met_say_why(more: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        build(parse_party("4x3"), "low", load_bestiary(), Random(1), **more)


@pytest.mark.benchmark
def test_the_slowest_searches_stay_quick(slowness: float) -> None:
    for theme, party in (
        ("goblins", "20x20"),
        ("ooze", "6x10"),
        (None, "20x20"),
        ("red dragon", "4x5"),
        ("beast", "20x20"),
    ):
        start = time.perf_counter()
        for rules in ("2024", "2014"):
            build(parse_party(party), "high", load_bestiary(), Random(1), theme=theme, rules=rules)
        assert time.perf_counter() - start < 1.0 * slowness
