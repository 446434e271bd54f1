from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.markdown_blocks import blocks, lines

PIECES = st.sampled_from(
    [
        *[
            "# A",
            "## B ##",
            "T\n===",
            "- x",
            "> q",
            "```",
            "~~~",
            "<!--",
            "-->",
            "<table>",
            "</table>",
            "| a |",
        ],
        *[
            "---",
            "<pre>",
            "</pre>",
            "    # code",
            "words",
            "",
            " ",
            "\r",
            "\ufeff",
            "`<!--`",
            "#tag",
            "\u2028",
        ],
    ]
)
MARKDOWN = st.lists(PIECES).map("\n".join) | st.lists(PIECES).map("".join) | st.text()


def titles(text: str) -> list[str]:
    return [block.title for block in blocks(text) if block.kind == "heading"]


def kinds(text: str) -> list[str]:
    return [block.kind for block in blocks(text)]


@given(MARKDOWN)
def test_lines_are_the_text(text: str) -> None:
    found = lines(text)
    assert "".join(text[line.start : line.end] for line in found) == text
    assert all(text[line.start : line.end].startswith(line.text) for line in found)
    assert all("\n" not in line.text and "\r" not in line.text for line in found)


@given(MARKDOWN)
def test_blocks_are_in_order_and_only_blank_lines_stand_between_them(text: str) -> None:
    at = 0
    for block in blocks(text):
        assert block.start < block.end
        assert not text[at : block.start].replace("\ufeff", "").strip()
        at = block.end
    assert not text[at:].replace("\ufeff", "").strip()


def test_levels_and_titles_of_atx_headings() -> None:
    found = blocks("# One\n###### Six ##\n   ## Three spaces\n#\n# C#\n")
    assert [(block.level, block.title) for block in found] == [
        (1, "One"),
        (6, "Six"),
        (2, "Three spaces"),
        (1, ""),
        (1, "C#"),
    ]


@pytest.mark.parametrize("line", ["#tag", "####### seven", "    # code", "\\# no", "- # item", "> # quoted"])
def test_what_only_looks_like_a_heading(line: str) -> None:
    assert titles(line) == []


def test_setext_headings() -> None:
    assert titles("Title\n=====\n\nSub\n---\n") == ["Title", "Sub"]
    assert [block.level for block in blocks("Title\n===\n\nSub\n---\n")] == [1, 2]


@pytest.mark.parametrize(
    "text", ["two\nlines\n---\n", "- item\n---\n", "> quote\n---\n", "\n---\n---\n", "| a |\n---\n", "a\n-\n"]
)
def test_a_rule_under_something_else_is_no_setext_heading(text: str) -> None:
    assert titles(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "```\n# no\n```\n# yes",
        "~~~ python\n# no\n```\n# no\n~~~\n# yes",
        "````\n```\n# no\n````\n# yes",
        "- list\n\n      ```\n      # no\n# no\n      ```\n# yes",
        "<!-- note\n\n# no\n-->\n# yes",
        "words <!-- that begin\n# no\n\n# no --> and end\n# yes",
        "<pre>\n\n# no\n</PRE>\n# yes",
        "---\ntitle: x\n# no\n---\n# yes",
        "\ufeff---\n# no\n...\n# yes",
        "<table>\n# no\n<tr><td>1\n</td></tr></table>\n# yes",
        "<TABLE><tr><td><table>\n</table>\n# no\n</table>\n# yes",
    ],
)
def test_headings_inside_something_are_none(text: str) -> None:
    assert titles(text) == ["yes"]


@pytest.mark.parametrize(
    "text",
    [
        "<!-- never closed\n# yes",
        "a <!-- b\n# yes",
        "<pre>\n# yes",
        "---\n# yes",
        "use `<!--` so\n# yes\n-->",
    ],
)
def test_what_is_never_closed_does_not_swallow_the_file(text: str) -> None:
    assert titles(text) == ["yes"]


def test_a_heading_after_a_blank_line_ends_an_open_table() -> None:
    assert titles("<table>\n<tr>\n\n# yes\n") == ["yes"]


def test_an_open_fence_runs_to_the_end() -> None:
    assert kinds("```\n# no\n\nmore") == ["fence"]


def test_kinds() -> None:
    text = (
        "---\na: b\n---\n# H\n\n> q\nlazy\n\n| a |\n|---|\n\n<table>\n\n</table>\n\n<!-- c -->\n\n```\n```\n\nwords\n"
    )
    assert kinds(text) == [
        "front_matter",
        "heading",
        "quote",
        "table",
        "html_table",
        "comment",
        "fence",
        "text",
    ]


def test_a_title_is_kept_to_a_bounded_length() -> None:
    assert len(titles("# " + "a" * 10_000)[0]) == 200
