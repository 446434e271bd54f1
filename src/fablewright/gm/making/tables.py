"""The tables behind people and treasure; their data are in ``data/``, written for this project.

Only ``magic_items.json`` is not ours: it has the names and rarities of the SRD 5.2.1's magic items, see ``NOTICE.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["People", "Treasure", "load_magic_items", "load_people", "load_treasure"]


@dataclass(frozen=True, slots=True)
class People:
    """What people are made of; ``{who}`` and ``{bond}`` in the bonds are names.

    Attributes:
        trades: Pairs of a trade and the SRD creature whose numbers suit it.
    """

    given: list[str]
    family: list[str]
    trades: list[list[str]]
    features: list[str]
    clothes: list[str]
    manners: list[str]
    wants: list[str]
    secrets: list[str]
    person_bonds: list[str]
    place_bonds: list[str]
    free_bonds: list[str]


@dataclass(frozen=True, slots=True)
class Treasure:
    """What treasure is made of.

    Attributes:
        gems: By the worth of one in gp, their plurals parted by commas.
        things: Works of art.
        made: Of what they are, by the least worth in gp that it suits, parted by commas.
        oddities: Things of no price that may lead on.
        where: Where it lies.
    """

    gems: dict[str, str]
    things: list[str]
    made: dict[str, str]
    oddities: list[str]
    where: list[str]


@cache
def load_people() -> People:
    """Return the tables for people; read on the first call, shared afterwards, never to be changed."""
    return People(**_data("npc.json"))


@cache
def load_treasure() -> Treasure:
    """Return the tables for treasure, as above."""
    return Treasure(**_data("treasure.json"))


@cache
def load_magic_items() -> dict[str, list[list[str]]]:
    """Return pairs of name and category of the SRD's magic items by rarity, as above."""
    return _data("magic_items.json")


def _data(name: str) -> dict[str, Any]:
    file = resources.files("fablewright.gm.making").joinpath("data", name)
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content
