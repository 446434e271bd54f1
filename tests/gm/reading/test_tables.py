"""Tables are read as rows under their columns, whole or cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.tables import rows_of

CELL = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


def passage(text: str, header: str = "") -> Passage:
    return Passage(text, "a.md", ("Ways",), 0, len(text), table_header=header)


def test_a_row_is_set_out_under_its_columns() -> None:
    [bog, fen] = rows_of(passage("| Land | Pace | Food DC |\n|---|:-:|---|\n| Bog | Slow | 12 |\n| Fen | | 9 |"))
    assert bog.text == "Bog: Pace Slow, Food DC 12"
    assert fen.text == "Fen: Food DC 9"


def test_html_is_read_alike_and_a_second_header_names_the_columns_further() -> None:
    html = (
        "<table><thead><tr><th>Pace</th><th>Far</th><th></th></tr></thead>"
        "<tr><td></td><td>Hour</td><td>Day</td></tr><tr><td>Fast</td><td>4</td><td>30</td></tr></table>"
    )
    [fast] = rows_of(passage(html))
    assert fast.text == "Fast: Hour 4, Day 30"


def test_a_table_that_was_cut_has_its_header_from_above() -> None:
    cut = passage("| Fen | 9 |\n| Moor | 8 |\n\nAfter it.", "| Land | Food DC |\n|---|---|")
    assert [row.text for row in rows_of(cut)] == ["Fen: Food DC 9", "Moor: Food DC 8"]
    html = passage("<tr><td>Fen</td><td>9</td></tr></table>", "<table><tr><th>Land</th><th>Food DC</th></tr>")
    assert [row.text for row in rows_of(html)] == ["Fen: Food DC 9"]


def test_prose_has_no_rows() -> None:
    assert rows_of(passage("Either | or, as they say.")) == ()


@given(st.lists(st.lists(CELL, min_size=2, max_size=4), min_size=2, max_size=6))
def test_every_cell_of_a_generated_table_is_there_in_its_place(rows: list[list[str]]) -> None:
    width = len(rows[0])
    rows = [(row + ["x"] * width)[:width] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    text = "\n".join([lines[0], "|" + "---|" * width, *lines[1:]])
    [one] = passages_of("a.md", text)
    assert [list(row.cells) for row in rows_of(one)] == rows[1:]
    assert all(list(row.columns) == rows[0] for row in rows_of(one))
