from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.making.tables import load_magic_items, load_treasure
from fablewright.gm.making.treasure import ITEM_WORTH, find_loot, parcel_dice
from fablewright.gm.rules import dice

if TYPE_CHECKING:
    from pathlib import Path

GP = {"cp": 0.01, "sp": 0.1, "gp": 1, "pp": 10}


@given(st.integers(0, 30), st.integers(0, 2**32), st.booleans())
def test_a_find_adds_up_to_what_was_rolled(level: int, seed: int, hoard: bool) -> None:
    loot = find_loot(level, Random(seed), hoard=hoard)
    coins = sum(number * GP[coin] for number, coin in loot.coins)
    assert coins + sum(each.worth for each in loot.valuables) == pytest.approx(loot.worth)
    assert all(number > 0 for number, _ in loot.coins)
    rolled = dice.parse(parcel_dice(max(1, level)))
    share = 1 if hoard else 10
    assert max(1, rolled.minimum // share) <= loot.worth <= max(1, rolled.maximum // share)
    assert bool(loot.where) is hoard
    assert loot == find_loot(level, Random(seed), hoard=hoard)


@pytest.mark.parametrize(
    ("level", "average"), [(1, 105), (4, 105), (5, 1350), (10, 1350), (11, 7000), (16, 7000), (17, 70000), (30, 70000)]
)
def test_parcels_grow_with_the_level(level: int, average: int) -> None:
    assert dice.parse(parcel_dice(level)).average == average


@pytest.mark.parametrize("level", [-1, 31, 999])
def test_there_is_no_such_level(level: int) -> None:
    with pytest.raises(InvalidInput, match="level or Challenge Rating 0 to 30"):
        parcel_dice(level)


def test_magic_items_are_those_of_the_srd(shared: Path) -> None:
    text = (shared / "corpus" / "srd521" / "magic-items.md").read_text("utf-8").casefold()
    items = load_magic_items()
    assert set(items) == set(ITEM_WORTH)
    for rarity, listed in items.items():
        for name, category in listed:
            plain = re.sub(r",? [+]\d$| \(.*\)$", "", name).casefold()
            assert plain in text or plain.replace("potion of", "potions of") in text, name
            assert category in text
            assert rarity in text


def test_items_are_as_rare_as_their_level_and_what_is_used_up_is_worth_half() -> None:
    for level, allowed in ((1, {"common", "uncommon"}), (20, {"rare", "very rare", "legendary"})):
        for seed in range(20):
            for item in find_loot(level, Random(seed), items=3).items:
                assert item.rarity in allowed
                used_up = item.category == "potion" or item.name.startswith("Ammunition")
                assert item.worth == ITEM_WORTH[item.rarity] / (2 if used_up else 1)


def test_no_table_says_anything_twice() -> None:
    tables = load_treasure()
    for table in (tables.things, tables.oddities, tables.where, *(row.split(", ") for row in tables.gems.values())):
        assert len(table) == len(set(table)) >= 6
