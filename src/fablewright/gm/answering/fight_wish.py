"""What a person wishes of a fight: how hard, of what, where, with which parts played, by whose rules, without whom."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from fablewright.gm.intent import difficulty_in
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.budget import Budget, Rules
from fablewright.gm.rules.encounter import difficulty_named
from fablewright.gm.rules.habitat import habitat_in, habitat_named
from fablewright.gm.rules.party import without
from fablewright.gm.rules.role import ROLES, role_named
from fablewright.gm.rules.theme import fitting

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.rules.party import Party

__all__ = ["NO_WISH", "FightWish", "absent_in", "rules_in", "wish_in"]

_EDITION = re.compile(
    r"\b(?:by|under|using|with|in|for) (?:the )?(?P<a>2014|2024)\b|"
    r"\b(?P<b>2014|2024)(?: \w+){0,2} (?:rules?|edition|multipliers?|thresholds?|budgets?|maths?|xp)\b|"
    r"\b(?:rules?|edition)\W{1,3}(?:of |from )?(?P<c>2014|2024)\b",
    re.IGNORECASE,
)
_PEOPLE = r"(?:players?|characters?|pcs?|of us|of them|of the (?:party|players|characters))"
_AWAY = r"(?:absent|missing|away|sick|ill|not (?:here|there|coming)|can'?t (?:make it|come|play))"
_ABSENT = re.compile(
    rf"\b(?P<a>\d|a|one|two|three|four) {_PEOPLE}(?: tonight)? (?:(?:is|are|will be) )?{_AWAY}\b|"
    rf"\bwithout (?P<b>\d|a|one|two|three|four) {_PEOPLE}|"
    rf"\b(?P<c>\d|one|two|three|four) (?:absent|missing) {_PEOPLE}",
    re.IGNORECASE,
)
_NUMBERS = {"a": 1, "one": 1, "two": 2, "three": 3, "four": 4}
_PARTS = re.compile(rf"\b(?:{'|'.join(ROLES)})s?\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FightWish:
    """Wishes; what is empty is left to the words, and what they do not say to chance.

    Attributes:
        difficulty: A word of either edition.
        theme: Types or words of creatures' names.
        habitat: A habitat or a word for one.
        roles: Parts that have to be played.
        rules: The edition; None for the campaign's.
        absent: Who of the party is not there; see ``party.without``.
        built: Whether a fight is to be built, whatever the words are.
    """

    difficulty: str = ""
    theme: str = ""
    habitat: str = ""
    roles: tuple[str, ...] = ()
    rules: Rules | None = None
    absent: str = ""
    built: bool = False

    def before(self, other: FightWish) -> FightWish:
        """Return these wishes, and another's where these say nothing."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(other, **{name: value for name, value in said.items() if value})

    def check(self, party: Party, rules: Rules) -> None:
        """Hold the wishes against what there is, before anything is looked up.

        Args:
            party: Everybody, those who are absent too.
            rules: The campaign's edition.

        Raises:
            InvalidInput: A word is unknown, no creature fits theme and habitat, or nobody is left of the party.
        """
        edition = self.rules or rules
        there = without(party, self.absent) if self.absent else party
        for role in self.roles:
            role_named(role)
        fitting(load_bestiary(), self.theme, habitat_named(self.habitat) if self.habitat else "")
        if self.difficulty:
            Budget.of(there, edition)[difficulty_named(self.difficulty, edition)]


NO_WISH = FightWish()


def wish_in(words: str, bestiary: Bestiary, rules: Rules) -> FightWish:
    """Return what the words wish of a fight to be built by an edition's rules."""
    types = [kind for kind in sorted(bestiary.types) if f" {kind}" in f" {words.lower()}"]
    mentions = bestiary.mentions(words)
    plain = words
    for mention in reversed(mentions):  # a swamp troll's swamp is no wish, nor is a scout a part to be played
        plain = f"{plain[: mention.start]}{plain[mention.end :]}"
    return FightWish(
        difficulty=difficulty_in(words, rules),
        theme=" ".join([*types, *(mention.creature.name for mention in mentions)]),
        habitat=habitat_in(plain),
        roles=tuple(dict.fromkeys(role_named(part) for part in _PARTS.findall(plain))),
    )


def rules_in(words: str) -> Rules | None:
    """Return the edition that the words name ("by the 2014 rules"), or None."""
    found = _EDITION.search(words)
    if found is None:
        return None
    return "2014" if found[found.lastgroup or 0] == "2014" else "2024"


def absent_in(words: str) -> str:
    """Return how many of the party the words say are not there ("one player is away"), or nothing."""
    found = _ABSENT.search(words.replace("’", "'"))
    if found is None:
        return ""
    number = found[found.lastgroup or 0].lower()
    return str(_NUMBERS.get(number, number))
