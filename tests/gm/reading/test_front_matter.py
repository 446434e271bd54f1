from __future__ import annotations

import time

import pytest

from fablewright.gm.reading.front_matter import front_matter


def test_the_forms_that_note_programs_write() -> None:
    head = (
        "---\n"
        'title: "The Mill: a \\"quiet\\" place"\n'
        "Aliases: [Old Mill, 'Osric''s mill', \"Mill, the\"]\n"
        "tags:\n  - place\n  - 'gm-only' # not for players\n"
        "empty:\n"
        "place: [[Thole]]\n"
        "rank: 3 # of five\n"
        "---\nBody: no key\n"
    )
    assert front_matter(head) == {
        "title": ('The Mill: a "quiet" place',),
        "aliases": ("Old Mill", "Osric's mill", "Mill, the"),
        "tags": ("place", "gm-only"),
        "empty": (),
        "place": ("[[Thole]]",),
        "rank": ("3",),
    }


@pytest.mark.parametrize(
    "text", ["", "title: x\n", "---\ntitle: never closed\n", "# Head\n---\ntitle: x\n---\n", "----\na: b\n---\n"]
)
def test_what_is_no_front_matter(text: str) -> None:
    assert front_matter(text) == {}


@pytest.mark.parametrize("mark", ["\ufeff", ""])
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_line_ends_and_a_byte_order_mark(mark: str, end: str) -> None:
    assert front_matter(mark + end.join(("---", "alias: Wren", "...", "text"))) == {"alias": ("Wren",)}


def test_anchors_cannot_make_a_small_head_large() -> None:
    bomb = "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n"
    assert front_matter(bomb) == {"a": (), "b": (), "c": ()}


@pytest.mark.parametrize("bad", ['"' * 20_000, "[" * 20_000, "a: " + '["' * 6_000 + "]", "- " * 9_000, "'" * 19_999])
def test_time_is_short_whatever_stands_there(bad: str) -> None:
    begun = time.perf_counter()
    front_matter(f"---\nk: {bad}\n---\n")
    front_matter(f"---\n{bad}\n---\n")
    assert time.perf_counter() - begun < 1.0
