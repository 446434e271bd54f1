"""The tables behind ``gm/scene/invention.py``; their data are in ``data/invention.json``.

In the texts, ``{at}``, ``{way}``, ``{cover}`` and ``{exit}`` stand for the place's own words ("on the road", "the
hedge"), ``{woman}`` and ``{man}`` for the people of a tension, ``{name}`` for a name out of the request.

To add a place: four features or more, five senses or more, two lists of people and two of creatures, from weak to
strong. To add a tension: it names nobody but ``{woman}`` and ``{man}``, fits every place, and says nothing of weather
or light. ``foes`` is ``people`` where the tension has another side, ``wild`` where what lives at the place comes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Creatures", "Feature", "Place", "Tables", "Tension", "Vocabulary", "load_tables"]


class Feature(TypedDict):
    """Something at a place that can be used; ``at`` belongs in a title."""

    at: str
    read: str
    use: str
    check: list[str]


class Creatures(TypedDict):
    """Who lives at a place, what they want and when they stop."""

    names: list[str]
    job: str


class Place(TypedDict):
    """A place; ``words`` are those that call for it."""

    words: str
    at: str
    way: str
    cover: str
    exit: str
    features: list[Feature]
    senses: list[str]
    people: list[list[str]]
    wild: list[Creatures]


class Tension(TypedDict):
    """What is going on, between whom, and what may come of it."""

    occasion: str
    title: str
    foes: Literal["people", "wild"]
    read: list[str]
    stake: str
    check: list[str]
    options: list[list[str]]
    consequences: list[str]
    loot: str


class Vocabulary:
    """Words and phrases, each with what it calls for; those that call for "" are in the way ("the rest of them").

    Args:
        words: For each meaning its words, parted by commas.
    """

    def __init__(self, words: Mapping[str, str]) -> None:
        self.meanings = {word: meaning for meaning, listed in words.items() for word in listed.split(", ")}
        # Long ones first, so that "wizard's tower" is not taken for a tower.
        known = "|".join(map(re.escape, sorted(self.meanings, key=len, reverse=True)))
        self._pattern = re.compile(rf"(?<!\w)(?:{known})(?!\w)")

    def __repr__(self) -> str:
        return f"Vocabulary({len(self.meanings)} words)"

    def in_text(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield where a known word begins in a text in small letters, and what it calls for."""
        for match in self._pattern.finditer(text):
            yield match.start(), self.meanings[match[0]]


@dataclass(frozen=True, slots=True)
class Tables:
    """All of them."""

    unsaid_places: list[str]
    places: dict[str, Place]
    occasions: dict[str, str]
    tensions: list[Tension]
    alarms: dict[str, list[list[str]]]
    jobs: list[str]
    complications: list[str]
    loot: list[str]
    name_hooks: list[str]
    women: list[str]
    men: list[str]
    place_words: Vocabulary = field(init=False)
    occasion_words: Vocabulary = field(init=False)

    def __post_init__(self) -> None:
        words = {name: place["words"] for name, place in self.places.items()}
        object.__setattr__(self, "place_words", Vocabulary(words))
        object.__setattr__(self, "occasion_words", Vocabulary(self.occasions))


@cache
def load_tables() -> Tables:
    """Return the tables; read on the first call, shared afterwards, never to be changed."""
    file = resources.files("fablewright.gm.scene").joinpath("data", "invention.json")
    return Tables(**json.loads(file.read_text(encoding="utf-8")))
