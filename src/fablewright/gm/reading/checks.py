"""Finds ability checks and saving throws in prose: what to roll, against what, and what comes of each side."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from fablewright.gm.reading.outcomes import Outcomes, outcomes, trimmed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FoundCheck", "find_checks"]

_ABILITIES = ("Strength", "Dexterity", "Constitution", "Intelligence", "Wisdom", "Charisma")
_SHORT = {ability[:3].lower(): ability for ability in _ABILITIES}
_SAVE_OR_CHECK = r"(?:saving\s?throw|save|check|roll)\b"
_ABILITY = (
    rf"(?:{'|'.join(_ABILITIES)}|(?-i:{'|'.join(f'{short.title()}|{short.upper()}' for short in _SHORT)})\b\.?|"
    rf"(?:{'|'.join(_SHORT)})(?=\s{_SAVE_OR_CHECK}))"
)
_SKILL = (
    r"(?:Acrobatics|Animal Handling|Arcana|Athletics|Deception|History|Insight|Intimidation|Investigation|"
    r"Medicine|Nature|Perception|Performance|Persuasion|Religion|Sleight of Hand|Stealth|Survival)"
)
_TOOL = (
    r"(?:[A-Za-z]{3,20}(?:['’]s|s['’])\s(?:tools|supplies|utensils|kit)|(?:disguise|forgery|herbalism)\skit|"
    r"gaming\sset|musical\sinstrument)"
)
# Each repetition has a bound: the time stays linear whatever somebody put into a note.
_ONE = rf"(?:{_ABILITY}(?:\s?\([^()\d:;.]{{1,60}}\))?|{_SKILL}(?:\s?\({_ABILITY}\))?|{_TOOL})"
_OR = r"(?:\s?,\s(?:or\s|and\s)?|\sor\s(?:an?\s)?|\sand\s|\s?/\s?)"
_ANY = rf"(?<!passive\s)\b{_ONE}(?:{_OR}{_ONE}){{0,3}}"  # before its DC
_WHAT = rf"(?<!passive\s)\b{_ONE}(?:{_OR}{_ONE}(?!\s?[,:]?\s?\(?DC\b)){{0,3}}"  # behind it: not the next one's
_KIND = rf"(?:\s(?:ability\s)?(?P<kind{{n}}>{_SAVE_OR_CHECK}))?"
_DC = r"DC\s?:?\s?(?:of\s)?(?P<dc{n}>\d{{1,2}})\b"
_VERSUS = (
    r"(?:\s(?:vs\.?|versus|against|opposed\sby|contested\sby)\s(?:an?\s|the\s|his\s|her\s|its\s|their\s)?"
    rf"(?P<versus>(?:passive\s)?{_ONE})(?:\scheck)?)?"
)
_CHECK = re.compile(
    rf"\b{_DC.format(n=1)}\s(?P<group>group\s)?\(?(?P<what1>{_WHAT})\)?{_KIND.format(n=1)}"
    rf"|\b{_DC.format(n=2)}\s(?:ability\s)?(?P<kind2>{_SAVE_OR_CHECK})\s(?:of|on|using|with)\s(?:an?\s|the\s)?"
    rf"\(?(?P<what2>{_WHAT})"
    rf"|\bDC\s(?:for|of)\s(?:an?\s|the\s|this\s|that\s|each\s|any\s)?(?P<what3>{_WHAT}){_KIND.format(n=3)}"
    r"\sis\s(?P<dc3>\d{1,2})\b"
    rf"|(?P<what4>{_ANY}){_KIND.format(n=4)}{_VERSUS}\s?[,:]?\s?\(?(?:against\s|with\s|at\s)?(?:an?\s|the\s)?"
    rf"{_DC.format(n=4)}\)?",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:—–]\s(?:(?:and|or|but|then|while)\s)?|\s(?:and|or|but|then|while)\s")
_CONNECTOR = re.compile(r"^\W{0,8}(?:(?:and|or|but|then|while)\s)?", re.IGNORECASE)
_SHORT_WORD = re.compile(rf"\b({'|'.join(_SHORT)})\b\.?", re.IGNORECASE)
_LOOK_AHEAD = 6
"""Sentences after a check in which its outcome may be told."""
_LONGEST = 2_000
"""Characters of a sentence that are read: whatever is longer is no sentence."""
_MOST = 4
"""Checks that one sentence calls for."""


@dataclass(frozen=True, slots=True)
class FoundCheck:
    """A check as the text has it; purpose, success and failure are stretches of its sentences.

    Attributes:
        skill: As rules name it: ``Wisdom (Perception)``, ``Constitution saving throw``, ``Athletics or Acrobatics``,
            ``Deception against Insight``, ``Stealth, group check``.
        dc: Difficulty class, 1 to 40.
        purpose: Its part of the sentence, without the outcomes.
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
    """Return the checks in a run of sentences, in time linear in their length.

    Args:
        sentences: In the order of the text.
        together: For each sentence the paragraph it belongs to; an outcome is looked for after the check in
            the same paragraph or one of the next few (a list of results, say).
    """
    found: list[FoundCheck] = []
    calls = [list(_calls(sentence)) for sentence in sentences]
    for at, called in enumerate(calls):
        for number, call in enumerate(called):
            told, used = call.told, [at]
            if number == len(called) - 1:  # what is told later is told of the last check
                for later in range(at + 1, min(at + 1 + _LOOK_AHEAD, len(sentences))):
                    if together[later] > together[at] + 4 or calls[later]:
                        break
                    more = told.completed(sentences[later][:_LONGEST])
                    if more != told:
                        told = more
                        used.append(later)
            found.append(FoundCheck(call.skill, call.dc, call.purpose, told.success, told.failure, at, tuple(used)))
    return found


