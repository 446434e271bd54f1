from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.rules.word import read_words


def shape(text: str) -> list[tuple[str, str]]:
    return [(word.text, word.kind) for word in read_words(text).words]


def test_words_numbers_dice_and_ranges() -> None:
    assert shape("Six wolves, 2d4+1 or 2–4 more; 12 Will-o’-Wisps") == [
        ("six", "word"),
        ("wolves", "word"),
        ("2d4+1", "dice"),
        ("or", "word"),
        ("2–4", "range"),
        ("more", "word"),
        ("12", "number"),
        ("will-o'-wisps", "word"),
    ]


@pytest.mark.parametrize("text", ["+5", "$5", "3.5", "1,000", "12th", "4x2", "v2d4x", "#4"])
def test_what_is_no_count_is_no_number(text: str) -> None:
    assert not [kind for word, kind in shape(text) if kind != "word" and word in {"5", "3", "1", "12", "4", "000"}]


@pytest.mark.parametrize(
    "text",
    [
        'four <span class="x">bandits</span>',
        "four **bandits**",
        "four _bandits_",
        "four [bandits](goblins.md)",
        "four [[bandits]]",
        "four <!-- goblins --> bandits",
        "> four\n> bandits",
        "`four` bandits",
    ],
)
def test_markup_is_transparent(text: str) -> None:
    words = read_words(text).words
    assert [word.text for word in words] == ["four", "bandits"]
    assert words[1].joined
    assert text[words[1].start : words[1].end] == "bandits"


@pytest.mark.parametrize(
    "text", ["four. bandits", "four, bandits", "four\n\nbandits", "four (bandits", "four - bandits"]
)
def test_punctuation_and_paragraphs_part_words(text: str) -> None:
    assert not read_words(text).words[1].joined


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        ("one two", False),
        ("one, two", False),
        ("one (two", False),
        ("one\ntwo", False),
        ("one. two", True),
        ("one: two", True),
        ("one | two", True),
        ("one\n\ntwo", True),
        ("one\n  \ntwo", True),
        ("one\n- two", True),
        ("one\n# two", True),
    ],
)
def test_what_opens_a_sentence(text: str, opens: bool) -> None:
    first, second = read_words(text).words
    assert first.opens
    assert second.opens is opens


def test_a_marked_creature_knows_how_far_the_mark_goes() -> None:
    text = '<span class="monster monster-X">commoner mob</span> of'
    first, second, third = read_words(text).words
    assert text[first.start : first.marked] == "commoner mob"
    assert (second.marked, third.marked) == (0, 0)


def test_an_unclosed_comment_hides_nothing() -> None:
    assert shape("<!-- a") == [("a", "word")]


@given(st.text(max_size=200))
def test_places_are_those_of_the_text(text: str) -> None:
    read = read_words(text)
    assert len(read.plain) == len(text)
    end = 0
    for word in read.words:
        assert end <= word.start < word.end
        end = word.end
        if word.kind == "word":
            assert text[word.start : word.end].casefold().replace("’", "'") == word.text
