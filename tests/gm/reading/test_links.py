from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.links import Link, links_of


def targets(text: str) -> list[tuple[str, str, bool]]:
    return [(link.target, link.heading, link.embed) for link in links_of(text, "a.md").targets]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("See [[Osric]].", ("Osric", "", False)),
        ("See [[People/Osric|the miller]].", ("People/Osric", "", False)),
        ("See [[Osric#His debts|debts]].", ("Osric", "His debts", False)),
        ("See [[Osric#^b1]].", ("Osric", "^b1", False)),
        ("See [[#Below]].", ("", "Below", False)),
        ("| [[Osric\\|miller]] | 3 |", ("Osric", "", False)),
        ("![[Map of Thole.png|300]]", ("Map of Thole.png", "", True)),
        ("![[Osric#Debts]]", ("Osric", "Debts", True)),
        ("> [!note] ![[Osric]]", ("Osric", "", True)),
        ("[the mill](places/Old%20Mill.md#The%20wheel)", ("places/Old Mill.md", "The wheel", False)),
        ('[mill](<Old Mill.md> "a title")', ("Old Mill.md", "", False)),
        ("[mill](mill_(old).md)", ("mill_(old).md", "", False)),
        ("[below](#The-wheel)", ("", "The-wheel", False)),
        ("![the map](../maps/thole.png)", ("../maps/thole.png", "", True)),
        ("[![map](m.png)](mill.md)", ("mill.md", "", False)),
        ("[a [small] mill](mill.md)", ("mill.md", "", False)),
        ("---\nplace: '[[Thole]]'\n---\n", ("Thole", "", False)),
    ],
)
def test_one_link(text: str, found: tuple[str, str, bool]) -> None:
    assert targets(text) == [found]


@pytest.mark.parametrize(
    "text",
    [
        "[web](https://example.org/a.md)",
        "[mail](mailto:osric@example.org)",
        "[share](//host/a.md)",
        "[share](\\\\host\\a.md)",
        "`[[code]]` and ``[x](y.md)``",
        "```\n[[code]]\n```",
        "<!-- [[gone]] -->",
        "words <!-- [[gone]] --> words",
        "<pre>\n[[code]]\n</pre>",
        "\\[[escaped]]",
        "[[]] [] [x] [x]() (y.md) [x] (y.md)",
        "[a two\nline](mill.md",
    ],
)
def test_what_is_no_link(text: str) -> None:
    assert targets(text) == []


def test_links_stand_where_they_say() -> None:
    text = "A [[Mill]], `[[x]]`, ![[Map.png]] <!-- [[y]] --> and [Osric](people/osric.md).\n"
    found = links_of(text, "a.md").targets
    assert [text[link.start : link.end] for link in found] == ["[[Mill]]", "![[Map.png]]", "[Osric](people/osric.md)"]
    assert found[0] == Link("Mill", "", 2, 10, embed=False)


def test_what_a_note_is_called() -> None:
    head = "---\ntitle: The Old Mill\naliases: [Mill, Osric's mill]\nalias: Wheelhouse\n---\n"
    text = head + "# **The Old Mill**\n## Cellar\n"
    links = links_of(text, "places/old_mill.md")
    assert links.titles == ("old_mill", "The Old Mill", "Cellar")
    assert links.aliases == ("Mill", "Osric's mill", "Wheelhouse")


@pytest.mark.parametrize(("name", "title"), [("a/b/Thole.v2.md", "Thole.v2"), ("README", "README"), ("x.pdf", "x")])
def test_the_files_name_is_its_first_title(name: str, title: str) -> None:
    assert links_of("", name).titles == (title,)


@given(st.text(alphabet="[]()!#|`\\<>-ab \n", max_size=80))
def test_any_text_is_read_and_links_do_not_overlap(text: str) -> None:
    found = links_of(text, "a.md").targets
    at = 0
    for link in found:
        assert at <= link.start < link.end <= len(text)
        at = link.end


@pytest.mark.parametrize("bad", ["[", "[[", "![", "[](", "[a](", "`", "<!--", "[[a", "[a](b", "(", "[x](<", "``a"])
def test_time_is_linear_whatever_stands_there(bad: str) -> None:
    text = bad * (400_000 // len(bad))
    begun = time.perf_counter()
    links_of(text, "a.md")
    assert time.perf_counter() - begun < 5.0
