"""A scene out of nothing: from a person's own words and from tables, when the notes could not be had or say nothing.

By chance but repeatable: the same words and the same generator give the same scene. The tables are independent of one
another: a place lends a feature, a smell or sound and its creatures; a tension brings its own people, who are named in
no other table. So every combination holds together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from fablewright.gm.scene.invention_tables import load_tables
from fablewright.gm.scene.proper_name import proper_names
from fablewright.gm.scene.tone import in_tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from fablewright.gm.scene.invention_tables import Vocabulary
    from fablewright.gm.scene.proper_name import ProperName
    from fablewright.gm.scene.tone import Tone

__all__ = ["InventedCheck", "InventedOption", "Invention", "invent"]

_Row = TypeVar("_Row")

_MOST_CHARACTERS = 4_000
"""Of the words; more come only from a pasted page, whose beginning says enough."""

_LOOK_BACK = 60
"""Characters before a place in which it may be said that the party leaves it."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_LEFT_BEHIND = re.compile(
    r"\b(?:leav(?:e|es|ing)|left|from|avoid(?:s|ing)?|out of|instead of(?: \w+ing)?)"
    r"(?: (?!(?:and|at|down|for|in|into|on|over|through|to|toward|towards|up)\b)\w+){0,2} $"
)


@dataclass(frozen=True, slots=True)
class InventedCheck:
    """An ability check.

    Attributes:
        skill: As rules name it, e.g. ``Wisdom (Perception)``.
        difficulty: The SRD's word for it, e.g. ``medium``.
        purpose: What it is for.
        success: What happens then.
        failure: What happens then; never a dead end.
    """

    skill: str
    difficulty: str
    purpose: str
    success: str
    failure: str


@dataclass(frozen=True, slots=True)
class InventedOption:
    """Something that the party may do, and what comes of it."""

    action: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Invention:
    """An invented scene; every text is a full sentence or two, for people.

    Attributes:
        place: The table that it came from, e.g. ``forest``.
        title: What to call it.
        read_aloud: Sentences for the players' ears.
        here: What the GM needs to know: something to use, a tension, what fighters want, a complication.
        checks: What may be tried, and what comes of it.
        options: Really different ways to go on.
        consequences: If the party wins; if it does nothing or leaves.
        loot: Something small and worth talking about, that may lead on.
        foes: Names of SRD 5.2.1 creatures that fit the place, from weak to strong.
    """

    place: str
    title: str
    read_aloud: tuple[str, ...]
    here: tuple[str, ...]
    checks: tuple[InventedCheck, ...]
    options: tuple[InventedOption, ...]
    consequences: tuple[str, ...]
    loot: tuple[str, ...]
    foes: tuple[str, ...]


def invent(words: str, rng: Random, tone: Tone | None = None) -> Invention:
    """Return a scene for a request; any words at all will do.

    Args:
        words: A place, an occasion and names in them are used.
        rng: Every choice comes from here.
        tone: Rows that sound like it are drawn where a table has some.
    """
    tables, words = load_tables(), words[:_MOST_CHARACTERS]

    def drawn(rows: Sequence[_Row]) -> _Row:
        return rng.choice(in_tone(rows, tone, str))

    plain = " ".join(words.replace("\u2019", "'").casefold().split())
    place_name = _found(plain, tables.place_words) or rng.choice(tables.unsaid_places)
    place = tables.places[place_name]
    occasion = _found(plain, tables.occasion_words)
    tension = drawn([row for row in tables.tensions if occasion in (None, row["occasion"])])
    tried = tension["check"][0]
    feature = drawn([row for row in place["features"] if row["check"][0] != tried] or place["features"])
    sense = drawn(place["senses"])
    creatures = rng.choice(place["wild"])
    foes, job = creatures["names"], creatures["job"]
    if tension["foes"] == "people":
        foes, job = rng.choice(place["people"]), rng.choice(tables.jobs)
    names = proper_names(words, tables.place_words.meanings.keys() | tables.occasion_words.meanings.keys())
    sure = [name.text for name in names if name.sure]
    slots = {
        **{key: place[key] for key in ("at", "way", "cover", "exit")},
        "woman": _unused(tables.women, plain, rng),
        "man": _unused(tables.men, plain, rng),
        "name": sure[-1] if sure else "",
    }

    def fill(texts: Iterable[str]) -> tuple[str, ...]:
        # One pass: what is filled in is never read again, whatever braces are in it.
        return tuple(_PLACEHOLDER.sub(lambda found: slots[found[1]], text) for text in texts)

    alarms = tables.alarms[tension["foes"]]
    alarm = rng.choice([row for row in alarms if row[0] not in (tried, feature["check"][0])] or alarms)
    return Invention(
        place=place_name,
        title=_title(tension["title"], feature["at"], names),
        read_aloud=fill((feature["read"], sense, *tension["read"])),
        here=fill((feature["use"], tension["stake"], job, drawn(tables.complications))),
        checks=tuple(InventedCheck(*fill(check)) for check in (tension["check"], feature["check"], alarm)),
        options=tuple(InventedOption(*fill(option)) for option in tension["options"]),
        consequences=fill(tension["consequences"]),
        loot=fill((tension["loot"], drawn(tables.name_hooks if sure else tables.loot))),
        foes=tuple(foes),
    )


def _found(plain: str, meanings: Vocabulary) -> str | None:
    """Return what the words call for: a place that is not being left, an occasion rather than a mere "first"."""
    found = (
        (bool(_LEFT_BEHIND.search(plain, max(0, start - _LOOK_BACK), start)), meaning == "opening", meaning)
        for start, meaning in meanings.in_text(plain)
        if meaning
    )
    best = min(found, key=lambda finding: finding[:2], default=None)
    return best and best[2]


def _title(tension: str, at: str, names: Sequence[ProperName]) -> str:
    """Prefer a sure name, and among those a place's ("the …"); without a name, the feature says where."""
    if not names:
        return f"{tension} {at}"
    best = max(names, key=lambda name: (name.sure, name.text.startswith("the ")))
    return f"{best.text[0].upper()}{best.text[1:]}: {tension}"


def _unused(given_names: list[str], plain: str, rng: Random) -> str:
    """Choose a name that nobody in the words has."""
    return rng.choice([name for name in given_names if name.casefold() not in plain] or given_names)
