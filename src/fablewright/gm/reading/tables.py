"""Reads the tables of a passage as rows of cells under the names of their columns.

Markdown and HTML tables are read alike. A table that was cut has its header from the passage that it begins in. A row
whose first cell is empty right below the header names the columns further: "Distance" above "Hour" and "Day".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.markdown_blocks import blocks
from fablewright.gm.reading.statements import readable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["Row", "rows_of"]

_TR = re.compile(r"<tr\b[^>]{0,200}>(.*?)(?:</tr\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_CELL = re.compile(r"<t(?P<kind>[dh])\b[^>]{0,200}>(?P<text>.*?)(?=</t[dh]\s*>|<t[dh]\b|\Z)", re.IGNORECASE | re.DOTALL)
_RULE = re.compile(r"[\s|:+-]*-[\s|:+-]*")
_BAR = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table.

    Attributes:
        cells: What it says, without markup.
        columns: The names of the columns, as many as there are cells; empty where a column has none.
        at: Its number among the rows of the passage.
    """

    cells: tuple[str, ...]
    columns: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """One line: the first cell, then each other one behind the name of its column."""
        said = [
            f"{column} {cell}".strip() for column, cell in zip(self.columns[1:], self.cells[1:], strict=True) if cell
        ]
        return f"{self.cells[0]}: {', '.join(said)}" if said else self.cells[0]


@kept
def rows_of(passage: Passage) -> tuple[Row, ...]:
    """Return the rows of all tables of a passage, without their headers."""
    found: list[Row] = []
    text, start = passage.text, 0
    if passage.table_header:
        start = _table_end(text)
        found += _rows([*_parsed(passage.table_header), *_parsed(text[:start])], 0)
    for block in blocks(text[start:]):
        if block.kind in {"table", "html_table"}:
            found += _rows(_parsed(text[start + block.start : start + block.end]), len(found))
    return tuple(found)


def _table_end(text: str) -> int:
    """Return where the table ends that a passage begins in the middle of."""
    closed = re.search(r"</table\s*>", text, re.IGNORECASE)
    if closed:
        return closed.end()
    gap = re.search(r"\n[ \t]*\n", text)
    return len(text) if "<t" in text.lower() or not gap else gap.start()


def _rows(parsed: Sequence[tuple[list[str], bool]], number: int) -> Iterator[Row]:
    """Yield the rows of one table, numbered on."""
    columns: Sequence[str] = ()
    for place, (cells, names_columns) in enumerate(parsed):
        if names_columns:
            columns = cells
        elif len(cells) > 1 and not cells[0] and place == 1 and columns:
            columns = [cell or above for above, cell in _side_by_side(columns, cells)]
        elif len(cells) > 1:
            named = [column for column, _ in _side_by_side(columns, cells)][: len(cells)]
            yield Row(tuple(cells), tuple(named), number)
            number += 1


def _side_by_side(columns: Sequence[str], cells: Sequence[str]) -> list[tuple[str, str]]:
    width = max(len(columns), len(cells))
    return list(zip([*columns, *[""] * (width - len(columns))], [*cells, *[""] * (width - len(cells))], strict=True))


def _parsed(source: str) -> list[tuple[list[str], bool]]:
    """Return the rows of a table, each with whether it is a header."""
    if "<t" in source.lower():
        return [row for match in _TR.finditer(source) if (row := _html_row(match[1]))[0]]
    rows: list[tuple[list[str], bool]] = []
    for line in source.splitlines():
        if _RULE.fullmatch(line):
            rows = [(cells, True) for cells, _ in rows[-1:]]
        elif "|" in line:
            cells = [readable(cell).strip() for cell in _BAR.split(line.strip().strip("|"))]
            rows.append((cells, False))
    return rows


def _html_row(source: str) -> tuple[list[str], bool]:
    cells = list(_CELL.finditer(source))
    is_header = len(cells) > 1 and all(cell["kind"].lower() == "h" for cell in cells)
    return [readable(cell["text"]).strip() for cell in cells], is_header
