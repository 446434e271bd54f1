"""Treasure for a level or a Challenge Rating, by rule; it says which table it went by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.answering.limits import drawn_within
from fablewright.gm.making.treasure import find_loot, parcel_dice
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from random import Random

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.making.treasure import Item, Loot

__all__ = ["answer_loot"]

_LEVEL = re.compile(r"\b(?:level|lvl|cr|challenge(?: rating)?)\s{0,3}[-:]?\s{0,3}(\d{1,3})(?:/\d)?\b", re.IGNORECASE)
_POCKETS = re.compile(
    r"\b(?:pockets?|purse|pouch|on (?:his|her|its|their|the|a) (?:bod(?:y|ies)|corpses?|person)|individual"
    r"|carr(?:y|ies|ied)|search(?:es|ed)? (?:the )?(?:body|bodies|corpse))\b",
    re.IGNORECASE,
)
_NO_TABLES = (
    "The SRD 5.2.1 has no treasure tables. The worth is that of a gold parcel for the level (Lazy GM's Resource "
    "Document, four a level); how it is shared is ours."
)


async def answer_loot(asked: Asked) -> Answer:
    """Roll treasure for the level that the words name, else the party's, within the limits of the table.

    Raises:
        InvalidInput: There is no treasure for such a level.
    """
    said = _LEVEL.search(asked.words)
    level = int(said[1]) if said else max(1, round(asked.table.party.average_level))
    mention = next((m for m in asked.bestiary.mentions(asked.words)), None)
    if mention is not None and not said:
        level = max(1, int(mention.creature.cr))
    hoard = not _POCKETS.search(asked.words)

    def draw(rng: Random) -> Answer:
        return Answer(
            "loot", "answered", lines=tuple(_lines(find_loot(level, rng, hoard=hoard))), generation_method="rules"
        )

    return await drawn_within(draw, asked)


def _lines(loot: Loot) -> list[Line]:
    what = "A parcel of treasure" if loot.hoard else "What is in the pockets"
    lines = [Line(f"{what}, level {loot.level}: {loot.worth:,} gp", Origin.BY_RULE)]
    coins = ", ".join(f"{number:,} {coin}" for number, coin in loot.coins)
    if coins:
        lines.append(Line(f"Coins: {coins}", Origin.BY_RULE))
    lines += [Line(f"Valuable: {each.what}, worth {each.worth:,} gp", Origin.INVENTED) for each in loot.valuables]
    lines += [Line(f"Magic: {_item(item)}", Origin.BY_RULE) for item in loot.items]
    lines.append(Line(f"Also: {loot.oddity}", Origin.INVENTED))
    if loot.where:
        lines.append(Line(f"Where: {loot.where}", Origin.INVENTED))
    share = "" if loot.hoard else ", and a tenth of that in pockets"
    lines.append(
        Line(
            f"Table: {parcel_dice(loot.level).replace('*', ' × ')} gp for level {loot.level}{share}. {_NO_TABLES}",
            Origin.BY_RULE,
        )
    )
    return lines


def _item(item: Item) -> str:
    return f"{item.name} ({item.category}, {item.rarity}; {item.worth:,} gp by the SRD 5.2.1)"
