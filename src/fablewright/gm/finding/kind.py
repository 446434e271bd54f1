"""What a question is about besides its words: every fight has to do with the budget, every scene with the safety sheet.

A question can be of several kinds. Each kind names the pinned notes that it calls for, and how urgently, and may
add words under which rule books and advice speak of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.gm.intent import intent_of
from fablewright.gm.questions.session_log import asks_for_log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.finding.pins import PinKind
    from fablewright.gm.finding.sort import Sort

__all__ = ["Kind", "kinds_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question.

    Attributes:
        name: For people.
        pins: For each kind of pinned note how much it is called for, from 0 to 1; 1.2: it is the answer.
        adds: Other searches that belong to such a question, with the places that their best finds get.
        wants: The sort of text to go on to from what is found, if there is one.
        likes: For sorts of text how much more or less they count.
    """

    name: str
    pins: Mapping[PinKind, float]
    adds: tuple[tuple[str, tuple[int, ...]], ...] = ()
    likes: Mapping[Sort, float] = field(default_factory=dict)
    wants: Sort | None = None


_FIGHT = Kind(
    "fight",
    {"house_rules": 1.0, "party": 0.45, "log": 0.35},
    (("XP budget: spend your budget, deduct the XP of each creature", (4, 8)),),
    {"advice": 0.85},
)
_ADJUST = Kind("adjust", {"party": 0.45}, (("adjust an encounter: remove or add creatures, easier or harder", (5,)),))
_SCENE = Kind(
    "scene",
    {"safety": 0.3, "log": 0.4, "party": 0.1},
    likes={"scene": 1.25, "sheet": 0.85, "rules": 0.75, "advice": 0.65},
)
_WHO = Kind("who", {}, likes={"rules": 0.7, "advice": 0.7})
_RECAP = Kind("recap", {"log": 1.2})
_TABLE = Kind("table", {"house_rules": 0.9, "safety": 0.4, "party": 0.3})
_NOW = Kind("now", {"log": 0.6})
_WHO_PLAYS = Kind("party", {"party": 0.9})
_STATS = Kind("stats", {}, wants="stats")

_WORDS = (
    (
        _FIGHT,
        (
            r"\b(?:build|make|design|need|want|plan|run|put together|set up|throw)\b[^.?!]{0,60}"
            r"\b(?:fight|encounter|combat|battle|ambush)\b|"
            r"\b(?:fight|encounter|combat|battle(?:field)?|ambush)\b[^.?!]{0,80}"
            r"\b(?:levels?[- ]\d|\d(?:st|nd|rd|th)?[- ]level|"
            r"(?:for|against) (?:my|our|the|\d+|two|three|four|five|six|seven)? ?"
            r"(?:party|players|characters|heroes|pcs))\b|"
            r"\b(?:fight|encounter|battle|ambush)\b[^.?!]{0,20}\b(?:ok(?:ay)?|fine|fair|balanced|doable|winnable)\b|"
            r"\b(?:kill|wipe out|tpk|beat|handle|survive|take on|a match for)\b[^.?!]{0,60}"
            r"\b(?:levels?[- ]\d|\d(?:st|nd|rd|th)[- ]level)|"
            r"\b(?:monsters?|enem(?:y|ies)|foes|creatures)\b[^.?!]{0,60}\bagainst\b[^.?!]{0,40}"
            r"\b(?:characters|players|party|heroes|level)\b|"
            r"\b(?:fight|encounter|battle|combat|ambush)\b[^.?!]{0,60}\b(?:easier|harder|fair|fit|scale\w*|adjust\w*)\b|"
            r"\b(?:scale|adjust|tune|rate|balance)\b[^.?!]{0,60}\b(?:fight|encounter|battle|combat)\b|\bxp budget\b|"
            r"\btoo (?:much|many|hard|deadly|tough|strong)\b[^.?!]{0,20}\b(?:for|against)\b[^.?!]{0,20}"
            r"\b(?:characters|players|party|us|them|level)\b"
        ),
    ),
    (
        _ADJUST,
        (
            r"\b(?:easier|harder|adjust\w*|scale\w*|tune|tweak)\b|"
            r"\b(?:can't|cannot|won't|not) (?:come|make it|be there)\b|"
            r"\b(?:fit|suit)s?\b[^.?!]{0,20}\b(?:players|characters|party)\b|"
            r"\b(?:absent|missing a player|one player short)\b|"
            r"\b(?:goes|going|go) (?:badly|wrong)\b"
        ),
    ),
    (
        _SCENE,
        (
            r"\bscenes?\b|\bread[- ]?aloud\b|\bdescribe\b|\bset the stage\b|\bplay\b[^.?!]{0,30}\bfor me\b|"
            r"\bwhat (?:do|does|will) (?:they|we|\w+) (?:see|hear|find|notice|smell)\b"
        ),
    ),
    (_WHO, r"\bwho\b|\bwhose\b|^where\b"),
    (
        _TABLE,
        (
            r"\b(?:our|my|the) (?:own )?table\b(?! of\b)|\bhouse[- ]?rules?\b|\bour rules?\b|"
            r"\bwe (?:play|use|agreed)\b|"
            r"\bsession zero\b|\bmy (?:lines|veils)\b|\bsafety\b|\bphobia\b"
        ),
    ),
    (
        _NOW,
        (
            r"\bnow\b|\bagain\b|\bstill\b|\bthis time\b|\blast (?:time|session)\b|\b(?:not|un)[- ]?rested\b|"
            r"\bhave not rested\b|\bleft\b|\bso far\b|\balready\b|\bcurrently\b|"
            r"\bat (?:the moment|this point)\b|\bby now\b"
        ),
    ),
    (
        _WHO_PLAYS,
        (
            r"\bwho (?:of|in) (?:the|my|our) (?:party|players|group)\b|\bwhich (?:player|character|pc)s?\b|"
            r"\b(?:the|my|our) party's\b|\bmy players\b"
        ),
    ),
    (
        _STATS,
        (
            r"\bstats?\b|\bstat ?blocks?\b|\b(?:hit points|hp|ac|armou?r class)\b|\bwhat (?:sort|kind) of (?:creature|"
            r"monster|thing|being|beast)\b|\bhow (?:dangerous|deadly|tough|strong)\b|\bin a fight\b|\bturns? hostile\b"
        ),
    ),
)
_KINDS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _WORDS)
_OF_WANTS = {"encounter": _FIGHT, "scene": _SCENE}
_ASKS_FOR_SCENE = re.compile(r"\bscenes?\b|\bread[- ]?aloud\b|\bdescribe\b", re.IGNORECASE)
_RECAPS = re.compile(r"\brecap\b|\bwhere (?:did )?we (?:stop|left|leave|end)|\bcliffhanger\b", re.IGNORECASE)


def kinds_of(question: str) -> list[Kind]:
    """Return the kinds that a question is of; often none."""
    found = [kind for kind, pattern in _KINDS if pattern.search(question)]
    wanted = _OF_WANTS.get(intent_of(question))
    if wanted and wanted not in found:
        found.append(wanted)
    if _FIGHT in found and _SCENE in found and not _ASKS_FOR_SCENE.search(question):
        found.remove(_SCENE)
    if asks_for_log(question) or _RECAPS.search(question):
        found.insert(0, _RECAP)
    return found
