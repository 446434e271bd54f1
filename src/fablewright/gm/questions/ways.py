"""The ways in which notes answer a part of a question besides the sentence that says it and the row of a table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import content_stems, has_kind, is_weak, stems, stems_of
from fablewright.gm.questions.sheet import unit
from fablewright.gm.questions.topic import (
    asks_for_all,
    asks_way_out,
    asks_way_through,
    has,
    is_about,
    is_lead,
    lead,
    says_way_through,
    title_of,
    way_out,
)
from fablewright.gm.reading.statements import Role, statements
from fablewright.gm.scene.note_kind import file_title, is_rule_book, is_sheet_title, kept_beside_play
from fablewright.gm.scene.telling import telling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fablewright.gm.questions.asked import Asked
    from fablewright.gm.questions.parts import Part
    from fablewright.gm.questions.sheet import Sheet, Unit
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = [
    "by_house_rules",
    "by_name_said",
    "by_nearest",
    "by_protection",
    "by_session_log",
    "by_topic",
    "told",
    "what_follows",
]

_DEEP = 10
_LEAST_PASSAGE = 0.6
_LEAST_SENTENCE = 0.34
_LEAST_TOLD = 0.5
_WORDS_FOR_THE_REST, _LEAST_WORDS = 36, 40
_SHORT, _MOST_THAT_COVER = 80, 4
_CLOSE, _CLOSE_IN_FILE = 0.75, 0.45
"""How much of the best passage's weight another has that speaks of the same, and one of the same file."""
_NUMBER = re.compile(r"^\d+$")
_MUST_HAVE = frozenset(("age", "colour", "price", "measure", "extent", "number"))
"""Kinds of answer without which a sentence is none."""
_SORTS_OF_RULE = frozenset(
    stems("condition spell action item magic effect effects rule hazard poison state feat trap potion ability weapon")
)
_POINTS_ON = re.compile(r"see (?:also|the|page)\b", re.IGNORECASE)
_FOLLOWS = re.compile(r"^(?:he|she|they|it|his|her|their|all|below|then|on a (?:success|fail))\b", re.IGNORECASE)
_HAPPENS = re.compile(r"\bwhat (?:happens|if|then)\b|\bthen what\b|\bwhat .{0,40}\brisk", re.IGNORECASE)
_ALREADY = re.compile(
    r"\b(?:did|has|have) (?:they|we|the (?:party|players|characters|group))\b|\balready\b", re.IGNORECASE
)
_HOUSE_RULES = re.compile(r"\b(?:house|table|home)[ -]?rules?\b", re.IGNORECASE)
_NAME = re.compile(r"[A-Z][\w’-]+(?: [A-Z][\w’-]+)+")


def by_topic(sheet: Sheet, part: Part, asked: Asked, *, least: float = _LEAST_PASSAGE) -> list[Unit]:
    """Return what the section that is called what is asked for says to a part."""
    topic = sheet.topic
    if topic is None:
        return []
    own = sorted((p for p in sheet.passages if is_about(p, topic)), key=lambda p: p != topic)[:3]
    title = content_stems(title_of(topic))
    rest = _strong({t: forms for t, forms in asked.terms.items() if not (forms | {t}) & (title | _SORTS_OF_RULE)})
    found = [(s, p) for p in own for s in statements([p]) if s.role is not Role.ROW and not is_lead(s.text)]
    if asks_way_out(part.text) and (sheet.units or sheet.topic_told or len(asked.terms) > len(rest)):
        places = {id(s): p for s, p in found}
        ways = [unit(s, places[id(s)]) for s in way_out(s for s, _ in found)]
        return ([each for each in ways if each.text not in sheet.units] or ways)[:3]
    if asks_for_all(part.text) and not rest:
        room = sheet.left if sheet.units else sheet.left - _WORDS_FOR_THE_REST * sheet.further
        return [unit(s, topic) for s in lead(topic, max(_LEAST_WORDS, room))]
    if not rest:
        return [] if asked.kind in _MUST_HAVE else [unit(s, topic) for s in lead(topic, max(40, sheet.left))]
    sayable = [(s, p) for s, p in found if asked.kind not in _MUST_HAVE or has_kind(asked, s.text)]
    units = [unit(s, p) for s, p in _that_cover(sheet, rest, sayable)]
    whole = [unit(s, p) for s, p in found if p == topic and not _POINTS_ON.match(s.text)]
    is_short = is_rule_book(topic) and sum(len(each.text.split()) for each in whole) <= _SHORT
    counted = units if sheet.topic_told else units[:1]  # what was told says which rule is meant
    if sheet.rarity.covered(rest, stems(" ".join(each.text for each in counted))) < least:
        units = []
    elif is_short:
        units = whole  # a rule so short is read at a glance, and half of it is the wrong half
    return what_follows(part, units)


