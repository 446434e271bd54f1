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
from itertools import takewhile
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import asked_in, content_stems, has_kind, is_weak, stems
from fablewright.gm.questions.parts import Part, parts_of
from fablewright.gm.questions.question import answer_question
from fablewright.gm.questions.relation import bridge
from fablewright.gm.questions.rows import covered, rows_for
from fablewright.gm.questions.sheet import Sheet, Unit, unit
from fablewright.gm.questions.topic import Rarity, asks_for_all, lead, section_of, title_of
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
from fablewright.gm.reading.tables import rows_of
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
_WORDS_OF_ADVICE = 120
_WORDS_A_PART = 8
"""What an answer about somebody, about rules, about all of something, with advice, and each further part may have."""
_DEEP = 10
_AT_TABLE = re.compile(r"\b(?:at|for) (?:our|my|the) table\b|\b(?:our|my) (?:house )?rules?\b", re.IGNORECASE)
_LASTS = re.compile(r"\d\w* (?:rounds?|minutes?|hours?|days?|weeks?)", re.IGNORECASE)
_LEAST_ALONE = 0.5
_LEAST_LEAD = 40
_LEAST_OF_TOPIC, _LEAST_ASKED, _LEAST_OF_ALL = 0.34, 0.6, 0.9
"""How much of a part the section must say: where nothing else does, where it is named as the topic, where it is not."""
_ADVICE = re.compile(
    r"\b(?:how|what|when|why|where) (?:do|should|can|could|would|must|to)\b.{0,12}\b(?:i|we|you|one|my|happen)\b|"
    r"^\W*how to\b|\b(?:tips|advice|ideas?|suggest\w*)\b",
    re.IGNORECASE,
)
_STATS = re.compile(r"\bAC\W{1,6}\d.{0,200}\bHP\W{1,6}\d", re.DOTALL)


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
    house = by_house_rules(sheet, asked_in(plain))
    sheet.put(house)
    sheet.house_rule = house[0].passage if house else None
    keys = [part for part in parts if part.sort == "key"]
    _answer_keys(sheet, keys)
    for part in parts:
        if part.sort != "asks" or _says_nothing(part, keys):
            continue
        if not sheet.put(_found(sheet, part)) and not house:
            sheet.unsaid.append(part.text)
    if not sheet.units:
        whole = Part(plain, "asks")
        near = by_nearest(sheet, asked_in(plain), whole, passages, 0.6 if sheet.named else _LEAST_ALONE)
        if sheet.named:
            near = _with_most_terms(sheet, asked_in(plain), near)
        if sheet.put(_quoted(plain, passages) or near):
            sheet.unsaid.clear()
    if not sheet.units:
        return Answered((), (), tuple(sheet.unsaid))
    for part in parts:
        if part.sort == "tells":
            sheet.put(told(sheet, part))
    return Answered(*sheet.lines(), tuple(sheet.unsaid))


def _says_nothing(part: Part, keys: Sequence[Part]) -> bool:
    """Return whether a part only says that the list beside it is what is wanted: "what do I need?"."""
    return bool(keys) and all(is_weak(term) for term in asked_in(part.text).terms)


def _sheet(question: str, parts: Sequence[Part], passages: Sequence[Passage]) -> Sheet:
    asked = asked_in(question)
    words = stems(question) | frozenset(asked.terms).union(*asked.terms.values())
    head = " ".join(part.text for part in parts if part.sort == "about")
    asking = [part for part in parts if part.sort in ("asks", "key")]
    before = " ".join(part.text for part in takewhile(lambda part: part not in asking, parts))
    topic = section_of(words, head, question, passages, before)
    title = content_stems(title_of(topic)) if topic else frozenset[str]()
    names = asked_in(" ".join(part.text for part in parts if part.sort != "tells")).names
    if topic is not None and is_rule_book(topic) and any(not name & title for name in names):
        topic = None  # a name that is not the rule's: "burned" in a question about somebody's shop is no hazard
    in_rules = topic is not None and is_rule_book(topic)
    of_a_value = len(asking) == 1 and asked.kind in ("price", "age", "colour")
    room = _WORDS_OF_RULES if (in_rules or not asked.names) and not of_a_value else _WORDS_OF_NAMES
    if any(asks_for_all(part.text) for part in asking):
        room = _WORDS_OF_ALL
    elif not in_rules and not asked.names and any(_ADVICE.search(part.text) for part in asking):
        room = _WORDS_OF_ADVICE
    return Sheet(
        question,
        passages,
        words,
        Rarity(passages[:_DEEP]),
        named=bool(asked.names) and not in_rules,
        head=head,
        topic=topic,
        topic_told=topic is not None and in_rules and title <= stems(before) and not _STATS.search(topic.text),
        left=room + _WORDS_A_PART * (len(asking) - 1),
        further=len(asking) - 1,
    )


@dataclass(frozen=True, slots=True)
class _Asking:
    """One part with what it asks, and the passages that may answer it.

    Attributes:
        part: The part.
        asked: What it asks.
        leans: Whether it speaks of what the others are about, by a pronoun.
        pool: The passages, best first.
    """

    part: Part
    asked: Asked
    leans: bool
    pool: Sequence[Passage]


def _found(sheet: Sheet, part: Part) -> list[Unit]:
    """Return the lines that answer one part; none when the notes do not."""
    asking = _asking(sheet, part)
    return next(filter(None, (way(sheet, asking) for way in _WAYS)), [])


