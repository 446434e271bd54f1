"""The few rules that are worked out here and need no book: Difficulty Classes, XP, budgets and days."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.rules.adventuring_day import day_text
from fablewright.gm.rules.budget import Budget, multiplier, xp_for_cr
from fablewright.gm.rules.creature import cr_text
from fablewright.gm.rules.difficulty_class import DIFFICULTY_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.rules.budget import Rules
    from fablewright.gm.rules.party import Party

__all__ = ["computed_rules"]

_DC = re.compile(r"\bdcs?\b|\bdifficulty class", re.IGNORECASE)
_CR = re.compile(r"\b(?:cr|challenge rating)\s{0,3}(\d{1,2})(?:/([248]))?\b", re.IGNORECASE)
_BUDGET = re.compile(
    r"\bxp budgets?\b|\bencounter (?:budgets?|difficulty|building)\b|\bhow (?:hard|many xp)\b.*\bencounter"
)
_DAY = re.compile(
    r"\badventuring day|\bper day\b|\bday'?s? (?:xp|budget)|\b(?:budget|xp) (?:for|of) (?:a|the|one) day\b"
)
_MULTIPLIER = re.compile(r"\bmultipliers?\b", re.IGNORECASE)


def computed_rules(words: str, party: Party, rules: Rules) -> tuple[str, ...]:
    """Return what can be worked out of a question about the rules; empty when none of it is asked for."""
    return tuple(_rules(words.casefold().replace("’", "'"), party, rules))


def _rules(words: str, party: Party, rules: Rules) -> Iterator[str]:
    if _DC.search(words):
        named = [word for word in sorted(DIFFICULTY_CLASSES, key=len, reverse=True) if re.search(rf"\b{word}\b", words)]
        listed = named[:1] or list(DIFFICULTY_CLASSES)
        yield f"Typical DCs (SRD 5.2.1): {', '.join(f'{word} {DIFFICULTY_CLASSES[word]}' for word in listed)}."
    for found in _CR.finditer(words):
        cr = int(found[1]) / int(found[2] or 1)
        if cr <= 30:
            yield f"One creature of CR {cr_text(cr)} is worth {xp_for_cr(cr):,} XP."
    if _BUDGET.search(words):
        meaning = "a budget is a ceiling" if rules == "2024" else "a threshold is a floor"
        yield f"XP for a fight of {party.words} by the {rules} rules: {Budget.of(party, rules)}; {meaning}."
    if _DAY.search(words):
        yield day_text(Budget.of(party, rules), party)
    if _MULTIPLIER.search(words):
        steps = ", ".join(f"{few} × {multiplier(few, party.size, '2014'):g}" for few in (1, 2, 3, 7, 11, 15))
        yield f"2014: XP are multiplied by the number of monsters, for {party.words} from {steps}; 2024: they are not."