def _that_cover(
    sheet: Sheet, terms: Mapping[str, frozenset[str]], found: Sequence[tuple[Statement, Passage]]
) -> list[tuple[Statement, Passage]]:
    """Return the sentence with most of the terms and one as good, then those that add terms, four at most."""
    weighed = [(sheet.rarity.covered(terms, stems(s.text)), s, p) for s, p in found]
    best = max((weight for weight, _, _ in weighed), default=0.0)
    chosen = [(s, p) for weight, s, p in weighed if best and weight >= best - 0.1][:2]
    chosen.sort(key=lambda each: -sheet.rarity.covered(terms, stems(each[0].text)))
    while chosen and len(chosen) < _MOST_THAT_COVER:
        said = stems(" ".join(s.text for s, _ in chosen))
        open_terms = {term: forms for term, forms in terms.items() if not has(said, forms | {term})}
        more = max(weighed, key=lambda each: sheet.rarity.covered(open_terms, stems(each[1].text)))
        if not sheet.rarity.covered(open_terms, stems(more[1].text)):
            break
        chosen.append(more[1:])
    return chosen


def by_nearest(
    sheet: Sheet, asked: Asked, part: Part, pool: Sequence[Passage], least: float = _LEAST_PASSAGE
) -> list[Unit]:
    """Return the best sentences of the passages with most of the telling words, if they have enough of them."""
    terms = _strong(asked.terms | {term: frozenset((term,)) for name in asked.names for term in name})
    if not terms:
        return []
    weights: dict[Passage, float] = {}
    for rank, passage in enumerate(pool[:_DEEP]):
        there = sheet.rarity.words.get(passage) or stems_of(" ".join((*passage.heading, passage.text)))
        share = sheet.rarity.covered(terms, there)
        titled = sheet.rarity.covered(terms, content_stems(title_of(passage)))
        if share >= least:
            weights[passage] = share + 0.8 * titled + 0.3 / (1 + rank)
    ranked = sorted(weights, key=lambda p: -weights[p])
    found: list[Unit] = []
    for passage in ranked[:5]:
        close = _CLOSE_IN_FILE if passage.file == ranked[0].file else _CLOSE
        if weights[passage] >= close * weights[ranked[0]]:
            found += _best_of(sheet, asked, terms, part, passage, first=not found)
    return found[:6]


def by_house_rules(sheet: Sheet, asked: Asked) -> list[Unit]:
    """Return the house rule on what is asked, wherever it was found: it goes before the book."""
    terms = _strong(asked.terms | {term: frozenset((term,)) for name in asked.names for term in name})
    rules = [
        (sheet.rarity.covered(terms, stems(s.text)), s, p)
        for p in sheet.passages
        if any(map(_HOUSE_RULES.search, (file_title(p.file), *p.heading)))
        for s in statements([p])
        if any(map(_HOUSE_RULES.search, s.heading[-1:]))
    ]
    best = max(rules, key=lambda each: each[0], default=None)
    if best is None or best[0] < _LEAST_PASSAGE:
        return []
    label = stems(best[1].text.partition(":")[0]) if ":" in best[1].text else frozenset[str]()
    is_label = bool(label) and all(label & (forms | {term}) for term, forms in terms.items())  # "Potions: …"
    return [unit(best[1], best[2])] if len(terms) > 1 or is_label else []


def by_protection(sheet: Sheet, part: Part, asked: Asked) -> list[Unit]:
    """Return the sentences that say how one gets past what is asked for."""
    terms = _strong(asked.terms | {term: frozenset((term,)) for name in asked.names for term in name})
    if not asks_way_through(part.text) or not terms:
        return []
    found = [
        (sheet.rarity.covered(terms, stems(s.text)), s, p)
        for p in sheet.passages[:_DEEP]
        if not is_rule_book(p)
        for s in statements([p])
        if says_way_through(s.text)
    ]
    chosen = [(s, p) for weight, s, p in found if weight >= _LEAST_PASSAGE]
    return [unit(s, p) for s, p in chosen[:3]]


