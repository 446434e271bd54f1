"""Treasure by rule: coins, gems, art and magic items for a level.

The SRD 5.2.1 has no tables of treasure. What a find is worth follows the gold parcels by level of the Lazy GM's
Resource Document (CC-BY-4.0, as in Free5e): four parcels a level. How a parcel is shared among coins, gems and art,
what somebody has in the pockets (a tenth of a parcel) and how rare an item may be are rules of ours; an item's worth is
the SRD's, "Magic Item Values by Rarity".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.making.tables import load_magic_items, load_treasure
from fablewright.gm.rules import dice

if TYPE_CHECKING:
    from random import Random

__all__ = ["ITEM_WORTH", "Item", "Loot", "Valuable", "find_loot", "parcel_dice"]

_PARCELS = ((1, "3d6*10"), (5, "3d8*100"), (11, "2d6*1000"), (17, "2d6*10000"))
"""From a level on, the gp of a parcel."""

_RARITIES = {
    1: ("common", "common", "uncommon"),
    5: ("common", "uncommon", "uncommon", "rare"),
    11: ("uncommon", "rare", "rare", "very rare"),
    17: ("rare", "very rare", "very rare", "legendary"),
}
"""From a level on, how rare an item may be; each as likely as any other."""

ITEM_WORTH = {"common": 100, "uncommon": 400, "rare": 4_000, "very rare": 40_000, "legendary": 200_000}
"""In gp; potions and what else is used up, scrolls aside, are worth half (SRD 5.2.1)."""


@dataclass(frozen=True, slots=True)
class Valuable:
    """Gems or a work of art.

    Attributes:
        what: With how many.
        worth: All of it, in gp.
    """

    what: str
    worth: int


@dataclass(frozen=True, slots=True)
class Item:
    """A magic item of the SRD.

    Attributes:
        name: As the SRD has it.
        category: Such as ``wondrous item``.
        rarity: ``common`` to ``legendary``.
        worth: In gp.
    """

    name: str
    category: str
    rarity: str
    worth: int


@dataclass(frozen=True, slots=True)
class Loot:
    """A find.

    Attributes:
        level: For which level.
        hoard: Whether it is a parcel; else what somebody has in the pockets.
        roll: How its worth was rolled.
        worth: Coins, gems and art together, in gp; a fraction in pockets.
        coins: Pairs of number and coin, such as ``(40, "sp")``.
        valuables: Gems and art.
        items: Magic items, beyond ``worth``.
        oddity: Something without a price.
        where: Where it lies; empty for pockets.
    """

    level: int
    hoard: bool
    roll: str
    worth: int
    coins: tuple[tuple[int, str], ...]
    valuables: tuple[Valuable, ...]
    items: tuple[Item, ...]
    oddity: str
    where: str


def parcel_dice(level: int) -> str:
    """Return the dice for a parcel's gp at a level.

    Raises:
        InvalidInput: There is no such level.
    """
    if not 1 <= level <= 30:
        raise InvalidInput(f"Treasure goes by level or Challenge Rating 0 to 30, not {level}.")
    return next(written for least, written in reversed(_PARCELS) if level >= least)


def find_loot(level: int, rng: Random, *, hoard: bool = True, items: int | None = None) -> Loot:
    """Roll a find; equal ``rng`` states give equal finds.

    Args:
        level: The party's, or a Challenge Rating; a rating below 1 counts as 1.
        rng: The dice.
        hoard: Whether it is a parcel; else the pockets of one.
        items: How many magic items; None: one in half of the hoards, none in pockets.

    Raises:
        InvalidInput: There is no such level.
    """
    level = max(1, level)
    rolled = dice.roll(parcel_dice(level), rng)
    worth = rolled.total if hoard else max(1, rolled.total // 10)
    left = worth
    valuables: list[Valuable] = []
    if hoard:
        for share, make in ((rng.choice((0, 2, 3)), _gems), (rng.choice((0, 2, 3)), _art)):
            made = make(worth * share // 10, rng)
            if made is not None:
                valuables.append(made)
                left -= made.worth
    number = items if items is not None else rng.randint(0, 1) if hoard else 0
    tables = load_treasure()
    return Loot(
        level=level,
        hoard=hoard,
        roll=rolled.text,
        worth=worth,
        coins=_coins(left, level, rng),
        valuables=tuple(valuables),
        items=_items(level, number, rng),
        oddity=rng.choice(tables.oddities),
        where=rng.choice(tables.where) if hoard else "",
    )


def _coins(worth: int, level: int, rng: Random) -> tuple[tuple[int, str], ...]:
    """Share gp among coins: silver and copper at low levels, platinum at high ones."""
    if level >= 11:
        platinum = worth * rng.randint(2, 6) // 100
        return tuple((n, coin) for n, coin in ((platinum, "pp"), (worth - 10 * platinum, "gp")) if n)
    silver = worth * rng.randint(1, 4) // 10
    copper = min(silver, rng.randint(0, 3)) if level < 5 else 0
    shared = ((worth - silver, "gp"), (10 * (silver - copper), "sp"), (100 * copper, "cp"))
    return tuple((number, coin) for number, coin in shared if number)


def _gems(budget: int, rng: Random) -> Valuable | None:
    gems = load_treasure().gems
    fitting = [int(worth) for worth in gems if budget >= 2 * int(worth)]
    if not fitting:
        return None
    each = rng.choice(fitting[-2:])
    number = min(budget // each, 40)
    return Valuable(f"{number} {rng.choice(gems[str(each)].split(', '))} ({each:,} gp each)", number * each)


def _art(budget: int, rng: Random) -> Valuable | None:
    tables = load_treasure()
    fitting = [least for least in tables.made if budget >= int(least)]
    if not fitting:
        return None
    worth = budget // 5 * 5
    made = rng.choice(tables.made[fitting[-1]].split(", "))
    thing, _, rest = rng.choice(tables.things).partition(", ")
    return Valuable(f"{thing} {made}{', ' + rest if rest else ''}", worth)


def _items(level: int, number: int, rng: Random) -> tuple[Item, ...]:
    rarities = next(listed for least, listed in reversed(_RARITIES.items()) if level >= least)
    drawn: dict[str, Item] = {}
    while len(drawn) < min(number, 10):
        rarity = rng.choice(rarities)
        name, category = rng.choice(load_magic_items()[rarity])
        worth = ITEM_WORTH[rarity] // 2 if category == "potion" or name.startswith("Ammunition") else ITEM_WORTH[rarity]
        drawn[name] = Item(name, category, rarity, worth)
    return tuple(drawn.values())
