"""Whether a sentence for the players gives away what the notes keep secret.

A word is distinctive for a secret when a secret sentence has it and no open one in the notes does. A sentence that has
one such word leaks; one that only shares words which the players may read elsewhere does not. Judged strictly: a
sentence that is held back costs the players little, one that leaks costs them the campaign.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.reading.query_terms import STOP_WORDS
from fablewright.gm.reading.stem import stem

if TYPE_CHECKING:
    from collections.abc import Collection

    from fablewright.gm.reading.statements import Statement

__all__ = ["suspicious", "telling_words"]

_WORD = re.compile(r"[^\W_]{3,}|\d+")


def telling_words(text: str) -> dict[str, str]:
    """Return the words of a text that tell something, by their stems."""
    words = (word.lower() for word in _WORD.findall(text))
    return {stem(word): word for word in words if word not in STOP_WORDS}


def suspicious(said: str, statements: Collection[Statement]) -> dict[str, str]:
    """Return the words of a sentence that of these statements only secret ones have, by their stems.

    Args:
        said: The sentence, without words of ours.
        statements: What the notes say that shares words with it.
    """
    secret = {each for s in statements if s.secret for each in telling_words(s.text)}
    public = {each for s in statements if not s.secret for each in telling_words(s.text)}
    return {each: word for each, word in telling_words(said).items() if each in secret and each not in public}
