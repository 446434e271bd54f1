"""Difficulty Classes by word."""

from __future__ import annotations

from fablewright.errors import InvalidInput

__all__ = ["DIFFICULTY_CLASSES", "dc"]

DIFFICULTY_CLASSES = {
    "very easy": 5,
    "easy": 10,
    "medium": 15,
    "hard": 20,
    "very hard": 25,
    "nearly impossible": 30,
}
"""Typical DCs (SRD 5.2.1, Playing the Game)."""


def dc(difficulty: str) -> int:
    """Return the DC for a word such as ``hard``.

    Raises:
        InvalidInput: There is no such difficulty; the message lists them.
    """
    word = " ".join(difficulty.casefold().replace("_", " ").replace("-", " ").split())
    if word not in DIFFICULTY_CLASSES:
        raise InvalidInput(f"There is no difficulty {difficulty[:40]!r}: say {', '.join(DIFFICULTY_CLASSES)}.")
    return DIFFICULTY_CLASSES[word]
