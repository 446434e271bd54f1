"""What a fight is said to be made of and no rule knows: the frobnicators of "2 frobnicators and 3 goblins"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.rules.bestiary import GONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.rules.mention import Mention

__all__ = ["Unknown", "is_list_of_foes", "uncounted_foes", "unknown_foes"]

_NUMBERS = {"a": 1, "an": 1, "a pair of": 2, "a couple of": 2, "a dozen": 12} | {
    word: number
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)
}
_PLACES = (
    "in|into|inside|at|on|onto|atop|near|by|beside|behind|under|over|above|below|across|along|around|between|through|"
    "aboard|outside|from|during|after|before"
)
"""Behind these words stands where a fight is, not against whom: "on a rope bridge"."""
_PLACE = re.compile(rf"\b(?:{_PLACES})\s*$", re.IGNORECASE)
_JOINTS = f"and|plus|with|against|vs|versus|for|led by|are|is|{_PLACES}"
_FOES = re.compile(
    rf"(?<![\w-])(?P<count>\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})(?:\s?[x×])?\s+"
    rf"(?P<name>(?!(?:{_JOINTS})\b)[^\W\d_][\w'’-]{{1,30}}(?:\s(?!(?:{_JOINTS})\b)[^\W\d_][\w'’-]{{0,30}}){{0,3}}?)"
    rf"(?!\w)(?=\s*(?:$|[,;.:!?&+()]|(?:{_JOINTS})\b))",
    re.IGNORECASE,
)
_NO_FOES = re.compile(
    r"\b(?:levels?|characters?|players?|pcs?|heroes|adventurers|part(?:y|ies)|groups?|rounds?|turns?|minutes?|hours?|"
    r"days?|feet|foot|xp|gp|rules?|tables?|times|fights?|combats?|battles?|encounters?|boss|ambush(?:es)?|skirmish(?:es)?|"
    r"bit|lot|way|difficulty|budget|stat ?blocks?|leaders?|brutes?|skirmishers?|artillery|minions?|swamp|forest|cave|"
    r"side|chance|scene|question|room|place|look|easy|hard|deadly|moderate|medium|low|high|one|more|others?|absent|"
    r"random|balanced|night|today|tonight|kinds?|sorts?|types?|waves?|monsters?|creatures?|enem(?:y|ies)|foes?|weeks?)\b",
    re.IGNORECASE,
)

_LED_BY = re.compile(
    r"\b(?:fights?|combats?|battles?|encounters?|ambush(?:es)?|skirmish(?:es)?)\b[^.?!;:]{0,60}?"
    r"\b(?:with|against|versus|vs|of)\s+(?P<listed>[^.?!;:]{1,200})",
    re.IGNORECASE,
)
_NEXT = re.compile(r"\s*(?:[,&+]|\b(?:and|or|plus|led by|against|with)\b)\s*", re.IGNORECASE)
_PLURAL = re.compile(
    r"(?:(?:some|several|many|a few|lots of|the|more)\s+)?"
    r"(?P<name>(?:[^\W\d_][\w'’-]{1,30}\s){0,2}[^\W\d_][\w'’-]{2,30})"
    rf"(?=\s*(?:$|\b(?:for|that|who|which|where|to|so|please|{_PLACES})\b))",
    re.IGNORECASE,
)
_SCENERY = re.compile(
    r"\b(?:areas?|barrels?|bridges?|ceilings?|chances?|chandeliers?|choices?|cliffs?|clocks?|conditions?|"
    r"consequences|corpses|crates?|deaths?|dice|doors?|effects?|elements?|exits?|features?|fires?|floors?|fog|goals?|"
    r"grounds?|hazards?|hostages?|ideas?|innocents|ladders?|lairs?|lava|layers?|levers?|limits?|maps?|mechanics|minis|"
    r"obstacles?|objectives?|options?|paths?|phases?|pillars?|pits?|platforms?|plots?|points?|prisoners?|problems?|"
    r"puzzles?|reinforcements|rewards?|rivers?|roles?|ropes?|ruins?|secrets?|spells|stairs|stakes|statues?|stats?|"
    r"storms?|surprises?|tactics|terrains?|themes?|things?|timers?|traps?|treasures?|trees?|twists?|vehicles?|walls?|"
    r"weapons?|weather|zones?|success|loss|darkness|bystanders|civilians|villagers|friends|allies|people)\b",
    re.IGNORECASE,
)
"""What a fight may have beside foes."""

_KNOWN = "\0"
_SINGULARS = ((r"ies$", "y"), (r"ves$", "f"), (r"men$", "man"), (r"(?:(?<=[sxz])|(?<=[cs]h))es$", ""), (r"s$", ""))


@dataclass(frozen=True, slots=True)
class Unknown:
    """Creatures that are named and not known.

    Attributes:
        name: As written, in singular or plural.
        count: How many.
    """

    name: str
    count: int

    @property
    def singulars(self) -> tuple[str, ...]:
        """What one of them may be called, in small letters, the likeliest first."""
        name = self.name.casefold()
        if self.count == 1:
            return (name,)
        forms = [re.sub(ending, one, name) for ending, one in _SINGULARS if re.search(ending, name)]
        return tuple(dict.fromkeys((*forms, name)))


def unknown_foes(words: str, mentions: Sequence[Mention]) -> tuple[Unknown, ...]:
    """Return what the words count like creatures beside those that they mention."""
    plain = _blanked(words, mentions)
    counted = (found for found in _FOES.finditer(plain) if found["count"].strip("0") and not _is_setting(found))
    return tuple(
        Unknown(found["name"], _NUMBERS.get(found["count"].lower()) or int(found["count"]))
        for found in counted
        if not _NO_FOES.search(found["name"]) and not _PLACE.search(plain[: found.start()])
    )


def _is_setting(found: re.Match[str]) -> bool:
    """Return whether it is a thing to fight beside: "with a rope bridge"."""
    return found["count"].lower() in {"a", "an"} and _SCENERY.search(found["name"]) is not None


def uncounted_foes(words: str, mentions: Sequence[Mention]) -> tuple[Unknown, ...]:
    """Return what a fight is said to be with, in the plural and without a number, as in "a fight with wibblers".

    So is what the 2014 rules had and the present ones have not, wherever it stands: "drow" has no plural. Each counts
    as two, for the words do not say how many.
    """
    led = _LED_BY.search(_blanked(words, mentions))
    found = [_PLURAL.match(part.strip()) for part in _NEXT.split(led["listed"])] if led else []
    names = [each["name"] for each in found if each and each["name"].endswith(("s", "men")) and _KNOWN not in each[0]]
    gone = [name for name in sorted(GONE) if re.search(rf"\b{name}s?\b", words, re.IGNORECASE)]
    names = [*gone, *(name for name in names if not any(one in name.casefold() for one in gone))]
    foes = (name for name in names if not (_NO_FOES.search(name) or _SCENERY.search(name) or name.endswith("ss")))
    return tuple(Unknown(name, 2) for name in foes)


def is_list_of_foes(words: str, mentions: Sequence[Mention]) -> bool:
    """Return whether the words are nothing but creatures and their numbers, of which some are known."""
    if not any(mention.count for mention in mentions):
        return False
    rest = _blanked(words, mentions)
    for unknown in unknown_foes(words, mentions):
        rest = rest.replace(unknown.name, " ", 1)
    left = re.findall(r"[^\W\d_]+", rest.lower())
    return all(
        word in _NUMBERS or word in ("and", "plus", "x", "of", "pair", "with", "a", "half", "dozen") for word in left
    )


def _blanked(words: str, mentions: Sequence[Mention]) -> str:
    """Return the words with known creatures blanked: what stands right before one is said of it."""
    plain = words
    for mention in reversed(mentions):
        plain = f"{plain[: mention.start]}{_KNOWN * (mention.end - mention.start)}{plain[mention.end :]}"
    return plain
