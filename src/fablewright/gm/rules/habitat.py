"""Where a creature could be met: a mapping of our own, from names and types alone.

The SRD 5.2.1 gives no habitats, so this is nobody's rule but ours: ``data/habitats.json`` has, for words of names (such
as "Black Dragon" or "Bat") and for the fourteen types, the places that they suggest. The longest words of a name go
first; what no words say, the type does; the undead, constructs, oozes and fiends of a named kind are at home at both.
A creature that can hardly move on land lives in water, whatever its name says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.gm.rules.creature import Creature

__all__ = ["habitat_in", "habitat_named", "habitats", "habitats_of", "is_bound_to_water"]

_IN_WATER = frozenset(("coast", "swamp", "underwater"))
_ANYWHERE_OF_TYPE = frozenset(("construct", "fiend", "humanoid", "ooze", "undead"))
"""Types whose places count beside those of the name: a crypt may hold any of the undead."""


@dataclass(frozen=True, slots=True)
class _Tables:
    types: dict[str, str]
    words: dict[str, str]
    said: dict[str, str]
    names: re.Pattern[str] = field(init=False)
    places: re.Pattern[str] = field(init=False)
    meanings: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        meanings = {word: habitat for habitat, words in self.said.items() for word in words.split(", ")}
        object.__setattr__(self, "meanings", meanings)
        object.__setattr__(self, "names", _any_of(self.words, 0))
        object.__setattr__(self, "places", _any_of(meanings, re.IGNORECASE))


def habitats() -> tuple[str, ...]:
    """Return the habitats that there are, in alphabetical order."""
    return tuple(sorted(_tables().said))


def habitats_of(creature: Creature) -> frozenset[str]:
    """Return where a creature could be met, by our own reckoning."""
    tables = _tables()
    by_type = frozenset(tables.types[creature.type].split())
    named = frozenset(" ".join(tables.words[words] for words in tables.names.findall(creature.name)).split())
    places = named | by_type if not named or creature.type in _ANYWHERE_OF_TYPE else named
    if is_bound_to_water(creature):
        return (places & _IN_WATER) or frozenset(("underwater",))
    return places


def is_bound_to_water(creature: Creature) -> bool:
    """Return whether it swims and goes no more than 10 feet a turn by any other way."""
    ways = dict(creature.speed)
    return "swim" in ways and max((feet for way, feet in creature.speed if way != "swim"), default=0) <= 10


def habitat_in(words: str) -> str:
    """Return the habitat that a request names ("in the marshes" is ``swamp``), or nothing."""
    tables = _tables()
    found = tables.places.search(words)
    return tables.meanings[found[0].lower()] if found else ""


def habitat_named(word: str) -> str:
    """Return the habitat of that name, or of a word for it.

    Raises:
        InvalidInput: There is none; the message lists them.
    """
    meant = _tables().meanings.get(" ".join(word.casefold().split()))
    if meant is None:
        raise InvalidInput(f"There is no habitat {word[:40]!r}: say {', '.join(habitats())}.")
    return meant


@cache
def _tables() -> _Tables:
    data = resources.files("fablewright.gm.rules").joinpath("data", "habitats.json")
    return _Tables(**json.loads(data.read_text(encoding="utf-8")))


def _any_of(words: dict[str, str], flags: int) -> re.Pattern[str]:
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest_first))})(?![\w-])", flags)
