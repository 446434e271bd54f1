"""Finds out who "Pru's uncle" is, so that what is asked about him can be looked up under his own name.

The notes say it as "her uncle, Dren Holt", "Dren Holt, her uncle" or "Pru's uncle Dren". The sentence that says so is
part of the answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import stems
from fablewright.gm.reading.statements import Role, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["Bridge", "bridge"]

_KIN = (
    r"(?:(?:half-|step|foster-|god|great-)?(?:mother|father|brother|sister|son|daughter|uncle|aunt|niece|nephew|cousin|"
    r"wife|husband|spouse|child|parent|grandmother|grandfather)|owner|master|mentor|teacher|employer|boss|captain|"
    r"leader|rival|friend|squire|servant|guard|keeper|killer|patron|partner|lover|betrothed|fianc[eé]e?|widow|heir)"
)
_POSSESSED = re.compile(
    rf"(?P<whole>(?P<who>(?:[A-Z][\w’'-]*?\s)*[A-Z][\w-]*)[’']s? "
    rf"(?:old |younger |elder |late |dead )*(?P<kin>{_KIN}))\b|"
    rf"(?P<whole2>(?:the )?(?P<kin2>{_KIN}) of (?P<who2>(?:[A-Z][\w’'-]*\s?)+))"
)
_NAME = r"(?P<name>[A-Z][\w’-]+(?: (?:of |the )?[A-Z][\w’-]+){0,3})"
_POSSESSOR = r"(?:[Hh]is|[Hh]er|[Tt]heir|[A-Z][\w-]+[’']s?)(?: \w+)?"


@dataclass(frozen=True, slots=True)
class Bridge:
    """Who is meant.

    Attributes:
        question: The question with the name in it.
        said: The statement that says who it is; ``passage`` in it is the place among those given.
        passage: Where it stands.
    """

    question: str
    said: Statement
    passage: Passage


def bridge(question: str, passages: Sequence[Passage]) -> Bridge | None:
    """Return the question with the name of the one meant, or None when nobody is meant so or the notes don't say."""
    asked = _POSSESSED.search(question)
    if asked is None:
        return None
    who = stems(asked["who"] or asked["who2"])
    kin = asked["kin"] or asked["kin2"]
    says = re.compile(rf"\b{_POSSESSOR} {kin},? {_NAME}|{_NAME.replace('name', 'before')},? {_POSSESSOR} {kin}\b")
    for passage in passages:
        for statement in statements([passage]):
            if statement.role is Role.ROW or not who & stems(" ".join((statement.text, *statement.heading))):
                continue
            found = says.search(statement.text)
            name = (found["name"] or found["before"]) if found else ""
            if name and not stems(name) <= who:
                whole = asked["whole"] or asked["whole2"]
                return Bridge(question.replace(whole, name), statement, passage)
    return None
