from __future__ import annotations

import pytest

from fablewright.adapters.documents.markdown_writer import MarkdownWriter, escaped, table
from fablewright.adapters.documents.source import RefusedDocument
from fablewright.gm.reading.markdown_blocks import blocks


@pytest.mark.parametrize(
    "line",
    [
        "# x",
        "## ",
        "> x",
        "| x |",
        "- x",
        "* x",
        "+ x",
        "1. x",
        "12) x",
        "```",
        "~~~x",
        "---",
        "===",
        "  # x",
        "-",
        "#",
    ],
)
def test_text_that_looks_like_markup_is_text(line: str) -> None:
    (block,) = blocks(f"{escaped(line)}\n\n")
    assert block.kind == "text"
    assert escaped(line).replace("\\", "", 1) == line


@pytest.mark.parametrize("line", ["#5 is alive", "-5 degrees", "a > b", "1.5 miles", "(the first of 1) is", "x", "3d6"])
def test_text_that_does_not_is_left_alone(line: str) -> None:
    assert escaped(line) == line


def test_blocks_in_boxes_and_lists() -> None:
    writer = MarkdownWriter(1000)
    writer.heading(9, " A\n title ")
    writer.enter("> ", "> ")
    writer.text("One\ntwo")
    writer.enter("1. ", "   ")
    writer.text("Item")
    writer.text("More")
    writer.leave()
    writer.leave()
    writer.code("a ``` b")
    assert writer.result() == "###### A title\n\n> One\n> two\n>\n> 1. Item\n>\n>    More\n\n````\na ``` b\n````\n"


def test_nothing_makes_nothing() -> None:
    writer = MarkdownWriter(1000)
    writer.heading(1, " ")
    writer.text(" \n ")
    writer.code("\n")
    writer.enter("- ", "  ")
    writer.leave()
    assert writer.result() == ""


def test_a_table_is_filled_up_and_its_bars_are_text() -> None:
    assert table([["a", "b"], ["1 | 2"], ["x\ny", "z"]]) == "| a | b |\n| --- | --- |\n| 1 \\| 2 |  |\n| x y | z |"


def test_too_much_is_refused_while_it_is_written() -> None:
    writer = MarkdownWriter(100)
    writer.text("x" * 90)
    with pytest.raises(RefusedDocument, match=r"more text in it than 0\.0001 MB"):
        writer.text("x" * 20)


def test_what_is_nested_a_thousand_deep_stays_small() -> None:
    writer = MarkdownWriter(10_000)
    for _ in range(1000):
        writer.enter("> ", "> ")
    writer.text("deep")
    for _ in range(1001):
        writer.leave()
    assert writer.result() == f"{'> ' * 8}deep\n"
