from __future__ import annotations

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.rules.difficulty_class import DIFFICULTY_CLASSES, dc


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("very easy", 5),
        ("easy", 10),
        ("Medium", 15),
        (" hard ", 20),
        ("very-hard", 25),
        ("nearly_impossible", 30),
    ],
)
def test_words_have_their_number(word: str, number: int) -> None:
    assert dc(word) == number


def test_there_are_six_steps_of_five() -> None:
    assert list(DIFFICULTY_CLASSES.values()) == [5, 10, 15, 20, 25, 30]


def test_another_word_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(InvalidInput, match="'tricky': say very easy, easy, medium"):
        dc("tricky")
