"""Rows of tables that answer: by the name in their first cell, by the level they are for, or by what they list.

A row answers when its label is in the question and a column of its table is what is asked for: "pace" of "Swamp".
"Which of them speak Elvish?" asks the other way round, for the labels of the rows that have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import content_stems, stems
from fablewright.gm.reading.tables import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fablewright.gm.questions.asked import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.tables import Row

__all__ = ["FoundRow", "rows_for"]

_DEEP = 8
"""Of how many of the first passages the tables are read: what is found further down is about something else."""
_MOST = 5
_LEAST_STEM = 5
_LONGEST = 60
"""Words of a row that is still an answer; a longer one is a text in the form of a table."""
_RANGE = re.compile(r"^\D{0,8}(\d{1,2})(?:st|nd|rd|th)?(?:\s*[-–—]\s*(\d{1,2})|\s*(\+))?\D{0,12}$")
_LEVEL = re.compile(
    r"\b(?P<what>level|cr|tier|dc)s?[- ](?P<n>\d{1,2})\b|\b(?P<nth>\d{1,2})(?:st|nd|rd|th)[- ]level\b", re.IGNORECASE
)
_WHICH = re.compile(r"^\W*(?:which|who|whose|what)\b.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FoundRow:
    """A row that answers.

    Attributes:
        text: How to say it.
        passage: Where it stands.
        covers: The stems of the question that it answers.
        weight: How sure that is.
    """

    text: str
    passage: Passage
    covers: frozenset[str]
    weight: float


def rows_for(asked: Asked, words: frozenset[str], question: str, passages: Sequence[Passage]) -> list[FoundRow]:
    """Return the rows that answer, best first.

    Args:
        asked: What the part asks.
        words: The stems of the whole question, and of what means the same.
        question: The words as typed.
        passages: What was found, best first.
    """
    found = [
        row
        for rank, passage in enumerate(passages[:_DEEP])
        for row in _of_passage(asked, words, question, passage, rank)
        if len(row.text.split()) <= _LONGEST
    ]
    if not found:
        return []
    found.sort(key=lambda row: -row.weight)
    best = found[0]
    alike = [row for row in found if row.passage == best.passage and row.weight >= best.weight - 0.35]
    return sorted(alike, key=lambda row: -row.weight)[:_MOST]


def _of_passage(asked: Asked, words: frozenset[str], question: str, passage: Passage, rank: int) -> Iterator[FoundRow]:
    wanted = frozenset(asked.terms).union(*asked.terms.values(), *asked.names, asked.weak)
    title = stems(" ".join(passage.heading[-1:]))
    for row in rows_of(passage):
        columns = stems(" ".join(row.columns)) | title
        named = _labels(row, words)
        level = _is_level(row, question)
        asks_column = bool((columns - named) & wanted) or not any(row.columns)
        if (named or level) and asks_column:
            covers = named | ((columns | stems(row.text)) & wanted)
            weight = 1.0 + 0.5 * len(named) + 0.5 * level + 0.2 * len(columns & wanted) - 0.05 * rank
            yield FoundRow(row.text, passage, covers, weight)
        elif not named and (reverse := _listed(row, asked, question, columns)):
            yield FoundRow(reverse[0], passage, reverse[1], 0.9 - 0.05 * rank)


def _labels(row: Row, words: frozenset[str]) -> frozenset[str]:
    """Return the stems of a cell that names the row and stands in the question; most of a long name will do."""
    best: frozenset[str] = frozenset()
    for at, cell in enumerate(row.cells):
        if at and (not cell.isascii() or re.search(r"\d", cell) or len(cell.split()) > 3):
            continue
        own = content_stems(cell)
        there = frozenset(word for word in own if word in words or _is_form(word, words))
        enough = there == own if at else len(there) >= 0.6 * len(own)
        if own and enough and len(there) > len(best):
            best = there
    return best


def _is_form(word: str, words: frozenset[str]) -> bool:
    """Return whether a word is made of one of the question's: "coastal" of "coast"."""
    return any(len(own) >= _LEAST_STEM and word.startswith(own) for own in words)


def _is_level(row: Row, question: str) -> bool:
    """Return whether a row is for the level that the question names: "1st-4th" for level 3."""
    bounds = _RANGE.match(row.cells[0])
    if not bounds or "level" not in row.columns[0].lower() + row.cells[0].lower():
        return False
    low = int(bounds[1])
    high = 99 if bounds[3] else int(bounds[2] or low)
    return any(low <= int(m["n"] or m["nth"]) <= high for m in _LEVEL.finditer(question))


def _listed(row: Row, asked: Asked, question: str, columns: frozenset[str]) -> tuple[str, frozenset[str]] | None:
    """Return the label and the cell of a row in which a cell lists what is asked for, with what that covers."""
    if not _WHICH.match(question):
        return None
    every = {frozenset(name) for name in asked.names} | {forms | {term} for term, forms in asked.terms.items()}
    in_header = [forms for forms in every if forms & columns]
    rest = [forms for forms in every if not forms & columns]
    if not rest or not in_header:
        return None
    for column, cell in zip(row.columns[1:], row.cells[1:], strict=True):
        if all(forms & stems(cell) for forms in rest):
            return f"{row.cells[0]}: {column} {cell}", frozenset().union(*rest, *in_header)
    return None


def covered(rows: Iterable[FoundRow]) -> frozenset[str]:
    """Return the stems that rows answer together."""
    return frozenset().union(*(row.covers for row in rows))
