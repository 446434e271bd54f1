from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.scene.proper_name import ProperName, proper_names


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("They start up the hill to the Lonely Torch. Give me the scene", ["the Lonely Torch"]),
        ("Captain Mara leads them to the Lonely Torch", ["Captain Mara", "the Lonely Torch"]),
        ("Meet Captain Mara at the Keep of the Nine Bells!", ["Captain Mara", "the Keep of the Nine Bells"]),
        ("The Lonely Torch burns, and Captain Mara's ship is gone", ["the Lonely Torch", "Captain Mara"]),
        ("a scene for O\u2019Brien\u2019s Rest", ["O\u2019Brien\u2019s Rest"]),
        ("we meet \u0160\u00e1rka Nov\u00e1kov\u00e1 there", ["\u0160\u00e1rka Nov\u00e1kov\u00e1"]),
        ("to the Lonely Torch and back to the Lonely Torch", ["the Lonely Torch"]),
        ("an ambush near Bree", ["Bree"]),
        ("The Lonely Torch", ["the Lonely Torch"]),
    ],
)
def test_names_are_found_as_they_are_written(words: str, names: list[str]) -> None:
    assert [name.text for name in proper_names(words)] == names


@pytest.mark.parametrize(
    "words",
    [
        *("", "Give me a scene", "generate scenario for the first encounter", "GIVE ME A SCENE AT THE INN"),
        *("Generate Scenario For The First Encounter", "a Goblin attacks", "the Dragon wakes", "the party meets Lady"),
        *("Mara Voss waits", "Scenario for the First Encounter", "for Friday, please", "X " * 50),
    ],
)
def test_what_may_be_no_name_is_left_alone(words: str) -> None:
    assert proper_names(words) == ()


def test_a_word_of_the_trade_makes_no_name_by_itself() -> None:
    assert proper_names("an ambush in Old Forest", {"old", "forest"}) == ()


def test_only_two_words_are_sure() -> None:
    assert proper_names("from Bree to the Lonely Torch") == (
        ProperName("Bree", sure=False),
        ProperName("the Lonely Torch", sure=True),
    )


@given(st.text(alphabet="ABab of the'\u2019-,.{}\n\t", max_size=200))
def test_a_name_is_made_of_words_only(words: str) -> None:
    for name in proper_names(words):
        assert name.text == " ".join(name.text.split())
        assert not set(name.text) & set("{},.")
