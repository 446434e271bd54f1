"""A question about the rules: worked out where we can, else quoted out of a rule book among the notes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.questions.asked import stems
from fablewright.gm.questions.compound import answer_parts
from fablewright.gm.questions.question import question_terms
from fablewright.gm.reading.statements import Role, readable, statements
from fablewright.gm.rules.computed import computed_rules
from fablewright.gm.scene.note_kind import is_rule_book, kept_beside_play
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage

__all__ = ["answer_rules"]

_NO_BOOK = (
    "There is no rule book among your notes, so this cannot be looked up: put one beside them, such as the SRD 5.2.1, "
    "as text or PDF. DCs, XP, budgets and creatures' numbers are worked out without one."
)
_LEAD = re.compile(
    r"^\W*(?:what(?:'s|’s| is| are) )?(?:the )?rules?(?: question)?(?: (?:for|of|on|about)|:)? ", re.IGNORECASE
)
_ASKS = re.compile(r"\b(?:who|what|which|when|where|why|how|is|are|do|does|can|could|may|will|would)\b", re.IGNORECASE)
_FEW = 5
"""Words that name a thing; more tell something."""
_CELLS = " · "
_MOST_ROWS = 3
_NOTHING = "Your notes do not say, rule books or others: there is nothing about this in them."
_NOT_SAID = "The rule books among your notes do not say: there is nothing about this in them."


async def answer_rules(asked: Asked) -> Answer:
    """Say what the rules say, with the place; say plainly when there is no rule book."""
    computed = [
        Line(text, Origin.BY_RULE) for text in computed_rules(asked.words, asked.table.party, asked.table.rules)
    ]
    lines: list[Line] = []
    cited: tuple[Passage, ...] = ()
    books: list[Passage] = []
    missing: tuple[str, ...] = ()
    took = 0.0
    is_found = not asked.use_rag
    if asked.use_rag:
        found = await asked.look_up(asked.words, most=2 * asked.max_docs)
        missing, took = found.missing, found.took_ms
        is_found = bool(found.documents and found.documents.passages)
        books = [passage for passage in found.documents.passages if _has_rules(passage)] if found.documents else []
        lines, cited = _rows_about(asked.words, books)
        if not lines:
            answered = answer_parts(_as_question(asked.words), books)
            cited = answered.cited
            lines = [_with_header(line, cited) for line in answered.lines]
        if found.documents is None and not computed:
            return Answer("rules", "failed", missing=missing, timings=Timings(retrieve_ms=took))
    if not lines and not computed:
        text = _NOT_SAID if any(map(is_rule_book, books)) else _NO_BOOK if is_found else _NOTHING
        said = Line(text, Origin.BY_RULE)
        return Answer("rules", "abstained", lines=(said,), missing=missing, timings=Timings(retrieve_ms=took))
    return Answer(
        "rules",
        "degraded" if missing else "answered",
        lines=(*computed, *lines),
        citations=cited,
        used_rag=bool(cited),
        generation_method="quoted" if lines else "rules",
        missing=missing,
        timings=Timings(retrieve_ms=took),
    )


def _as_question(words: str) -> str:
    """Return what is asked about something that is only named: "rules for hiding" asks what hiding does."""
    thing = _LEAD.sub("", words).strip(" .?!")
    return f"What does {thing} do?" if thing and len(thing.split()) <= _FEW and not _ASKS.search(thing) else words


def _has_rules(passage: Passage) -> bool:
    """Whether rules stand there: a book's, or the table's own."""
    return is_rule_book(passage) or "rule" in kept_beside_play(passage).casefold()


def _rows_about(words: str, books: Sequence[Passage]) -> tuple[list[Line], tuple[Passage, ...]]:
    """Return the rows of tables that are about what is asked: the first cell is a thing the question names.

    The rest of the question has to be found in the header, as the damage of "What damage does a longsword do?" is.
    """
    wanted = question_terms(words)
    found: dict[str, Passage] = {}
    for passage in books:
        for row in (said.text for said in statements([passage]) if said.role is Role.ROW):
            thing = stems(row.partition(_CELLS)[0])
            header = _header_of(row, passage) if thing and thing <= wanted else ""
            if header and wanted - thing and wanted - thing <= stems(header):
                found.setdefault(row, passage)
    cited = tuple(dict.fromkeys(list(found.values())[:_MOST_ROWS]))
    rows = list(found.items())[:_MOST_ROWS]
    return [_with_header(Line(row, Origin.QUOTED, (cited.index(p),)), cited) for row, p in rows], cited


def _with_header(line: Line, cited: Sequence[Passage]) -> Line:
    """Put the header of its table before a row that would say nothing without it."""
    if _CELLS not in line.text or not line.sources:
        return line
    header = _header_of(line.text, cited[line.sources[0]])
    return replace(line, text=_read_across(header, line.text), origin=Origin.FROM_NOTES) if header else line


def _read_across(header: str, row: str) -> str:
    """Return a row with each cell behind the head of its column, as far as they go together."""
    heads, cells = header.split(_CELLS), row.split(_CELLS)
    if len(heads) != len(cells):
        return f"{header}: {row}"
    rest = _CELLS.join(f"{head}: {cell}" for head, cell in zip(heads[1:], cells[1:], strict=True))
    return f"{cells[0]} — {rest}"


def _header_of(row: str, passage: Passage) -> str:
    """Return the header of the table in which a row stands; nothing when the row is the header itself."""
    if passage.table_header:
        cells = (readable(cell).strip(" :-") for cell in passage.table_header.splitlines()[0].strip("| ").split("|"))
        return _CELLS.join(cell for cell in cells if cell)
    rows = [said.text for said in statements([passage]) if said.role is Role.ROW]
    return rows[0] if row in rows[1:] else ""
