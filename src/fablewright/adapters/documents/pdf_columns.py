"""The reading order of a page: which runs of letters are one line, and which column comes first.

Pure geometry. A gutter is an upright strip that hardly anything crosses, with lines on both sides that fill their
columns as prose does; a table has strips too, but its cells do not fill them. What crosses the gutter, a title
or a picture's caption, divides the page into bands; in each band the left column comes before the right one.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Cell", "Line", "Run", "lines_in_order"]


@dataclass(frozen=True, slots=True)
class Run:
    """Letters that follow each other on one line, in points from the page's upper left corner.

    Attributes:
        text: The letters, with the blanks between words.
        left: Where they begin.
        right: Where they end.
        bottom: How far down they stand.
        size: Of the font.
        bold: Whether they are bold.
    """

    text: str
    left: float
    right: float
    bottom: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands together on a line: all of it, or as far as the next wide gap."""

    text: str
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line within its column.

    Attributes:
        cells: One, or several with wide gaps between them; bold words have their Markdown marks.
        bottom: How far down the page it stands, in points.
        size: Of most of its letters.
        bold: Whether all of it is bold; then it has no marks.
        column: Left and right edge of its column.
    """

    cells: tuple[Cell, ...]
    bottom: float
    size: float
    bold: bool
    column: tuple[float, float]

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(cell.text for cell in self.cells)

    @property
    def left(self) -> float:
        """Where it begins."""
        return self.cells[0].left


_DEEPEST = 4
"""Columns within columns that are looked for: a page of up to 16."""
_FEWEST = 4
"""Lines on each side of a gutter; with fewer there is nothing to confuse."""
_STEP = 2.0
"""Points between two places that are tried for a gutter."""
_PROSE = 15
"""Letters on a line of prose at least, as a median over its column."""
_FILLED = 0.55
"""Share of its column's width that a line of prose fills, as a median."""
_CELL_GAP = 1.8
"""Gap between two cells of a table, in font sizes; justified prose has narrower ones."""


def lines_in_order(runs: Sequence[Run]) -> list[Line]:
    """Return the lines of a page in the order that a person reads them."""
    return [
        line for region in _regions(sorted(runs, key=lambda run: (run.bottom, run.left)), 0) for line in _lines(region)
    ]


# ---------------------------------------------------------------- columns


def _regions(runs: list[Run], depth: int) -> Iterator[list[Run]]:
    """Yield runs, sorted from top to bottom, in groups that are one column each."""
    gutter = _gutter(runs) if depth < _DEEPEST else None
    if gutter is None:
        yield runs
        return
    left: list[Run] = []
    right: list[Run] = []
    across: list[Run] = []
    for run in runs:
        if run.left < gutter < run.right:
            if left or right:
                yield from _band(left, right, depth)
                left, right = [], []
            across.append(run)
            continue
        if across and run.bottom - across[-1].bottom < 0.5 * run.size:  # on the line of what crosses
            across.append(run)
            continue
        if across:
            yield across
            across = []
        (left if run.right <= gutter else right).append(run)
    if across:
        yield across
    yield from _band(left, right, depth)


def _band(left: list[Run], right: list[Run], depth: int) -> Iterator[list[Run]]:
    for side in (left, right):
        if side:
            yield from _regions(side, depth + 1)


def _gutter(runs: Sequence[Run]) -> float | None:
    """Return the middle of the strip that parts two columns, if there is one."""
    if len(runs) < 2 * _FEWEST:
        return None
    first, last = min(run.left for run in runs), max(run.right for run in runs)
    half = max(3.0, 0.4 * median(run.size for run in runs))
    lefts, rights = sorted(run.left for run in runs), sorted(run.right for run in runs)
    places = [first + _STEP * step for step in range(int(max(0.0, last - first) / _STEP) + 1)][:5_000]
    places = [x for x in places if 0.2 * (last - first) < x - first < 0.8 * (last - first)]
    # What touches the strip has begun before its right edge and not ended before its left one.
    crossed = [bisect_right(lefts, x + half) - bisect_right(rights, x - half) for x in places]
    tried: list[tuple[int, float]] = []
    for number, crossings in enumerate(crossed):
        if number and crossed[number - 1] == crossings:
            continue
        end = number
        while end + 1 < len(crossed) and crossed[end + 1] == crossings:
            end += 1
        tried.append((crossings, (places[number] + places[end]) / 2))
    for crossings, x in sorted(tried)[:5]:
        left = [run for run in runs if run.right <= x]
        right = [run for run in runs if run.left >= x]
        if crossings < len(left) + len(right) and _is_column(left) and _is_column(right) and _beside(left, right):
            return x
    return None


def _is_column(runs: Sequence[Run]) -> bool:
    """Whether runs fill their width like prose."""
    if len(runs) < _FEWEST:
        return False
    width = max(run.right for run in runs) - min(run.left for run in runs)
    rows = [(max(run.right for run in row) - min(run.left for run in row), row) for row in _rows(runs)]
    if len(rows) < _FEWEST:
        return False
    letters = median(sum(len(run.text) for run in row) for _, row in rows)
    return letters >= _PROSE and median(extent for extent, _ in rows) >= _FILLED * width


def _beside(left: Sequence[Run], right: Sequence[Run]) -> bool:
    """Whether two columns stand beside each other for the better part of the shorter one."""
    tops = [min(run.bottom for run in side) for side in (left, right)]
    ends = [max(run.bottom for run in side) for side in (left, right)]
    shared = min(ends) - max(tops)
    return shared >= 0.5 * min(end - top for top, end in zip(tops, ends, strict=True))


# ---------------------------------------------------------------- lines


def _rows(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs, sorted from top to bottom, that stand at one height."""
    rows: list[list[Run]] = []
    for run in runs:
        if rows and run.bottom - rows[-1][0].bottom < 0.5 * min(run.size, rows[-1][0].size):
            rows[-1].append(run)
        else:
            rows.append([run])
    return rows


def _lines(runs: Sequence[Run]) -> Iterator[Line]:
    if not runs:
        return
    column = (min(run.left for run in runs), max(run.right for run in runs))
    for row in _rows(runs):
        row.sort(key=lambda run: run.left)
        bold = all(run.bold for run in row)
        size = max(row, key=lambda run: len(run.text)).size
        cells = tuple(_cell(group, marks=not bold) for group in _groups(row, _CELL_GAP * size))
        yield Line(cells, row[0].bottom, size, bold, column)


def _groups(row: Sequence[Run], widest: float) -> Iterator[list[Run]]:
    group: list[Run] = []
    for run in row:
        if group and run.left - group[-1].right > widest:
            yield group
            group = []
        group.append(run)
    yield group


def _cell(group: Sequence[Run], *, marks: bool) -> Cell:
    words = ""
    bold = False
    for number, run in enumerate(group):
        gap = number > 0 and run.left - group[number - 1].right > 0.15 * run.size
        if marks and run.bold != bold:
            if bold:
                words += "**"
            words += " " * gap + ("**" if run.bold else "")
            bold = run.bold
        else:
            words += " " * gap
        words += run.text
    return Cell(words + "**" * bold, group[0].left, group[-1].right)
