from __future__ import annotations

import re
from random import Random

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.rules.bestiary import Creature, load_bestiary
from fablewright.gm.rules.party import Party, parse_party
from fablewright.gm.rules.rating import Foe, rate

# Typed off the tables by hand, in another shape than the code has them.
LOW = "50 100 150 250 500 600 750 1000 1300 1600 1900 2200 2600 2900 3300 3800 4500 5000 5500 6400"
MODERATE = "75 150 225 375 750 1000 1300 1700 2000 2300 2900 3700 4200 4900 5400 6100 7200 8700 10700 13200"
HIGH = "100 200 400 500 1100 1400 1700 2100 2600 3100 4100 4700 5400 6200 7800 9800 11700 14200 17200 22000"
EASY = "25 50 75 125 250 300 350 450 550 600 800 1000 1100 1250 1400 1600 2000 2100 2400 2800"
MEDIUM = "50 100 150 250 500 600 750 900 1100 1200 1600 2000 2200 2500 2800 3200 3900 4200 4900 5700"
HARD = "75 150 225 375 750 900 1100 1400 1600 1900 2400 3000 3400 3800 4300 4800 5900 6300 7300 8500"
DEADLY = "100 200 400 500 1100 1400 1700 2100 2400 2800 3600 4500 5100 5700 6400 7200 8800 9500 10900 12700"


def creature(name: str) -> Creature:
    found = load_bestiary().find(name)
    assert found is not None
    return found.creature


def marked(table: str, party: Party) -> int:
    total = 0
    for level in party.levels:
        total += int(table.split()[level - 1])
    return total


def oracle_2024(xp: int, party: Party) -> str:
    if xp == 0:
        return "trivial"
    if xp <= marked(LOW, party):
        return "low"
    if xp <= marked(MODERATE, party):
        return "moderate"
    if xp <= marked(HIGH, party):
        return "high"
    return "above high"


def oracle_2014(xp: int, monsters: int, party: Party) -> tuple[float, str]:
    rungs = [1, 1.5] + [2] * 4 + [2.5] * 4 + [3] * 4 + [4]
    times = rungs[min(monsters, 15) - 1]
    ladder = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5]
    if party.size <= 2:
        times = ladder[ladder.index(times) + 1]
    elif party.size >= 6:
        times = ladder[ladder.index(times) - 1]
    word = "trivial"
    for name, table in (("easy", EASY), ("medium", MEDIUM), ("hard", HARD), ("deadly", DEADLY)):
        if xp * times >= marked(table, party):
            word = name
    return times, word


def test_a_thousand_fights_against_the_tables_by_hand() -> None:
    rng = Random(20240917)
    creatures = [one for one in load_bestiary().creatures if one.cr <= 12]
    seen = set()
    for _ in range(1000):
        top = rng.randint(1, 20)
        party = Party(tuple(rng.randint(max(1, top - 2), top) for _ in range(rng.randint(1, 8))))
        fight = [(rng.choice(creatures), rng.randint(1, 6)) for _ in range(rng.randint(1, 4))]
        xp = sum(one.xp * count for one, count in fight)
        now, then = rate(fight, party), rate(fight, party, "2014")
        assert (now.xp, now.adjusted_xp, now.multiplier) == (xp, xp, 1.0)
        assert now.difficulty == oracle_2024(xp, party)
        assert (then.multiplier, then.difficulty) == oracle_2014(xp, sum(count for _, count in fight), party)
        assert then.adjusted_xp == int(xp * then.multiplier)
        seen |= {now.difficulty, then.difficulty}
    assert seen >= {"low", "moderate", "high", "above high", "trivial", "easy", "medium", "hard", "deadly"}


def test_gardren_and_his_four_bandits() -> None:
    fight = [(creature("bandit captain"), 1), (creature("bandit"), 4), (creature("stirge"), 1)]
    rating = rate(fight, parse_party("4x2"))
    assert (rating.xp, rating.difficulty, rating.warnings, rating.rules) == (575, "moderate", (), "2024")
    assert rating.text == (
        "575 XP against 400 low / 600 moderate / 800 high for four level-2 characters: moderate (2024 rules)"
    )
    then = rate(fight, parse_party("4x2"), "2014")
    assert (then.adjusted_xp, then.difficulty) == (1150, "deadly")
    assert "575 XP × 2 = 1,150 against" in then.text


def test_foes_may_be_given_by_name_and_rating() -> None:
    rating = rate([(("The Night Lord", 2.0), 1), Foe("Rat king", 2, 0.5, 60)], parse_party("4x2"))
    assert rating.xp == 570
    assert [str(foe) for foe in rating.foes] == ["1 The Night Lord", "2 Rat kings"]


def test_nobody_to_fight_is_trivial() -> None:
    assert rate([], parse_party("4x2")).difficulty == "trivial"
    assert rate([], parse_party("4x2"), "2014").difficulty == "trivial"


@pytest.mark.parametrize(
    ("fight", "party", "warning"),
    [
        ([("bandit", 9)], "4x2", "9 creatures are more than two for each of four characters"),
        ([("ogre", 1)], "5x1", r"Ogre \(CR 2\) is above the party's level \(1\)"),
        ([("ogre", 1)], "1x1,3x2", r"is above the party's level \(1.8\)"),
        ([("bandit", 1), ("guard", 1), ("spy", 1), ("cat", 1)], "4x2", "4 stat blocks"),
        ([("rat", 5)], "4x2", "5 of CR 0"),
        ([("seahorse", 1)], "4x2", "1 of CR 0"),
        ([("ogre", 2)], "4x2", "100 XP over the high budget"),
    ],
)
def test_warnings(fight: list[tuple[str, int]], party: str, warning: str) -> None:
    foes = [(creature(name), count) for name, count in fight]
    (said,) = rate(foes, parse_party(party)).warnings
    assert re.search(warning, said)
    assert "\n" not in said


@pytest.mark.parametrize(
    "fight", [[("bandit", 8)], [("ogre", 1)], [("bandit", 1), ("guard", 1), ("spy", 1)], [("rat", 4)]]
)
def test_no_warnings_at_the_limit(fight: list[tuple[str, int]]) -> None:
    assert rate([(creature(name), count) for name, count in fight], parse_party("4x2")).warnings == ()


def test_2014_has_the_numbers_in_its_multiplier() -> None:
    assert rate([(creature("bandit"), 9)], parse_party("4x2"), "2014").warnings == ()


@pytest.mark.parametrize("count", [0, -1, 1001])
def test_counts_are_bounded(count: int) -> None:
    with pytest.raises(InvalidInput, match="1 to 1000"):
        rate([(creature("bandit"), count)], parse_party("4x2"))


def test_ratings_outside_the_rules_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"no Challenge Rating 1\.5"):
        rate([(("Thing", 1.5), 1)], parse_party("4x2"))
    with pytest.raises(InvalidInput, match="negative"):
        Foe("Thing", 1, 1.0, -5)
