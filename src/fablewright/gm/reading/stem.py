"""What forms of one word have in common: "lanterns" and "lantern", "sleeping" and "sleeps".

Endings are cut off and nothing else is known of English: good enough to compare two texts that are reduced alike, and
the same wherever the game compares words.
"""

from __future__ import annotations

from functools import lru_cache

__all__ = ["stem"]

_ENDINGS = ("ies", "ing", "ied", "ed", "es", "s")
_SHORTEST = 3


@lru_cache(maxsize=32_768)  # a note's words are few, and each is asked for again and again
def stem(word: str) -> str:
    """Reduce a word to what plural, tense and possession leave alone, the same on both sides of a comparison."""
    plain = word.lower().replace("’", "'").removesuffix("'s")
    for ending in _ENDINGS:
        if plain.endswith(ending) and len(plain) - len(ending) >= _SHORTEST:
            plain = plain[: -len(ending)]
            break
    plain = plain.rstrip("yei") if len(plain) > _SHORTEST else plain
    return plain[:-1] if len(plain) > _SHORTEST and plain[-1] == plain[-2] else plain
