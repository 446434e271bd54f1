"""Takes a question apart: what it is about, what it only tells, and each thing that it asks.

"Prone - what does it do and how do you get up?" is about prone and asks two things. "They cross the hills. Pace,
foraging, how far can they see?" tells one thing and asks three. Each part is answered by itself, or said to be
unanswered by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Part", "Sort", "parts_of"]

Sort: TypeAlias = Literal["asks", "key", "about", "tells"]
"""``key``: a few words that something is wanted of; ``about``: what the whole is about; ``tells``: no question."""

_ASKING = (
    r"(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|did|does|do|can|could|has|have|will|would|"
    r"should)(?:['’]?s|['’]re)?\b"
)
_SENTENCE = re.compile(r"(?<=[.?!;])\s+|\n+")
_CLAUSE = re.compile(rf"\s*[,;]?\s+(?:and|but|or|plus|&)\s+(?={_ASKING})|\s*[,;–—]\s*(?={_ASKING})", re.IGNORECASE)
_HEAD = re.compile(r"^(?P<head>[^:?!.]{2,60}?)\s*(?::|\s[-–—])\s+(?=\S)")
_ASKS = re.compile(rf"\b(?:who|whom|whose|what|which|when|where|why|how)(?:['’]s)?\b|^\W*{_ASKING}", re.IGNORECASE)
_OPENS = re.compile(rf"^\W*{_ASKING}", re.IGNORECASE)
_LIST = re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*/\s*", re.IGNORECASE)
_BIDS = re.compile(r"^\W*(?:tell|remind|show|give|explain|list|name|look|recap|summari[sz]e|find)\b", re.IGNORECASE)
_WHAT = re.compile(r"^\W*(?:what|which)\s+(?=\w+(?:\s\w+)?\s*,)", re.IGNORECASE)
_YES_OR_NO = re.compile(
    r"^\W*(?:can|could|may|might|do|does|did|is|are|was|were|will|would|should|has|have)\b", re.IGNORECASE
)
_PRONOUN = re.compile(
    r"\b(?:it|its|he|his|him|she|her|hers|they|them|their|that|there|one|these|those|both)\b", re.IGNORECASE
)
_KEY_WORDS = 4
_KEY_WORDS_ASKING = 8
_HEAD_WORDS = 8
_FEW_WORDS = 2
_BARE = re.compile(r"^(?:and )?(?:why|how|when|where|since when|what for)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question.

    Attributes:
        text: Its words, as they stand.
        sort: What it does there.
    """

    text: str
    sort: Sort

    @property
    def leans(self) -> bool:
        """Whether it speaks of something by a pronoun only, so that another part must say of what."""
        return _PRONOUN.search(self.text) is not None


def parts_of(question: str) -> list[Part]:
    """Return the parts in order; at least one of them asks."""
    found: list[Part] = []
    for sentence in _SENTENCE.split(" ".join(question.split())):
        if sentence.strip(" .?!;"):
            found += _of_sentence(sentence.strip())
    asked = [part for part in found if not _BARE.match(part.text)]  # "…, and why?" is answered with what it follows
    found = asked or found
    if not any(part.sort in ("asks", "key") for part in found):
        return [Part(question.strip(), "asks")]
    return found


def _of_sentence(sentence: str) -> list[Part]:
    head = _HEAD.match(sentence)
    if head and len(head["head"].split()) <= _HEAD_WORDS and not _OPENS.match(sentence):
        rest = sentence[head.end() :]
        listed = _keys(head["head"])  # "Pace, food, getting lost: what do we need?"
        return [*(listed or [Part(head["head"].strip(), "about")]), *(_keys(rest) or _clauses(rest))]
    return _keys(sentence) or _clauses(sentence)


def _clauses(sentence: str) -> list[Part]:
    asks = sentence.rstrip().endswith("?") or _OPENS.match(sentence) or _BIDS.match(sentence)
    clauses = [clause.strip(" .?!;,") for clause in _CLAUSE.split(sentence)]
    found: list[Part] = []
    for at, clause in enumerate(filter(None, clauses)):
        if _ASKS.search(clause) and (asks or _OPENS.match(clause)):
            found.append(Part(clause, "asks"))
        elif at == 0 and len(clauses) > 1 and len(clause.split()) <= _HEAD_WORDS:
            found.append(Part(clause, "about"))
        else:
            found.append(Part(clause, "asks" if asks and at == 0 and len(clauses) == 1 else "tells"))
    return found


def _keys(sentence: str) -> list[Part]:
    """Return the entries of a list of things wanted: "range, damage, save?"; nothing when it is none."""
    if _YES_OR_NO.match(sentence):  # "Can he slip them, break them, or pick the lock?" is one thing to look up
        return []
    plain = _WHAT.sub("", sentence).strip(" .?!;")
    entries = [entry.strip(" .?!") for entry in _LIST.split(plain) if entry.strip(" .?!")]
    if len(entries) <= _FEW_WORDS or "," not in plain:
        return []
    bare = [entry for entry in entries if not _ASKS.search(entry)]
    if len(bare) < _FEW_WORDS or any(len(entry.split()) > _KEY_WORDS for entry in bare):
        return []
    if any(len(entry.split()) > _KEY_WORDS_ASKING for entry in entries):
        return []
    return [Part(entry, "key") for entry in entries]
