"""Lines and veils are read from the table's own sheet, and kept by word, not by chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.limits import Limits, limits_of

SHEET = """# Safety sheet

## Lines (never)

- Spiders or any kind of snake (Jo). Use something else.
- Cruelty to animals

## Veils

- Burning people alive
"""


def read(text: str, name: str = "Safety.md") -> Limits:
    return limits_of(passages_of(name, text))


def test_entries_are_read_with_their_kind_and_place() -> None:
    limits = read(SHEET)
    assert [(limit.kind, limit.title) for limit in limits.every] == [
        ("line", "Lines (never)"),
        ("line", "Lines (never)"),
        ("veil", "Veils"),
    ]
    assert all(limit.passage.file == "Safety.md" and limit.said in SHEET for limit in limits.every)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A swarm of spiders falls from the beams.", "line"),
        ("A serpent sleeps on the coins.", "line"),
        ("He beats the horse until it falls.", "line"),
        ("They burned him alive in the barn.", "veil"),
        ("Only she made it out; the others died in the fire.", "veil"),
    ],
)
def test_what_crosses_a_limit_is_seen(text: str, kind: str) -> None:
    limit = read(SHEET).crossed_by(text)
    assert limit is not None
    assert limit.kind == kind


@pytest.mark.parametrize(
    "text",
    ["The horse is tired.", "The barn burned down.", "The challenge rating is 2.", "Use something else.", "Jo waits."],
)
def test_what_only_sounds_like_it_does_not(text: str) -> None:
    assert read(SHEET).crossed_by(text) is None


def test_a_label_will_do_for_a_heading() -> None:
    inline = read("# House rules\n\nLines: gore, drowning\n\nVeils: torture")
    assert inline.crossed_by("They drown in the flood.") is not None
    assert inline.crossed_by("The gory scene.") is not None
    limit = inline.crossed_by("He was tortured.")
    assert limit is not None
    assert limit.kind == "veil"
    listed = read("# Session zero\n\n**Lines:**\n\n- Needles\n\n**Veils:**\n\n- Torture")
    assert [limit.kind for limit in listed.every] == ["line", "veil"]


def test_a_guide_and_an_example_are_nobodys_limits() -> None:
    assert not read(SHEET, "gm_guide/Safety.md").every
    assert not read("# Safety\n\nFor example:\n\n**Lines:**\n\n- Gore").every


def test_a_request_touches_a_limit_by_its_first_word() -> None:
    limit = read(SHEET).asked_for_by("The spider queen comes down.")
    assert limit is not None
    assert read(SHEET).asked_for_by("They reach the inn.") is None


@given(st.text(max_size=300))
def test_nothing_breaks_it(text: str) -> None:
    for limit in read(f"# Lines\n\n{text}\n\n- {text}").every:
        assert limit.ways
        limit.crossed_by(text)
