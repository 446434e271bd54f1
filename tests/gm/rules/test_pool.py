from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.rules.pool import MAX_EXPLOSIONS, MAX_REROLLS, Comparison, Pick, Pool

if TYPE_CHECKING:
    from collections.abc import Iterator


def oracle_average(pool: Pool) -> float:
    """Every way the dice can fall, one by one."""
    total = 0
    ways = 0
    for faces in product(range(1, pool.sides + 1), repeat=pool.count):
        ranked = sorted(faces)
        number = pool.picked
        total += {
            "": sum(ranked),
            "kh": sum(ranked[pool.count - number :]),
            "kl": sum(ranked[:number]),
            "dh": sum(ranked[: pool.count - number]),
            "dl": sum(ranked[number:]),
        }[pool.pick]
        ways += 1
    return total / ways


def small_pools() -> Iterator[Pool]:
    picks: tuple[Pick, ...] = ("kh", "kl", "dh", "dl")
    for count, sides in product(range(1, 5), (2, 3, 6)):
        yield Pool(count, sides)
        for pick, picked in product(picks, range(1, count + 1)):
            if pick.startswith("k") or picked < count:
                yield Pool(count, sides, pick=pick, picked=picked)


@pytest.mark.parametrize("pool", list(small_pools()), ids=str)
def test_average_equals_counting_every_fall(pool: Pool) -> None:
    assert pool.average == pytest.approx(oracle_average(pool), rel=1e-12)


def test_average_of_exploding_dice_is_the_geometric_sum() -> None:
    assert Pool(1, 6, exploding=True).average == pytest.approx(3.5 * (1 - 6.0**-11) / (1 - 1 / 6))
    # Keeping all of them must agree with the other way of computing it.
    kept = sum(Pool(3, 2, exploding=True, pick=pick, picked=1).average for pick in ("kh", "dh"))
    assert kept == pytest.approx(Pool(3, 2, exploding=True).average)


def test_average_stays_exact_where_powers_underflow() -> None:
    assert Pool(1000, 200, pick="kh", picked=500).average + Pool(
        1000, 200, pick="kl", picked=500
    ).average == pytest.approx(1000 * 100.5)
    assert Pool(1000, 200, pick="kl", picked=1).average == pytest.approx(
        sum(((200 - face) / 200) ** 1000 for face in range(200)), rel=1e-9
    )


def test_advantage_is_the_published_13_825() -> None:
    assert Pool(2, 20, pick="kh", picked=1).average == pytest.approx(13.825)
    assert Pool(2, 20, pick="kl", picked=1).average == pytest.approx(7.175)


def test_kept_and_maximum_count_what_counts() -> None:
    assert Pool(4, 6, pick="dl", picked=1).kept == 3
    assert Pool(4, 6, pick="dl", picked=1).maximum == 18
    assert Pool(2, 6, exploding=True).maximum == 12 * (1 + MAX_EXPLOSIONS)


def chances_by_hand(pool: Pool, rerolls_left: int) -> dict[int, Fraction]:
    """What one die shows in the end, one throw after another."""
    shown: dict[int, Fraction] = {}
    for face in pool.faces:
        share = Fraction(1, pool.sides)
        if pool.reroll and pool.reroll.holds(face) and rerolls_left:
            for later, chance in chances_by_hand(pool, rerolls_left - 1).items():
                shown[later] = shown.get(later, Fraction(0)) + share * chance
        else:
            lifted = max(face, pool.least) if pool.least else face
            shown[lifted] = shown.get(lifted, Fraction(0)) + share
    return shown


@pytest.mark.parametrize(
    "pool",
    [
        Pool(2, 6, reroll=Comparison("<", 3), once=True),
        Pool(3, 4, reroll=Comparison("=", 1), once=True, pick="kh", picked=2),
        Pool(3, 4, reroll=Comparison("=", 1), once=True, pick="kl", picked=1),
        Pool(3, 4, least=3, pick="dl", picked=1),
        Pool(2, 6, least=4),
        Pool(3, 6, success=Comparison(">=", 5)),
        Pool(2, 6, reroll=Comparison("<=", 2), once=True, least=4, success=Comparison("=", 4)),
        Pool(4, 3, fudge=True),
        Pool(3, 3, fudge=True, pick="kh", picked=2),
        Pool(3, 3, fudge=True, pick="kl", picked=2),
    ],
    ids=str,
)
def test_average_of_odd_dice_equals_counting_every_fall(pool: Pool) -> None:
    chances = chances_by_hand(pool, 1 if pool.once else 0)
    expected = Fraction(0)
    for faces in product(chances, repeat=pool.count):
        likely = Fraction(1)
        for face in faces:
            likely *= chances[face]
        ranked = sorted(faces, reverse=pool.pick in ("kh", "dl"))[: pool.kept]
        expected += likely * (sum(map(pool.success.holds, ranked)) if pool.success else sum(ranked))
    assert pool.average == pytest.approx(float(expected))


def test_rolling_again_and_again_ends() -> None:
    pool = Pool(1, 4, reroll=Comparison("=", 1))
    expected = sum(face * chance for face, chance in chances_by_hand(pool, MAX_REROLLS).items())
    assert pool.average == pytest.approx(float(expected))
    assert pool.average == pytest.approx(3, abs=1e-5)
