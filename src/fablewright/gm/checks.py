"""Finds ability checks and saving throws in prose: skill, difficulty class, and what comes of each side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FoundCheck", "find_checks"]

_ABILITY = r"(?:Strength|Dexterity|Constitution|Intelligence|Wisdom|Charisma)"
_SKILL = (
    r"(?:Acrobatics|Animal Handling|Arcana|Athletics|Deception|History|Insight|Intimidation|Investigation|"
    r"Medicine|Nature|Perception|Performance|Persuasion|Religion|Sleight of Hand|Stealth|Survival)"
)
_WHAT = rf"(?:{_ABILITY}(?:\s*\([^()]{{1,60}}\))?|{_SKILL})"
_KIND = r"(?:\s+(?:ability\s+)?(?P<kind{n}>saving throw|save|check))?"
_CHECK = re.compile(
    rf"\bDC\s*(?P<dc1>\d{{1,2}})\s+(?P<group>group\s+)?(?P<what1>{_WHAT}){_KIND.format(n=1)}"
    rf"|(?P<what2>{_WHAT}){_KIND.format(n=2)}\s*[,:]?\s*\(?(?:against\s+|with\s+)?(?:a\s+)?DC\s*(?:of\s+)?(?P<dc2>\d{{1,2}})\)?",
    re.IGNORECASE,
)
_SUCCESS = re.compile(
    r"(?:\bon an?\s+|\b)(?:success|successful check|successful save)\b[,:]?\s*(?P<then>[^;]+)", re.IGNORECASE
)
_FAILURE = re.compile(
    r"(?:\bon an?\s+|\b)(?:failure|failed (?:check|save|saving throw))\b[,:]?\s*(?P<then>[^;]+)",
    re.IGNORECASE,
)
_OR_ELSE = re.compile(
    r"\bmust\b.*?\bor\s+(?P<then>(?:take|be|fall|become|suffer|lose|have|drop|get|sink|slip|is|are)\b.*)",
    re.IGNORECASE,
)
_LATER_SUCCESS = re.compile(r"^(?:on an? )?success", re.IGNORECASE)
_LATER_FAILURE = re.compile(
    r"^(?:on an? )?(?:failure|failed)|^if (?:they|it|he|she|the check|the characters?) fails?", re.IGNORECASE
)
_LOOK_AHEAD = 6
"""Sentences after a check in which its outcome may be told."""


@dataclass(frozen=True, slots=True)
class FoundCheck:
    """A check as the text has it; every text in it is a stretch of one of the sentences.

    Attributes:
        skill: ``Wisdom (Perception)``, ``Constitution saving throw``, ``Stealth (group)``.
        dc: Difficulty class, 1 to 40.
        purpose: The sentence, or its part before the outcomes.
        success: What a success brings; empty where nothing is said.
        failure: What a failure brings; empty where nothing is said.
        at: Index of the sentence that calls for it.
        used: Indices of all sentences that it was read from.
    """

    skill: str
    dc: int
    purpose: str
    success: str
    failure: str
    at: int
    used: tuple[int, ...]


def find_checks(sentences: Sequence[str], *, together: Sequence[int]) -> list[FoundCheck]:
    """Return the checks in a run of sentences.

    Args:
        sentences: In the order of the text.
        together: For each sentence the paragraph it belongs to; an outcome is looked for after the check in
            the same paragraph or one of the next few (a list of results, say).
    """
    found: list[FoundCheck] = []
    for at, sentence in enumerate(sentences):
        for match in _CHECK.finditer(sentence):
            dc = int(match["dc1"] or match["dc2"])
            if not 1 <= dc <= 40:
                continue
            success, failure = _stretch(_SUCCESS, sentence), _stretch(_FAILURE, sentence)
            used = [at]
            if not failure and _is_save(match):
                failure = _stretch(_OR_ELSE, sentence)
            for later in range(at + 1, min(at + 1 + _LOOK_AHEAD, len(sentences))):
                if together[later] > together[at] + 4 or _CHECK.search(sentences[later]):
                    break
                if not success and _LATER_SUCCESS.match(sentences[later]):
                    success = _stretch(_SUCCESS, sentences[later])
                    used.append(later)
                elif not failure and _LATER_FAILURE.match(sentences[later]):
                    failure = _stretch(_FAILURE, sentences[later]) or sentences[later]
                    used.append(later)
            found.append(FoundCheck(_name(match), dc, _purpose(sentence), success, failure, at, tuple(used)))
    return found


def _is_save(match: re.Match[str]) -> bool:
    return (match["kind1"] or match["kind2"] or "").lower().startswith("sav")


def _name(match: re.Match[str]) -> str:
    what = " ".join((match["what1"] or match["what2"]).split())
    if _is_save(match):
        return f"{what} saving throw"
    return f"{what}, group check" if match["group"] else what


def _stretch(pattern: re.Pattern[str], sentence: str) -> str:
    match = pattern.search(sentence)
    return match["then"].strip().rstrip(".,;: ") if match else ""


def _purpose(sentence: str) -> str:
    """Return what the check is for: the sentence up to where its outcomes begin."""
    ends = [match.start() for pattern in (_SUCCESS, _FAILURE) if (match := pattern.search(sentence))]
    purpose = sentence[: min(ends)] if ends else sentence
    return purpose.strip().rstrip(".,;: ")