def _asking(sheet: Sheet, part: Part) -> _Asking:
    asked = asked_in(part.text)
    leans = (part.leans or sheet.topic_told) and not asked.names and bool(sheet.units or sheet.topic)
    pool: Sequence[Passage] = (sheet.subjects if leans else ()) or sheet.passages
    if not leans and sheet.house_rule:
        pool = [p for p in pool if p != sheet.house_rule]
    if not sheet.named:
        pool = [p for p in pool if not _is_of_another_creature(sheet, p)]
    return _Asking(part, asked, leans, pool)


def _of_the_log(sheet: Sheet, asking: _Asking) -> list[Unit]:
    return by_session_log(sheet, asking.part)


def _of_its_section(sheet: Sheet, asking: _Asking) -> list[Unit]:
    if sheet.named and not asking.leans and not asks_for_all(asking.part.text):
        return []
    least = _LEAST_ASKED if asking.leans or sheet.head else _LEAST_OF_ALL
    return by_topic(sheet, asking.part, asking.asked, least=least)


def _as_advice(sheet: Sheet, asking: _Asking) -> list[Unit]:
    if sheet.named or not _ADVICE.search(asking.part.text):
        return []
    return by_nearest(sheet, asking.asked, asking.part, asking.pool)


def _in_a_table(sheet: Sheet, asking: _Asking) -> list[Unit]:
    """Return rows, and a sentence from elsewhere where they do not cover all that is asked."""
    rows = [] if asking.leans else rows_for(asking.asked, sheet.words, asking.part.text, asking.pool)
    if not rows:
        return []
    lines = [Unit(row.text, row.passage, Origin.FROM_NOTES) for row in rows]
    if frozenset(asking.asked.terms) <= covered(rows):
        return lines
    of_rows = {row.passage for row in rows}
    said = [each for each in _fresh(sheet, _quoted(asking.part.text, asking.pool)) if each.passage not in of_rows][:1]
    whole = said and sheet.rarity.covered(asking.asked.terms, stems(said[0].text)) >= _LEAST_ASKED
    return [*said, *lines] if whole else [*lines, *said]


def _as_protection(sheet: Sheet, asking: _Asking) -> list[Unit]:
    return by_protection(sheet, asking.part, asking.asked)


def _as_said(sheet: Sheet, asking: _Asking) -> list[Unit]:
    said = _fresh(sheet, _quoted(asking.part.text, asking.pool, every=asking.leans))
    return what_follows(asking.part, said)


def _of_kin(sheet: Sheet, asking: _Asking) -> list[Unit]:
    hop = bridge(asking.part.text, sheet.passages)
    said = _quoted(hop.question, sheet.passages) if hop else []
    return [unit(hop.said, hop.passage), *said[:1]] if hop and said else []


def _of_whom_it_named(sheet: Sheet, asking: _Asking) -> list[Unit]:
    return by_name_said(sheet, asking.asked) if asking.leans else []


def _near(sheet: Sheet, asking: _Asking) -> list[Unit]:
    if sheet.named and not asking.leans:
        return []
    near = by_nearest(sheet, asking.asked, asking.part, asking.pool)
    return near or by_topic(sheet, asking.part, asking.asked, least=_LEAST_OF_TOPIC)


def _of_what_was_told(sheet: Sheet, asking: _Asking) -> list[Unit]:
    """Return the beginning of the rule that is spoken of, where the part is about nothing else that is known."""
    said = {each.passage for each in sheet.units.values()}
    if not (asking.leans and sheet.topic_told and sheet.topic) or sheet.topic in said:
        return []
    return [unit(statement, sheet.topic) for statement in lead(sheet.topic, max(_LEAST_LEAD, sheet.left))]


_WAYS = (
    _of_the_log,
    _of_its_section,
    _as_advice,
    _in_a_table,
    _as_protection,
    _as_said,
    _of_kin,
    _of_whom_it_named,
    _near,
    _of_what_was_told,
)
"""The surest first; the first that has an answer gives it."""


def _set_out(said: Unit) -> Unit | None:
    """Return a row of a table under its columns, anything else as it is; None for the columns alone."""
    rows = rows_of(said.passage) if " · " in said.text else ()
    for row in rows:
        if " · ".join(filter(None, row.cells)) == said.text:
            return Unit(row.text, said.passage, Origin.FROM_NOTES, said.secret)
    return None if rows and any(" · ".join(filter(None, row.columns)) == said.text for row in rows) else said


def _with_most_terms(sheet: Sheet, asked: Asked, found: list[Unit]) -> list[Unit]:
    """Return what was found near a name only where the rest of the question is there too."""
    terms = {term: forms for term, forms in asked.terms.items() if not is_weak(term)}
    said = stems(" ".join(each.text for each in found))
    return found if len(terms) > 1 and sheet.rarity.covered(terms, said) >= _LEAST_ALONE else []


def _fresh(sheet: Sheet, said: list[Unit]) -> list[Unit]:
    """Return what has not been said yet, if there is any of it."""
    return [each for each in said if each.text not in sheet.units] or said


def _is_of_another_creature(sheet: Sheet, passage: Passage) -> bool:
    """Return whether a passage is a stat block of something that is not asked for."""
    return _STATS.search(passage.text) is not None and not content_stems(title_of(passage)) & sheet.words


def _quoted(text: str, pool: Sequence[Passage], *, every: bool = False) -> list[Unit]:
    """Return the sentence that says it, and one from another passage that says it too; or every one."""
    lines, cited = answer_question(text, pool)
    units = [_set_out(Unit(line.text, cited[line.sources[0]], line.origin, line.secret)) for line in lines]
    found = [each for each in units if each is not None]
    return [
        each for n, each in enumerate(found) if not n or every or asks_for_all(text) or each.passage != found[0].passage
    ][:3]


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
