"""Answers a question part by part out of the notes, and says of each part that they do not answer that they don't.

For each part the ways are tried in this order, the surest first: the row of a table; the section that is called what
is asked for; the sentence that says it (see ``question``); somebody who is meant by what they are to another ("Pru's
uncle"); and, where no name is asked for, the passage with most of the telling words. Everything is quoted, except that
a row is set out under its columns.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import asked_in, content_stems, has_kind, stems
from fablewright.gm.questions.parts import Part, parts_of
from fablewright.gm.questions.question import answer_question
from fablewright.gm.questions.relation import bridge
from fablewright.gm.questions.rows import covered, rows_for
from fablewright.gm.questions.topic import (
    Rarity,
    asks_for_all,
    asks_way_out,
    has,
    is_about,
    lead,
    section_of,
    title_of,
    way_out,
)
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.scene.note_kind import is_rule_book, kept_beside_play
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.questions.asked import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["Answered", "answer_parts"]

MOST_CITED = 8
"""Passages: more is a pile of notes, and no answer."""

_WORDS_OF_NAMES = 48
_WORDS_OF_RULES = 84
_WORDS_A_PART = 10
"""What an answer about somebody, an answer about rules, and each further part may have."""
_DEEP = 10
_LEAST_PASSAGE = 0.6
_LEAST_SENTENCE = 0.34
_LEAST_TOLD = 0.6
_PRONOUN = re.compile(r"^(?:he|she|they|it|his|her|their)\b", re.IGNORECASE)
_NUMBER = re.compile(r"^\d+$")
_AT_TABLE = re.compile(r"\b(?:at|for) (?:our|my|the) table\b|\b(?:our|my|house) rules?\b", re.IGNORECASE)
_TABLE_WORDS = frozenset(stems("table house rule"))


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


@dataclass(frozen=True, slots=True)
class _Unit:
    """A line of the answer and where it stands."""

    text: str
    passage: Passage
    origin: Origin = Origin.QUOTED
    secret: bool = False

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass(slots=True)
class _Sheet:
    """One answer in the making."""

    question: str
    passages: Sequence[Passage]
    words: frozenset[str]
    rarity: Rarity
    named: bool
    head: str
    topic: Passage | None
    left: int
    units: dict[str, _Unit] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)

    @property
    def subjects(self) -> list[Passage]:
        """Return the passages that the answer rests on so far, and those on the same thing."""
        own = list(dict.fromkeys(unit.passage for unit in self.units.values()))
        if self.topic and self.topic not in own:
            own.append(self.topic)
        return [p for p in self.passages if any(p == one or is_about(p, one) for one in own)]

    def put(self, found: Iterable[_Unit]) -> bool:
        """Take lines as long as they fit; the first always. Return whether there was any."""
        any_put = False
        for unit in found:
            new = unit.text not in self.units
            if new and any_put and unit.words > self.left:
                break
            if new:
                self.units[unit.text] = unit
                self.left -= unit.words
            any_put = True
        return any_put


def answer_parts(question: str, passages: Sequence[Passage]) -> Answered:
    """Answer a question out of passages, the best found first."""
    parts = parts_of(question)
    asked = asked_in(question)
    words = _with_forms(question)
    head = " ".join(part.text for part in parts if part.sort == "about")
    ordered = _house_rules_first(question, passages)
    topic = section_of(words - _TABLE_WORDS, head, ordered)
    in_rules = topic is not None and is_rule_book(topic)
    asking = [part for part in parts if part.sort in ("asks", "key")]
    room = _WORDS_OF_RULES if in_rules or not asked.names else _WORDS_OF_NAMES
    sheet = _Sheet(
        question,
        ordered,
        words,
        Rarity(passages[:_DEEP]),
        named=bool(asked.names) and not in_rules,
        head=head,
        topic=topic,
        left=room + _WORDS_A_PART * (len(asking) - 1),
    )
    keys = [part for part in parts if part.sort == "key"]
    if keys:
        _answer_keys(sheet, keys)
    for part in parts:
        if part.sort == "asks" and not sheet.put(_found(sheet, part)):
            sheet.unsaid.append(part.text)
    if not sheet.units and len(parts) > 1:
        sheet.put(_quoted(sheet, question, ordered) or _nearest(sheet, asked, question, ordered))
    if not sheet.units:
        return Answered((), (), tuple(sheet.unsaid))
    for part in parts:
        if part.sort == "tells":
            sheet.put(_told(sheet, part))
    return _answered(sheet)


def _answered(sheet: _Sheet) -> Answered:
    cited = list(dict.fromkeys(unit.passage for unit in sheet.units.values()))[:MOST_CITED]
    lines = [
        Line(unit.text, unit.origin, (cited.index(unit.passage),), unit.secret)
        for unit in sheet.units.values()
        if unit.passage in cited
    ]
    return Answered(tuple(lines), tuple(cited), tuple(sheet.unsaid))


def _found(sheet: _Sheet, part: Part) -> list[_Unit]:
    """Return the lines that answer one part; none when the notes do not."""
    asked = asked_in(part.text)
    pool: Sequence[Passage] = sheet.passages
    leans = part.leans and not asked.names and bool(sheet.units or sheet.topic)
    if leans:
        pool = sheet.subjects or pool
    if sheet.topic is not None and (not sheet.named or leans):
        if found := _of_topic(sheet, part, asked):
            return found
    rows = [] if leans else rows_for(asked, sheet.words, part.text, pool)
    said = _quoted(sheet, part.text, pool)
    if rows:
        lines = [_Unit(row.text, row.passage, Origin.FROM_NOTES) for row in rows]
        known = covered(rows)
        return [*lines, *(unit for unit in said[:1] if not frozenset(asked.terms) <= known)]
    if said:
        return _with_what_follows(part, said)
    if hop := bridge(part.text, sheet.passages):
        bridged = _quoted(sheet, hop.question, sheet.passages)
        if bridged:
            return [_Unit(hop.said.text, hop.passage, secret=hop.said.secret), *bridged[:1]]
    if leans or not sheet.named:
        return _nearest(sheet, asked, part.text, pool)
    return []


# ---------------------------------------------------------------- the ways


def _answer_keys(sheet: _Sheet, keys: Sequence[Part]) -> None:
    """Answer a list of things wanted: by rows of a table, else by sentences of the section."""
    together = asked_in(", ".join(part.text for part in keys))
    rows = rows_for(together, sheet.words, sheet.question, sheet.passages)
    known = covered(rows)
    sheet.put(_Unit(row.text, row.passage, Origin.FROM_NOTES) for row in rows)
    for part in keys:
        asked = asked_in(part.text)
        wanted = frozenset(asked.terms).union(*asked.terms.values(), asked.weak)
        if rows and (wanted & known or not wanted):
            continue
        pool = [sheet.topic] if sheet.topic else list(sheet.passages[:_DEEP])
        found = _keyed(sheet, asked, pool) or _quoted(sheet, part.text, pool)
        if not sheet.put(found[:1]) and not rows:
            sheet.unsaid.append(part.text)


def _keyed(sheet: _Sheet, asked: Asked, pool: Sequence[Passage]) -> list[_Unit]:
    """Return the sentence of the first passage that has a key and what it asks for; a title with a price too."""
    every = {**asked.terms, **{term: frozenset((term,)) for term in asked.weak}}
    for passage in pool:
        title = passage.heading[-1] if passage.heading else ""
        if asked.kind == "price" and re.search(r"\d", title):
            return [_Unit(title, passage)]
        for statement in statements([passage]):
            own = stems(statement.text)
            hit = any(has(own, forms | {term}) for term, forms in every.items())
            if statement.role is not Role.ROW and hit and has_kind(asked, statement.text):
                return [_unit(statement, passage)]
    timed = asked.kind == "number" and not asked.terms
    if timed:
        return [_unit(s, p) for p in pool for s in statements([p]) if re.search(r"\d\w* (?:hour|minute|day|round)", s.text)]
    return []


def _of_topic(sheet: _Sheet, part: Part, asked: Asked) -> list[_Unit]:
    """Return what the section that is called what is asked for says to this part."""
    topic = sheet.topic
    if topic is None:
        return []
    own = [p for p in sheet.passages if is_about(p, topic)][:3]
    own.sort(key=lambda p: p != topic)
    title = content_stems(title_of(topic))
    rest = {
        term: forms for term, forms in asked.terms.items() if not (forms | {term}) & title and not _NUMBER.match(term)
    }
    found = [(s, p) for p in own for s in statements([p]) if s.role is not Role.ROW]
    if asks_way_out(part.text) and (sheet.units or len(asked.terms) > len(rest)):
        ways = [_unit(s, p) for s, p in found if s in way_out([s])]
        fresh = [unit for unit in ways if unit.text not in sheet.units]
        return (fresh or ways)[:2]
    if asks_for_all(part.text) or not rest:
        if rest and not asks_for_all(part.text):
            return []
        return [_unit(s, topic) for s in lead(topic, max(30, sheet.left))]
    weighed = [(sheet.rarity.covered(rest, stems(s.text)), s, p) for s, p in found]
    best = max((weight for weight, _, _ in weighed), default=0.0)
    if best < _LEAST_SENTENCE:
        return []
    chosen = [(s, p) for weight, s, p in weighed if weight >= max(_LEAST_SENTENCE, best - 0.3)]
    return [_unit(s, p) for s, p in chosen[:3]]


def _quoted(sheet: _Sheet, text: str, pool: Sequence[Passage]) -> list[_Unit]:
    """Return the sentences that say it, the best first; further ones only where they say something else."""
    del sheet
    lines, cited = answer_question(text, pool)
    return [_Unit(line.text, cited[line.sources[0]], line.origin, line.secret) for line in lines]


def _with_what_follows(part: Part, said: list[_Unit]) -> list[_Unit]:
    """Return the sentences, and for "who is that" what follows them about the same person."""
    if not asks_for_all(part.text):
        return said
    first = said[0]
    found = statements([first.passage])
    at = next((n for n, s in enumerate(found) if s.text == first.text), len(found))
    following = []
    for statement in found[at + 1 :]:
        if statement.block != found[at].block or not _PRONOUN.match(statement.text):
            break
        following.append(_unit(statement, first.passage))
    return [first, *following, *said[1:]]


def _nearest(sheet: _Sheet, asked: Asked, text: str, pool: Sequence[Passage]) -> list[_Unit]:
    """Return the best sentences of the passage with most of the telling words, if it has enough of them."""
    terms = {term: forms for term, forms in asked.terms.items() if not _NUMBER.match(term)}
    for name in asked.names:
        terms |= {term: frozenset((term,)) for term in name}
    if not terms:
        return []
    best: tuple[float, Passage] | None = None
    for rank, passage in enumerate(pool[:_DEEP]):
        there = sheet.rarity.words.get(passage) or stems(" ".join((*passage.heading, passage.text)))
        share = sheet.rarity.covered(terms, there)
        titled = sheet.rarity.covered(terms, content_stems(title_of(passage)))
        weight = share + 0.8 * titled + 0.3 / (1 + rank)
        if share >= _LEAST_PASSAGE and (best is None or weight > best[0]):
            best = weight, passage
    if best is None:
        return []
    passage = best[1]
    found = [s for s in statements([passage]) if s.role is not Role.ROW]
    weighed = [(sheet.rarity.covered(terms, stems(s.text)) + 0.3 * has_kind(asked, s.text), s) for s in found]
    top = max((weight for weight, _ in weighed), default=0.0)
    chosen = [s for weight, s in weighed if weight >= top - 0.15][:2]
    titled = sheet.rarity.covered(terms, content_stems(title_of(passage)))
    if titled >= _LEAST_SENTENCE or asks_for_all(text):
        first = lead(passage, 40)
        chosen = [*(s for s in first[:2] if s not in chosen), *chosen]
    elif top < _LEAST_SENTENCE:
        return []
    return [_unit(s, passage) for s in sorted(chosen, key=found.index)]


def _told(sheet: _Sheet, part: Part) -> list[_Unit]:
    """Return the sentence of the notes, not of the rules, on what the question only tells."""
    asked = asked_in(part.text)
    terms = asked.terms | {term: frozenset((term,)) for name in asked.names for term in name}
    if len(terms) < 2:
        return []
    weighed = [
        (sheet.rarity.covered(terms, stems(s.text)), -rank, s, passage)
        for rank, passage in enumerate(sheet.passages[:_DEEP])
        if not is_rule_book(passage) and not kept_beside_play(passage)
        for s in statements([passage])
        if s.role is Role.FACT
    ]
    best = max(weighed, key=lambda each: each[:2], default=None)
    return [_unit(best[2], best[3])] if best and best[0] >= _LEAST_TOLD else []


def _unit(statement: Statement, passage: Passage) -> _Unit:
    return _Unit(statement.text, passage, secret=statement.secret)


def _with_forms(text: str) -> frozenset[str]:
    asked = asked_in(text)
    return stems(text) | frozenset(asked.terms).union(*asked.terms.values())


def _house_rules_first(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Put what this table has agreed on first, when the question is for that."""
    if not _AT_TABLE.search(question):
        return list(passages)
    return sorted(passages, key=lambda passage: not kept_beside_play(passage))
