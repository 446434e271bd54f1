from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.stem import stem
from fablewright.gm.scene.telling import telling


@pytest.mark.parametrize("words", ["next scene", "They look around", "", "go on", "The party enters"])
def test_what_is_so_of_every_scene_tells_nothing(words: str) -> None:
    assert telling(words).words == frozenset()


def test_a_name_tells_most() -> None:
    assert telling("They meet Long John Silver in Bristol").names == (
        frozenset(map(stem, ("john", "silver"))),
        frozenset({stem("bristol")}),
    )
    assert not telling("They ride to Castle Ravenloft").covered_by("The castle stands in the rain.")
    assert telling("They ride to Castle Ravenloft").covered_by("Ravenloft")
    assert telling("They ride to the Lonley Torch").covered_by("The Lonely Torch")


def test_a_word_of_like_meaning_covers_the_only_word() -> None:
    assert telling("they enter the tavern").covered_by("The inn has a good fire.")
    assert not telling("dragon attack").covered_by("The first encounter.")


@given(st.text(max_size=100))
def test_any_text_is_covered_by_itself_or_tells_nothing(text: str) -> None:
    told = telling(text)
    assert not told.words or told.names or told.covered_by(text)
