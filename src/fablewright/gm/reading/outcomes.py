"""Finds what a check brings: "on a success they see her", "half as much on a success", "or take 7 damage"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice

__all__ = ["Outcomes", "outcomes", "trimmed"]

_ROLL = r"(?:check|save|saving\sthrow|roll|attempt|one)\b"
_SUCCESS = rf"success(?:ful(?:\s{_ROLL}|(?=\sDC\b)))?\b"
_FAILURE = rf"fail(?:ure\b|ed\s{_ROLL}|ed(?=\sDC\b))"
_MARK = re.compile(
    rf"\b(?:on|with|upon|after)\s(?:an?\s|any\s|each\s)?(?:(?P<success1>{_SUCCESS})|{_FAILURE})"
    rf"|\ban?\s(?:(?P<success2>successful(?:\s{_ROLL}|(?=\sDC\b)))|failed(?:\s{_ROLL}|(?=\sDC\b)))"
    r"|\bif\s(?:[\w'’]{1,20}\s){0,4}?"
    r"(?:fails?\b|is\s(?:a\sfailure|failed)\b|(?:do|does)(?:\snot|n['’]t)\ssucceed\b|"
    r"(?P<success3>succeeds?\b|is\s(?:a\ssuccess\b|successful\b)))"
    rf"(?:\s(?:on\s)?(?:the|this|that|his|her|its|their)\s{_ROLL})?"
    r"|\b(?:(?P<success4>success)|failure)(?=\s?[:—–])",
    re.IGNORECASE,
)
_OR_ELSE = re.compile(
    r"\bor\s(?:else\s)?(?=(?:take|be|fall|become|suffer|lose|have|drop|get|sink|slip|is|are)\b)", re.IGNORECASE
)
_OBLIGED = re.compile(r"\b(?:must|ha(?:s|ve)\sto|needs?\sto)\b", re.IGNORECASE)
_CUT = re.compile(r"[,;:—–]\s(?:(?:or|and|but)\s)?|\bor\s", re.IGNORECASE)
_JOINS = re.compile(r"(?:or|and|but)\b", re.IGNORECASE)
_LOOSE_END = re.compile(r"[\s,;:.—–]*(?:\s(?:or|and|but|while|then))?[\s,;:.—–]*\Z", re.IGNORECASE)
_MOST = 6


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What a text says of both sides, each a stretch of it; empty where nothing is said.

    Attributes:
        success: What a success brings.
        failure: What a failure brings.
        start: Where in the text the first of them begins; the length of the text where there is none.
    """

    success: str
    failure: str
    start: int

    def completed(self, later: str) -> Outcomes:
        """Return these with what is missing, from a later sentence that begins with one side or the other."""
        if (self.success and self.failure) or not _MARK.match(later):
            return self
        more = outcomes(later, after=0, is_save=False)
        return replace(self, success=self.success or more.success, failure=self.failure or more.failure)


@dataclass(slots=True)
class _Span:
    """One outcome: ``start`` is where the purpose of the check ends, ``first:last`` what happens."""

    success: bool
    start: int
    first: int
    last: int


def outcomes(text: str, *, after: int, is_save: bool) -> Outcomes:
    """Return what a text says of success and failure.

    Args:
        text: One sentence, or one check's part of it.
        after: Where its check ends; before that stands no outcome.
        is_save: Whether the check is a saving throw: then "or …" behind "must" is what failure brings.
    """
    spans: list[_Span] = []
    marks = list(islice(_MARK.finditer(text), _MOST))
    starts = [*(mark.start() for mark in marks), len(text)]
    for mark, end in zip(marks, starts[1:], strict=True):
        success = any(mark[f"success{number}"] for number in range(1, 5))
        first = max(mark.end(), after)
        semicolon = text.find(";", first, end)
        last = semicolon if semicolon >= 0 else max(first, end)
        told = text[first:last].lstrip(" ,:—–")
        if not told.strip(" .,") or _JOINS.match(told):  # "half as much on a success": told before the mark
            low = max(after, spans[-1].first if spans else 0)
            cut = max((found.end() for found in _CUT.finditer(text, low, mark.start())), default=low)
            if spans:
                spans[-1].last = min(spans[-1].last, cut)
            spans.append(_Span(success, cut, cut, mark.start()))
        else:
            spans.append(_Span(success, mark.start() if mark.start() >= after else len(text), first, last))
    if is_save and _OBLIGED.search(text, 0, after) and (found := _OR_ELSE.search(text, after)):
        last = min((span.start for span in spans if span.start > found.end()), default=len(text))
        if not any(span.first <= found.start() < span.last for span in spans):
            spans.append(_Span(success=False, start=found.start(), first=found.end(), last=last))
    said = {span.success: trimmed(text[span.first : span.last]) for span in reversed(spans)}
    return Outcomes(said.get(True, ""), said.get(False, ""), min((span.start for span in spans), default=len(text)))


def trimmed(words: str) -> str:
    """Return words without the punctuation around them and without an "and" or "or" that leads on."""
    words = words[-2000:].lstrip(" ,;:—–")
    loose = _LOOSE_END.search(words, max(0, len(words) - 20))
    return words[: loose.start()] if loose else words
