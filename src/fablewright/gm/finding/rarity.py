"""How much a word tells: one of every page tells nothing, one of a single page nearly everything."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.gm.finding.lookups import Lookups

__all__ = ["RARE_IN", "is_rare", "most_of_a_rare_word", "rarity"]

RARE_IN = 100
"""A word in more passages than this is not rare; in a small index, in more than a fiftieth of them."""
_COUNTED = 500
"""Counting goes no further: a word of more passages is a word of every page."""


def most_of_a_rare_word(lookups: Lookups) -> int:
    """Return in how many passages at the most a rare word stands."""
    return max(3, min(RARE_IN, lookups.count() // 50))


def rarity(word: str, lookups: Lookups) -> float:
    """Return how rare a word is, from 0 (in every passage) to 1 (in one)."""
    count = max(2, lookups.count())
    there = max(1, len(lookups.with_word(word, _COUNTED)))
    return max(0.0, math.log(count / there) / math.log(count))


def is_rare(word: str, lookups: Lookups, least: float) -> bool:
    """Return whether a word is at least so rare; cheaper than to find out how rare."""
    most = int(max(2, lookups.count()) ** (1 - least))
    return len(lookups.with_word(word, most + 1)) <= most
