from __future__ import annotations

from dataclasses import replace

from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.notes import Passage

MILL = Passage("The mill grinds.", "mill.md", ("The Mill",), 10, 26, 0.5)


def test_a_passage_is_read_once_in_whatever_search_it_is_found() -> None:
    read: list[str] = []
    words = kept(lambda passage: read.append(passage.text) or passage.text.split())
    assert words(MILL) is words(replace(MILL, score=0.1)) == ["The", "mill", "grinds."]
    assert read == [MILL.text]


def test_another_text_file_heading_or_header_is_another_passage() -> None:
    places = kept(lambda passage: (passage.text, passage.place, passage.table_header))
    others = [MILL, replace(MILL, text="It burns."), replace(MILL, file="b.md"), replace(MILL, heading=())]
    others.append(replace(MILL, table_header="| a |"))
    assert [places(each) for each in others] == [(p.text, p.place, p.table_header) for p in others]


def test_what_is_read_knows_neither_place_nor_score() -> None:
    assert kept(lambda passage: (passage.start, passage.score))(MILL) == (0, 0.0)


def test_what_was_not_used_for_longest_goes_first() -> None:
    read: list[str] = []
    note = kept(lambda passage: read.append(passage.file), most=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        note(replace(MILL, file=name))
    assert read == ["a", "b", "c", "b"]
