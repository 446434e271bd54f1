from __future__ import annotations

import pytest

from fablewright.gm.rules.count import Count, count_after, count_before
from fablewright.gm.rules.word import read_words


def before(text: str) -> Count | None:
    """The count before the last word of a text."""
    words = read_words(text).words
    return count_before(words, len(words) - 1, 0)


@pytest.mark.parametrize(
    ("text", "number", "written"),
    [
        ("Six wolves", 6, "Six"),
        ("twenty wolves", 20, "twenty"),
        ("twenty-five wolves", 25, "twenty-five"),
        ("12 wolves", 12, "12"),
        ("4x wolves", 4, "4x"),
        ("4 × wolves", 4, "4 ×"),
        ("2d4 wolves", 5, "2d4"),
        ("d4 wolves", 2, "d4"),
        ("1d6 + 2 wolves", 5, "1d6 + 2"),
        ("2-4 wolves", 3, "2-4"),
        ("2 – 5 wolves", 3, "2 – 5"),
        ("two or three wolves", 2, "two or three"),
        ("two to six wolves", 4, "two to six"),
        ("a wolf", 1, "a"),
        ("another wolf", 1, "another"),
        ("a dozen wolves", 12, "a dozen"),
        ("half a dozen wolves", 6, "half a dozen"),
        ("two dozen wolves", 24, "two dozen"),
        ("a pair of wolves", 2, "a pair of"),
        ("a couple of very hungry wolves", 2, "a couple of"),
        ("four Night Blade bandits", 4, "four"),
        ("another twelve conscripted guards", 12, "twelve"),
        ("the two remaining wolves", 2, "two"),
        ("six of the seven wolves", 7, "seven"),
        ("three ravenous wolves", 3, "three"),
    ],
)
def test_counts(text: str, number: int, written: str) -> None:
    count = before(text)
    assert count is not None
    assert (count.number, text[count.start : count.end]) == (number, written)


@pytest.mark.parametrize(
    "text",
    [
        "wolves",
        "the wolves",
        "some wolves",
        "one of the wolves",
        "a pack of wolves",
        "five rooms where wolves",
        "five rooms full wolves",
        "three men fear wolves",
        "DC 15 wolves",
        "level 2 wolves",
        "10 feet away wolves",
        "four very old and tired wolves",
        "four aa bb cc dd wolves",
        "four. Wolves",
        "four, wolves",
        "four\n\nwolves",
        "0 wolves",
        "4-2 wolves",
        "0d6 wolves",
        "9999d9 wolves",
    ],
)
def test_no_counts(text: str) -> None:
    assert before(text) is None


def test_a_count_behind_the_floor_belongs_to_something_else() -> None:
    words = read_words("six bandits wolves").words
    assert count_before(words, 2, 2) is None
    assert count_before(words, 1, 0) is not None


def test_a_simile_counts_nothing() -> None:
    count = before("hungry as a wolf")
    assert count is not None
    assert count.simile
    plain = before("saw a wolf")
    assert plain is not None
    assert not plain.simile


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Wolf (6)", 6),
        ("Wolf (six)", 6),
        ("Wolf ( 12 )", 12),
        ("Wolf x3", 3),
        ("Wolf ×3", 3),
        ("Wolf", None),
        ("Wolf (6 feet)", None),
        ("Wolf (old)", None),
        ("Wolf (0)", None),
        ("Wolf. (6)", None),
    ],
)
def test_counts_after_the_name(text: str, number: int | None) -> None:
    count = count_after(read_words(text).plain, len("Wolf"))
    assert (count.number if count else None) == number
