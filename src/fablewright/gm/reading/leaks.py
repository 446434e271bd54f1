"""Whether a text for the players gives a secret away: it has the words by which that secret is known, and no other.

A secret leaks when a text has most of the words that are the secret's own: those that no sentence has which the
players may hear. "Philo sold the plan for twelve silver" is known by "sold", "twelve" and "silver" where all the
players may hear of Philo is that he runs the inn. Names alone give nothing away; that somebody exists is no secret
unless the note says so of the name itself. Pure; used wherever text for players is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from fablewright.gm.reading.query_terms import STOP_WORDS
from fablewright.gm.reading.statements import Role, statements

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["Leak", "leaks", "public_words", "secrets_in"]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_MOST = 0.6
"""Share of a secret's own words that give it away."""
_LEAST = 2
"""Own words that it takes at least, unless the secret has but one."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that a text gives away.

    Attributes:
        secret: Its words in the notes.
        words: Those of them that the text has.
    """

    secret: str
    words: frozenset[str]


def leaks(text: str, secrets: Iterable[str], public: frozenset[str] = frozenset()) -> list[Leak]:
    """Return the secrets that a text gives away.

    Args:
        text: What the players would read or hear.
        secrets: The sentences that are for the game master only.
        public: The words that the players may hear anyway; see ``public_words``.
    """
    said = _words(text)
    found: list[Leak] = []
    for secret in secrets:
        own = _words(secret) - public
        there = own & said
        if there and len(there) >= max(min(_LEAST, len(own)), _MOST * len(own)):
            found.append(Leak(secret, there))
    return found


def secrets_in(passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return the sentences of passages that are for the game master only."""
    return tuple(dict.fromkeys(s.text for s in statements(list(passages)) if s.secret))


def public_words(passages: Sequence[Passage]) -> frozenset[str]:
    """Return the words of what passages have for the players' ears."""
    found = (s.text for s in statements(list(passages)) if s.role is Role.READ_ALOUD and not s.secret)
    return frozenset().union(*map(_words, found))


@lru_cache(maxsize=2048)
def _words(text: str) -> frozenset[str]:
    """Return the telling words of a text, without endings that a sentence may change."""
    words = (match[0].lower().replace("’", "'").removesuffix("'s") for match in _WORD.finditer(text))
    return frozenset(_stem(word) for word in words if word not in STOP_WORDS and len(word) > 2)


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word
