"""What a person wants, from the words alone: a scene, a question answered, an encounter, dice or the status.

Plain rules in a fixed order, the most telling first; whatever none of them knows is a scene, for that is
what a game master mostly asks for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.party import Party

if TYPE_CHECKING:
    from fablewright.gm.answer import Want

__all__ = ["dice_in", "difficulty_in", "intent_of", "party_in"]

_STATUS = re.compile(r"^\W*(?:status|health|are you (?:there|ok(?:ay)?|up)|how are you)\W*$", re.IGNORECASE)
_ROLL = re.compile(r"^\W*(?:roll|throw|dice)\b\W*(?P<dice>.*)$", re.IGNORECASE | re.DOTALL)
_LOOKS_LIKE_DICE = re.compile(r"^\s*(?:\d*d(?:\d+|%)|(?:adv|dis)(?:antage)?\b)[\dd%khl!x×*+\-\s]*$", re.IGNORECASE)
_SCENE = re.compile(
    r"\bscenes?\b|\bscenario\b|\bread-?aloud\b|\bset the stage\b|\bdescribe\b|\bwhat do they see\b|"
    r"\bwhat happens (?:when|next|now)\b",
    re.IGNORECASE,
)
_ENCOUNTER = re.compile(
    r"\bhow (?:hard|deadly|difficult|dangerous|tough)\b|\bbalanced?\b|\bxp budget\b|\bdifficulty\b|"
    r"\b(?:too|very) (?:hard|deadly|easy)\b|"
    r"\b(?:build|make|give|create|generate|design)\b[^.?!]*\b(?:fight|combat|battle|encounter)\b|"
    r"\b(?:easy|low|medium|moderate|hard|high|deadly)(?:-difficulty)? (?:fight|combat|battle|encounter)\b",
    re.IGNORECASE,
)
_NAMED_ENCOUNTER = re.compile(
    r"\b(?:first|second|third|next|opening|last|final|this|that)\s+(?:encounter|fight|battle)\b",
    re.IGNORECASE,
)
_QUESTION = re.compile(
    r"^\W*(?:who|whom|whose|what|when|where|why|which|how|is|are|was|were|do|does|did|has|have|had|can|could|may|"
    r"will|would|should)\b|\?\W*$",
    re.IGNORECASE,
)
_DIFFICULTY = re.compile(r"\b(?P<word>easy|low|medium|moderate|hard|high|deadly)\b", re.IGNORECASE)
_DIFFICULTIES = {"easy": "low", "medium": "moderate", "hard": "high", "deadly": "high"}
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
_PARTY = re.compile(
    rf"\b(?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)})\s+"
    r"(?:level[- ](?P<level1>\d{1,2})|(?P<level2>\d{1,2})(?:st|nd|rd|th)[- ]level)\b",
    re.IGNORECASE,
)


def intent_of(words: str) -> Want:
    """Return what the words ask for."""
    if _STATUS.match(words):
        return "status"
    if dice_in(words) is not None:
        return "dice"
    if _NAMED_ENCOUNTER.search(words) and not re.search(r"\bhow\b|\bbalance", words, re.IGNORECASE):
        return "scene"  # "the first encounter" is a place in the notes, not a fight to be built
    if _ENCOUNTER.search(words) and not _SCENE.search(words):
        return "encounter"
    if _SCENE.search(words):
        return "scene"
    return "question" if _QUESTION.search(words) else "scene"


def dice_in(words: str) -> str | None:
    """Return the dice expression of a request to roll, right or wrong; None when it is no such request."""
    asked = _ROLL.match(words)
    if asked and re.match(r"\s*(?:[\dd]|adv|dis)", asked["dice"], re.IGNORECASE):
        return asked["dice"].strip()
    return words.strip() if _LOOKS_LIKE_DICE.match(words) else None


def difficulty_in(words: str) -> str:
    """Return the 2024 difficulty that the words ask for; ``moderate`` when they name none."""
    match = _DIFFICULTY.search(words)
    word = match["word"].lower() if match else "moderate"
    return _DIFFICULTIES.get(word, word)


def party_in(words: str) -> Party | None:
    """Return the party that the words speak of ("five level 3 characters"), or None.

    Raises:
        InvalidInput: There is one, out of bounds.
    """
    levels: list[int] = []
    for match in _PARTY.finditer(words):
        count = _NUMBERS.get(match["count"].lower()) or int(match["count"])
        levels += [int(match["level1"] or match["level2"])] * count
    return Party(tuple(levels)) if levels else None
