"""Words about the scene that one has."""

from __future__ import annotations

import pytest

from fablewright.gm.follow_up import direction_in


@pytest.mark.parametrize(
    ("words", "direction"),
    [
        ("make it harder", "harder"),
        ("Make the fight a bit easier, please.", "easier"),
        ("can you make this encounter more deadly?", "harder"),
        ("harder!", "harder"),
        ("a little easier", "easier"),
        ("this is far too easy", "harder"),
        ("That's too hard", "easier"),
        ("too deadly", "easier"),
        ("too weak", "harder"),
        ("make it less dangerous", "easier"),
    ],
)
def test_which_way(words: str, direction: str) -> None:
    assert direction_in(words) == direction


@pytest.mark.parametrize(
    "words",
    [
        "a harder fight with goblins",
        "make it rain",
        "is it too hard to climb the wall?",
        "how do I make a fight harder?",
        "the easier way down",
        "hard",
        "",
        "make it harder for the players to find the key",
    ],
)
def test_other_words_mean_something_else(words: str) -> None:
    assert direction_in(words) is None