@dataclass(frozen=True, slots=True)
class _Call:
    """A check in one sentence, with what its own part of the sentence says."""

    skill: str
    dc: int
    purpose: str
    told: Outcomes


def _calls(sentence: str) -> Iterator[_Call]:
    sentence = sentence[:_LONGEST]
    if "dc" not in sentence.lower():
        return
    matches = [m for m in islice(_CHECK.finditer(sentence), 3 * _MOST) if 1 <= _dc(m) <= 40][:_MOST]
    if not matches:
        return
    starts = [0, *(_boundary(sentence, before.end(), after.start()) for before, after in pairwise(matches))]
    for match, start, end in zip(matches, starts, [*starts[1:], len(sentence)], strict=True):
        told = outcomes(sentence[start:end], after=match.end() - start, is_save=_kind(match).startswith("sav"))
        purpose = sentence[start : start + told.start]
        yield _Call(_name(match), _dc(match), trimmed(_CONNECTOR.sub("", purpose) if start else purpose), told)


def _boundary(sentence: str, low: int, high: int) -> int:
    """Return where the part of the next check begins: at the last clause between two checks."""
    strong = sentence.rfind("; ", low, high)
    if strong >= 0:
        return strong
    return max((match.start() for match in _CLAUSE.finditer(sentence, low, high)), default=high)


def _dc(match: re.Match[str]) -> int:
    return int(match["dc1"] or match["dc2"] or match["dc3"] or match["dc4"])


def _kind(match: re.Match[str]) -> str:
    return (match["kind1"] or match["kind2"] or match["kind3"] or match["kind4"] or "").lower()


def _name(match: re.Match[str]) -> str:
    what = _as_rules_name_it(match["what1"] or match["what2"] or match["what3"] or match["what4"])
    if match["versus"]:
        what = f"{what} against {_as_rules_name_it(match['versus'])}"
    if _kind(match).startswith("sav"):
        return f"{what} saving throw"
    return f"{what}, group check" if match["group"] else what


def _as_rules_name_it(words: str) -> str:
    return _SHORT_WORD.sub(lambda match: _SHORT[match[1].lower()], " ".join(words.split()))
