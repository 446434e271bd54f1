"""Names of people and places in a person's own words, as she wrote them: "the Lonely Torch", "Captain Mara".

Rather misses a name than mangles one: what might be the beginning of a sentence, a headline or a common noun with a
capital is left alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.reading.query_terms import STOP_WORDS

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

__all__ = ["ProperName", "proper_names"]

_MOST_WORDS = 5
_LONGEST_WORD = 20
_SENTENCE_END = re.compile(r"[^\w\s,'\u2019-]+|\n|(?<!\w)['\u2019-]|['\u2019-](?!\w)")
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|,|\d+")
_POSSESSIVE = re.compile(r"['\u2019]s$")
_RUN = re.compile(r"(?:C(?:ot?)?)*C")  # over the kinds of the words, see _kind
_RANKS = frozenset(
    "abbess abbot baron baroness brother captain count countess doctor duchess duke father general king lady lord"
    " madam master mayor mistress mother prince princess professor queen reeve saint sergeant sheriff sir sister"
    " uncle aunt".split()
)
_NOT_NAMES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august"
    " september october november december english common level party players player character characters game"
    " master scene scenario encounter encounters session campaign adventure first second third next last new part"
    " chapter act please thanks start starting begin set write run make meet".split()
)


@dataclass(frozen=True, slots=True)
class ProperName:
    """A name.

    Attributes:
        text: As it stands in the middle of a sentence: ``the Lonely Torch``.
        sure: Two words or more; a single word may be a common noun that somebody gave a capital.
    """

    text: str
    sure: bool


def proper_names(text: str, common: Container[str] = ()) -> tuple[ProperName, ...]:
    """Return the names in a text, in its order, each once.

    Args:
        text: Any text.
        common: Words in lower case that make no name by themselves, such as ``forest``.
    """
    sentences = [_WORD.findall(sentence) for sentence in _SENTENCE_END.split(unicodedata.normalize("NFC", text))]
    words = [word for sentence in sentences for word in sentence if word[0].isalpha()]
    if len(words) > _MOST_WORDS and not any(word[0].islower() for word in words):
        return ()  # a headline
    return tuple(dict.fromkeys(name for sentence in sentences for name in _names(sentence, common)))


def _names(words: list[str], common: Container[str]) -> Iterator[ProperName]:
    for run in _RUN.finditer("".join(map(_kind, words))):
        if name := _name(words, run.start(), run.end(), common):
            yield name


def _name(words: list[str], start: int, end: int, common: Container[str]) -> ProperName | None:
    before = words[start - 1].lower() if start else ""
    run = [*words[start : end - 1], _POSSESSIVE.sub("", words[end - 1])]
    if start == 0:
        # Its capital may be only the sentence's: a rank shows where the name begins.
        rank = next((index for index, word in enumerate(run) if word.lower() in _RANKS), len(run))
        run = run[rank:]
    known = [word.lower() in _NOT_NAMES or word.lower() in common for word in run]
    if not run or before in {"a", "an"} or all(known) or len(run) > _MOST_WORDS:
        return None
    if len(run) == 1 and (before == "the" or run[0].lower() in _RANKS):
        return None
    return ProperName(f"{'the ' if before == 'the' else ''}{' '.join(run)}", sure=len(run) > 1)


def _kind(word: str) -> str:
    """Return C for a word with a capital; o and t, "of" and "the", join two such words."""
    if word in {"of", "the"}:
        return word[0]
    if not (word[0].isupper() and 1 < len(word) <= _LONGEST_WORD and any(map(str.islower, word))):
        return "-"
    return "-" if word.lower() in STOP_WORDS else "C"