def by_session_log(sheet: Sheet, part: Part) -> list[Unit]:
    """Return what the logs say of it, when it is asked whether the party has done something."""
    if not _ALREADY.search(part.text):
        return []
    others = telling(sheet.question.replace(part.text, " "))
    terms = {term: frozenset((term,)) for term in others.words.union(*others.names)}
    found = [
        (sheet.rarity.covered(terms, stems(s.text)), s, p)
        for p in sheet.passages
        if any(map(is_sheet_title, (file_title(p.file), *p.heading))) and "session" in p.place.lower()
        for s in statements([p])
    ]
    best = max(found, key=lambda each: each[0], default=None)
    return [unit(best[1], best[2])] if best and best[0] >= _LEAST_SENTENCE else []


def by_name_said(sheet: Sheet, asked: Asked) -> list[Unit]:
    """Return a sentence on somebody whom the answer has named so far, with a word of this part in it."""
    said = " ".join(each.text for each in sheet.units.values())
    names = [stems(name) for name in dict.fromkeys(_NAME.findall(said))]
    terms = _strong(asked.terms)
    found = [
        (sheet.rarity.covered(terms, stems(s.text) | stems(" ".join(s.heading[-1:]))), s, p)
        for p in sheet.passages
        for s in statements([p])
        if s.role is not Role.ROW and s.text not in sheet.units and any(name <= stems(s.text) for name in names)
    ]
    best = max(found, key=lambda each: each[0], default=None)
    return [unit(best[1], best[2])] if best and best[0] >= _LEAST_SENTENCE / 2 else []


def told(sheet: Sheet, part: Part) -> list[Unit]:
    """Return the sentence of the notes, not of the rules, on what the question only tells."""
    tells = telling(part.text)
    terms = {term: frozenset((term,)) for term in tells.words.union(*tells.names)}
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
    return [unit(best[2], best[3])] if best and best[0] >= _LEAST_TOLD else []


def what_follows(part: Part, said: list[Unit]) -> list[Unit]:
    """Return the lines with the sentences that go on about the same, where everything or a course is asked for."""
    if not (asks_for_all(part.text) or _HAPPENS.search(part.text)):
        return said
    found: list[Unit] = []
    for each in said[:2]:
        found.append(each)
        every = statements([each.passage])
        at = next((n for n, s in enumerate(every) if s.text == each.text), len(every))
        for statement in every[at + 1 : at + 4]:
            course = _HAPPENS.search(part.text) and statement.role is not Role.ITEM
            if statement.block != every[at].block or not (course or _FOLLOWS.match(statement.text)):
                break
            found.append(unit(statement, each.passage))
    return [*found, *said[2:]]


def _strong(terms: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """Return the terms that are no bare numbers, and no words that only ask for something unless all are."""
    plain = {term: forms for term, forms in terms.items() if not _NUMBER.match(term)}
    return {term: forms for term, forms in plain.items() if not is_weak(term)}


def _beginning(sheet: Sheet, topic: Passage) -> Passage:
    """Return the passage that the section begins in, or the one above it whose title is asked for too."""
    own = [
        p for p in sheet.passages if p.file == topic.file and p.heading and topic.heading[: len(p.heading)] == p.heading
    ]
    named = [p for p in own if p.heading == topic.heading or len(content_stems(title_of(p)) & sheet.words) > 1]
    return min(named, key=lambda p: p.start, default=topic)


def _best_of(
    sheet: Sheet, asked: Asked, terms: Mapping[str, frozenset[str]], part: Part, passage: Passage, *, first: bool
) -> list[Unit]:
    every = [s for s in statements([passage]) if s.role is not Role.ROW]
    if asked.kind in _MUST_HAVE:
        every = [s for s in every if has_kind(asked, s.text)]
    weighed = [(sheet.rarity.covered(terms, stems(s.text)), s) for s in every]
    top = max((weight for weight, _ in weighed), default=0.0)
    chosen: list[Statement] = [s for weight, s in weighed if weight >= top - 0.1][: 2 if first else 1]
    titled = sheet.rarity.covered(terms, content_stems(title_of(passage)))
    if first and titled >= _LEAST_SENTENCE:
        opening = _beginning(sheet, passage)
        begins = [unit(s, opening) for s in lead(opening, 30)[:2]]
        return list(dict.fromkeys([*begins, *(unit(s, passage) for s in chosen)]))
    if top < _LEAST_SENTENCE:
        return []
    return what_follows(part, [unit(s, passage) for s in sorted(chosen, key=every.index)])


def hits(asked: Asked, text: str) -> bool:
    """Return whether a text has one of the words of a key."""
    own = stems(text)
    every = {**asked.terms, **{term: frozenset((term,)) for term in asked.weak}}
    return any(has(own, forms | {term}) for term, forms in every.items())
