"""A person made on the spot: name, trade, look, manner, want, a secret, and a bond to what the notes know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fablewright.gm.making.tables import load_people

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from random import Random

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.creature import Creature

__all__ = ["Known", "Person", "make_person"]


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody or some place that the notes know."""

    name: str
    kind: Literal["person", "place"]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, in full sentences or phrases for the GM.

    Attributes:
        name: Given name and family name.
        trade: What they do.
        look: What one sees.
        manner: How they behave.
        want: What they are after.
        secret: What nobody is to know.
        bond: What ties them to somebody, a place or the party.
        bound_to: Whom or what the bond names; None where the notes gave nobody.
        creature: Whose numbers suit them; None when there are none.
    """

    name: str
    trade: str
    look: str
    manner: str
    want: str
    secret: str
    bond: str
    bound_to: Known | None
    creature: Creature | None


def make_person(
    words: str, bestiary: Bestiary, rng: Random, *, known: Sequence[Known] = (), taken: Collection[str] = ()
) -> Person:
    """Make a person to a GM's words; equal words, notes and ``rng`` states make equal people.

    Args:
        words: A trade, a creature's name or a name in it is used: "a ferryman called Ansa".
        bestiary: For the numbers.
        rng: The dice.
        known: Whom and what the notes know, for a bond.
        taken: Names that are not given again.
    """
    people = load_people()
    given = rng.choice([name for name in people.given if name.casefold() not in taken] or people.given)
    name = _called(words) or f"{given} {rng.choice(people.family)}"
    trade, numbers = _trade(words, bestiary, rng)
    look = f"{rng.choice(people.features)}; {rng.choice(people.clothes)}"
    who = name.split()[0]
    bound_to = rng.choice(known) if known else None
    bonds = {None: people.free_bonds, "person": people.person_bonds, "place": people.place_bonds}
    bond = rng.choice(bonds[bound_to.kind if bound_to else None])
    found = bestiary.find(numbers)
    return Person(
        name=name,
        trade=trade,
        look=look,
        manner=rng.choice(people.manners),
        want=rng.choice(people.wants),
        secret=rng.choice(people.secrets),
        bond=bond.replace("{who}", who).replace("{bond}", bound_to.name if bound_to else ""),
        bound_to=bound_to,
        creature=found.creature if found else None,
    )


def _called(words: str) -> str:
    found = re.search(r"\b(?:called|named)\s+((?:[^\W\d_a-z][\w'’-]{0,20}\s?){1,3})", words)
    return found[1].strip() if found else ""


def _trade(words: str, bestiary: Bestiary, rng: Random) -> tuple[str, str]:
    """Return what somebody does, and whose numbers suit it: the words' own trade or creature first."""
    plain = words.casefold()
    trades = load_people().trades
    for trade, creature in sorted(trades, key=lambda pair: -len(pair[0])):
        if re.search(rf"(?<!\w){re.escape(trade)}s?(?!\w)", plain):
            return _described(words, trade), creature
    for mention in bestiary.mentions(words):
        if mention.creature.type in ("humanoid", "fey", "giant"):
            return _described(words, mention.words.lower()), mention.creature.name
    trade, creature = rng.choice(trades)
    return trade, creature


def _described(words: str, trade: str) -> str:
    """Return a trade with up to two words of description before it: "nervous ferryman"."""
    found = re.search(rf"\b(?:an?|the|some)\s+((?:[^\W\d_]+\s+){{1,2}}){re.escape(trade)}", words, re.IGNORECASE)
    return f"{found[1].strip().lower()} {trade}" if found else trade
