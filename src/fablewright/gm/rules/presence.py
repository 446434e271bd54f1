"""Whether creatures that a sentence names are there in the flesh, now.

A statue of four ogres, kobolds of last week, giants of a tale and goblins that are not there cannot be fought.
Only visible words in the same clause decide, and in doubt the creatures are here: a foe too many is seen at
once, a foe too few is a surprise at the table.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.gm.rules.mention import Mention

__all__ = ["MOST_HERE", "count_here", "is_here"]

MOST_HERE = 100
"""More than that of one kind is no fight but a year, an army or a figure of speech."""

_NEAR = 100
"""Characters before a name, and behind it, that may say how it is meant."""

_IMAGES = """
    statues?|statuettes?|paintings?|pictures?|portraits?|carvings?|drawings?|sketch(?:es)?|images?|murals?|frescos?
    frescoes|tapestr(?:y|ies)|mosaics?|reliefs?|sculptures?|figur(?:e|ine)s?|idols?|effig(?:y|ies)|toys?|dolls?|masks?
    illusions?|dreams?|visions?|nightmares?|banners?|sigils?|symbols?|tattoos?|models?|maps?
    tales?|stor(?:y|ies)|legends?|rumou?rs?|songs?|ballads?|myths?|memor(?:y|ies)|reports?|talk|word|news|prophec(?:y|ies)
    signs?|traces?|tracks?|footprints?|trails?|corpses?|bod(?:y|ies)|skulls?|bones|heads?|remains|carcass(?:es)?|ghosts?
"""
_HEARSAY = """
    sa(?:y|ys|id)|tells?|told|hears?|heard|claim(?:s|ed)?|insist(?:s|ed)?|remember(?:s|ed)?|dream(?:s|ed|t)?|swear(?:s)?
    rumou?red|supposed(?:ly)?|allegedly|believe[sd]?|imagine[sd]?|killed|slew|slain|defeated|fought|escaped|drove off
"""
_NOT_ALIVE = """
    dead|slain|fallen|killed|petrified|stuffed|painted|carved|stone|wooden|bronze|clay|paper|illusory|imaginary|imagined
    toy|fake|legendary|mythical|long-dead|dying
"""
_PAST = r"(?:was|were|had|came|went|fled|died|perished|vanished|departed|passed|used\sto|lived|once)"
_LONG_AGO = re.compile(
    r"\b(?:ago|yesterday|formerly|used\sto|in\sthe\spast|(?:last|previous)\s(?:night|week|month|year|spring|summer|"
    r"autumn|fall|winter|session)|(?:in|since)\s(?:the\syear\s)?\d{3,4})\b",
    re.IGNORECASE,
)


def _any_of(words: str) -> str:
    return "|".join(line.strip() for line in words.strip().splitlines())


_WORDS = r"(?:[\w'’-]{1,30}\s){0,3}"
_NOT_MEANT = re.compile(
    rf"\b(?:{_any_of(_IMAGES)})\s(?:of|about|showing|depicting|portraying)\s{_WORDS}\Z"
    rf"|\b(?:{_any_of(_HEARSAY)})\s(?:[^,;:]{{0,60}}\s)?\Z"
    rf"|\b(?:no|not|never|without|neither|nor|none\sof|[a-z]{{2,8}}n['’]t)\s{_WORDS}\Z"
    r"|\b(?:once|former|formerly)\s(?:an?\s|the\s)?\Z"
    rf"|\b(?:{_any_of(_NOT_ALIVE)})\s(?:[\w'’-]{{1,30}}\s)?\Z",
    re.IGNORECASE,
)
_PAST_NEXT = re.compile(rf"\s?(?:\([^()]{{0,90}}\)\s?)?(?:who\s|that\s|which\s)?{_PAST}\b", re.IGNORECASE)
_BREAK = re.compile(r"[,;:()—–]\s")
_OPENING = re.compile(r"[^,]{1,40},")
"""What opens a sentence speaks of all of it: "Years ago, two ogres …"."""


def count_here(sentence: str, mention: Mention, *, uncounted: int = 0) -> int:
    """Return how many of the creatures that a sentence mentions are there.

    Args:
        sentence: Without markup.
        mention: One of its mentions.
        uncounted: How many there are where the sentence gives no number.
    """
    count = mention.count or uncounted
    return count if count <= MOST_HERE and is_here(sentence, mention.start, mention.end) else 0


def is_here(sentence: str, start: int, end: int) -> bool:
    """Return whether the creatures named at ``start:end`` of a sentence are there.

    Args:
        sentence: Without markup.
        start: First character of the name.
        end: One past its last.
    """
    before = sentence[max(0, start - _NEAR) : start]
    if _NOT_MEANT.search(before) or _PAST_NEXT.match(sentence, end):
        return False
    after = sentence[end : end + _NEAR]
    stop = _BREAK.search(after)
    clause = before[max((found.end() for found in _BREAK.finditer(before)), default=0) :]
    clause += sentence[start:end] + (after[: stop.start()] if stop else after)
    opening = _OPENING.match(sentence, 0, start)
    return not (_LONG_AGO.search(clause) or (opening and _LONG_AGO.search(opening[0])))
