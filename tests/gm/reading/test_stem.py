from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.stem import stem


@pytest.mark.parametrize(
    ("one", "other"),
    [("guards", "guard"), ("bodies", "body"), ("robbed", "robs"), ("hidden", "hidden"), ("Pru’s", "pru")],
)
def test_plural_tense_and_possession_make_no_difference(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@given(st.text(max_size=30))
def test_something_is_left_of_any_word_and_capitals_do_not_matter(word: str) -> None:
    plain = word.lower().replace("’", "'").removesuffix("'s")
    assert plain.startswith(stem(word))
    assert bool(stem(word)) == bool(plain)
