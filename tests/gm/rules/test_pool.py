from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.rules.pool import MAX_EXPLOSIONS, Pick, Pool

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
