"""Answers what the players do not know yet: the notes' secrets about somebody, and what the logs call unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import asked_in, stems
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.scene.note_kind import is_rule_book
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["asks_for_secrets", "secret_lines"]

_ASKS = re.compile(
    r"\b(?:which|what|any|the|whose)\b.{0,30}\bsecrets?\b(?! door| passage| room)|"
    r"\b(?:players?|party|they|characters?)\b.{0,12}\b(?:not|n['’]t|never)\b.{0,12}\b(?:know|learn|hear|find out|told)|"
    r"\b(?:hid(?:ing|es?|den)|keep\w*|kept) (?:\w+ ){0,3}from (?:the |my )?(?:players?|party)|"
    r"\bwhat (?:is|are) .{0,40}\bhiding\b",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"\b(?:players?|party|characters?|they) (?:do|does|did)(?:es)? ?(?:not|n['’]t) (?:yet )?know\b|\bnever told\b|"
    r"\bunknown to\b|\b(?:does|will) not (?:say|tell)\b|\bin truth\b|\bsecretly\b",
    re.IGNORECASE,
)
_OPENS_LEANING = re.compile(r"^(?:he|she|they|it|the players|the party)\b", re.IGNORECASE)
_MOST_WORDS = 110
_MOST_LINES = 7


def asks_for_secrets(question: str) -> bool:
    """Return whether a question is for what the players do not know."""
    return _ASKS.search(question) is not None


def secret_lines(question: str, passages: Sequence[Passage]) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Return what is secret about those whom the question names, or at all when it names nobody."""
    names = asked_in(question).names
    chosen: dict[str, tuple[Passage, bool]] = {}
    left = _MOST_WORDS
    for passage in passages:
        if is_rule_book(passage):
            continue
        found = statements([passage])
        for at, statement in enumerate(found):
            block = [s for s in found if s.block == statement.block]
            there = stems(" ".join((*(s.text for s in block), *statement.heading[-1:])))
            about = not names or any(name & there for name in names)
            unknown = _UNKNOWN.search(statement.text) is not None
            if statement.role is Role.ROW or not about or not (statement.secret or unknown):
                continue
            run = [statement]
            if unknown and _OPENS_LEANING.match(statement.text) and at and found[at - 1].block == statement.block:
                run.insert(0, found[at - 1])  # "… overheard them. The players do not know that he listened."
            for each in run:
                left -= len(each.text.split()) if each.text not in chosen else 0
                if left >= 0 and len(chosen) < _MOST_LINES:
                    chosen.setdefault(each.text, (passage, True))
    cited = list(dict.fromkeys(passage for passage, _ in chosen.values()))
    lines = [Line(text, Origin.QUOTED, (cited.index(passage),), secret) for text, (passage, secret) in chosen.items()]
    return tuple(lines), tuple(cited)
