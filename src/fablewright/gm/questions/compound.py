"""Answers a question part by part out of the notes, and says of each part that they do not answer that they don't.

For each part the ways are tried in this order, the surest first: the section that is called what is asked for; the row
of a table; the sentence that says it (see ``question``); what protects or leads past; what the party has done;
somebody who is meant by what they are to another ("Pru's uncle"), or whom the answer has just named; and, where no
name is asked for, the passages with most of the telling words. A house rule goes before all of them. Everything is
quoted, except that a row is set out under its columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import asked_in, has_kind, stems
from fablewright.gm.questions.parts import Part, parts_of
from fablewright.gm.questions.question import answer_question
from fablewright.gm.questions.relation import bridge
from fablewright.gm.questions.rows import covered, rows_for
from fablewright.gm.questions.sheet import Sheet, Unit, unit
from fablewright.gm.questions.topic import Rarity, asks_for_all, section_of
from fablewright.gm.questions.ways import (
    by_house_rules,
    by_name_said,
    by_nearest,
    by_protection,
    by_session_log,
    by_topic,
    hits,
    told,
    what_follows,
)
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.scene.note_kind import is_rule_book
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.questions.asked import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.scene.scenario import Line

__all__ = ["Answered", "answer_parts"]

_WORDS_OF_NAMES = 46
_WORDS_OF_RULES = 76
_WORDS_OF_ALL = 84
_WORDS_A_PART = 8
"""What an answer about somebody, about rules, about all of something, and each further part may have."""
_DEEP = 10
_AT_TABLE = re.compile(r"\b(?:at|for) (?:our|my|the) table\b|\b(?:our|my) (?:house )?rules?\b", re.IGNORECASE)
_LASTS = re.compile(r"\d\w* (?:rounds?|minutes?|hours?|days?|weeks?)", re.IGNORECASE)
_LEAST_ALONE = 0.5


@dataclass(frozen=True, slots=True)
class Answered:
    """What the notes say.

    Attributes:
        lines: The answer; their sources point into ``cited``.
        cited: The passages.
        unsaid: The parts of the question that the notes do not answer, as they were asked.
    """

    lines: tuple[Line, ...]
    cited: tuple[Passage, ...]
    unsaid: tuple[str, ...]


def answer_parts(question: str, passages: Sequence[Passage]) -> Answered:
    """Answer a question out of passages, the best found first."""
    plain = _AT_TABLE.sub(" ", question)
    parts = parts_of(plain)
    sheet = _sheet(plain, parts, passages)
    sheet.put(by_house_rules(sheet, asked_in(plain)))
    _answer_keys(sheet, [part for part in parts if part.sort == "key"])
    for part in parts:
        if part.sort == "asks" and not sheet.put(_found(sheet, part)):
            sheet.unsaid.append(part.text)
    if not sheet.units:
        whole = Part(plain, "asks")
        least = 0.6 if sheet.named else _LEAST_ALONE
        if sheet.put(_quoted(plain, passages) or by_nearest(sheet, asked_in(plain), whole, passages, least)):
            sheet.unsaid.clear()
    if not sheet.units:
        return Answered((), (), tuple(sheet.unsaid))
    for part in parts:
        if part.sort == "tells":
            sheet.put(told(sheet, part))
    return Answered(*sheet.lines(), tuple(sheet.unsaid))


def _sheet(question: str, parts: Sequence[Part], passages: Sequence[Passage]) -> Sheet:
    asked = asked_in(question)
    words = stems(question) | frozenset(asked.terms).union(*asked.terms.values())
    head = " ".join(part.text for part in parts if part.sort == "about")
    topic = section_of(words, head, passages)
    in_rules = topic is not None and is_rule_book(topic)
    asking = [part for part in parts if part.sort in ("asks", "key")]
    room = _WORDS_OF_RULES if in_rules or not asked.names else _WORDS_OF_NAMES
    if any(asks_for_all(part.text) for part in asking):
        room = _WORDS_OF_ALL
    return Sheet(
        question,
        passages,
        words,
        Rarity(passages[:_DEEP]),
        named=bool(asked.names) and not in_rules,
        topic=topic,
        left=room + _WORDS_A_PART * (len(asking) - 1),
    )


def _found(sheet: Sheet, part: Part) -> list[Unit]:
    """Return the lines that answer one part; none when the notes do not."""
    asked = asked_in(part.text)
    leans = part.leans and not asked.names and bool(sheet.units or sheet.topic)
    pool: Sequence[Passage] = (sheet.subjects if leans else ()) or sheet.passages
    if not sheet.named or leans or asks_for_all(part.text):
        if found := by_topic(sheet, part, asked):
            return found
    rows = [] if leans else rows_for(asked, sheet.words, part.text, pool)
    said = _quoted(part.text, pool)
    if rows:
        lines = [Unit(row.text, row.passage, Origin.FROM_NOTES) for row in rows]
        return [*lines, *(said[:1] if not frozenset(asked.terms) <= covered(rows) else [])]
    past = by_protection(sheet, part, asked) or by_session_log(sheet, part)
    if past or said:
        return past or what_follows(part, said)
    if (hop := bridge(part.text, sheet.passages)) and (bridged := _quoted(hop.question, sheet.passages)):
        return [unit(hop.said, hop.passage), *bridged[:1]]
    if leans or not sheet.named:
        return (by_name_said(sheet, asked) if leans else []) or by_nearest(sheet, asked, part, pool)
    return []


def _quoted(text: str, pool: Sequence[Passage]) -> list[Unit]:
    """Return the sentence that says it, and one from another passage that says it too."""
    lines, cited = answer_question(text, pool)
    found = [Unit(line.text, cited[line.sources[0]], line.origin, line.secret) for line in lines]
    return [each for n, each in enumerate(found) if not n or asks_for_all(text) or each.passage != found[0].passage][:3]


# ---------------------------------------------------------------- lists of things wanted


def _answer_keys(sheet: Sheet, keys: Sequence[Part]) -> None:
    """Answer a list of things wanted: by rows of a table, else by sentences of the section."""
    if not keys:
        return
    together = asked_in(", ".join(part.text for part in keys))
    rows = rows_for(together, sheet.words, sheet.question, sheet.passages)
    known = covered(rows)
    sheet.put(Unit(row.text, row.passage, Origin.FROM_NOTES) for row in rows)
    for part in keys:
        asked = asked_in(part.text)
        wanted = frozenset(asked.terms).union(*asked.terms.values(), asked.weak)
        if rows and (wanted & known or not wanted):
            continue
        pool = [sheet.topic] if sheet.topic else list(sheet.passages[:_DEEP])
        if not sheet.put((_keyed(asked, pool) or _quoted(part.text, pool))[:1]) and not rows:
            sheet.unsaid.append(part.text)


def _keyed(asked: Asked, pool: Sequence[Passage]) -> list[Unit]:
    """Return the sentence of the first passage that has a key and what it asks for; a title with a price too."""
    for passage in pool:
        title = passage.heading[-1] if passage.heading else ""
        if asked.kind == "price" and has_kind(asked, title):
            return [Unit(title, passage)]
        for statement in statements([passage]):
            if statement.role is not Role.ROW and hits(asked, statement.text) and has_kind(asked, statement.text):
                return [unit(statement, passage)]
    if asked.kind in ("number", "extent") and not asked.terms:
        return [unit(s, p) for p in pool for s in statements([p]) if _LASTS.search(s.text)]
    return []
