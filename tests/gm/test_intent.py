from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.intent import dice_in, difficulty_in, intent_of, party_in

if TYPE_CHECKING:
    from fablewright.gm.answer import Want


@pytest.mark.parametrize(
    ("words", "want"),
    [
        ("generate scenario for the first encounter", "scene"),
        ("They start up the hill to the tower. Give me the scene", "scene"),
        ("The party enters the broken hall", "scene"),
        ("What happens when they open the crypt?", "scene"),
        ("Describe the inn", "scene"),
        ("Who owns the inn?", "question"),
        ("what is plate armor worth", "question"),
        ("Grappled: what does it do, and how does someone get out?", "question"),
        ("How hard is the throne room fight for my table?", "encounter"),
        ("Build me a moderate fight in a flooded crypt", "encounter"),
        ("make a hard encounter with undead", "encounter"),
        ("How hard is the first encounter?", "encounter"),
        ("roll 2d6+3", "dice"),
        ("2d20kh1", "dice"),
        ("roll 2d0", "dice"),
        ("2d0", "dice"),
        ("d20 + 5", "dice"),
        ("4d6kh3", "dice"),
        ("adv+5", "dice"),
        ("Dis the guards", "scene"),
        ("status", "status"),
        ("are you up?", "status"),
    ],
)
def test_what_is_wanted(words: str, want: Want) -> None:
    assert intent_of(words) == want


@given(st.text(max_size=200))
def test_every_text_wants_something(words: str) -> None:
    assert intent_of(words) in {"scene", "question", "encounter", "dice", "status"}


def test_dice_right_or_wrong() -> None:
    assert dice_in("roll 2d0") == "2d0"
    assert dice_in("please roll with it") is None
    assert dice_in("17") is None
    assert dice_in("roll adv+5") == "adv+5"


@pytest.mark.parametrize(
    ("words", "difficulty"),
    [("a hard fight", "high"), ("moderate", "moderate"), ("a fight", "moderate"), ("easy", "low")],
)
def test_difficulty(words: str, difficulty: str) -> None:
    assert difficulty_in(words) == difficulty


def test_the_party_in_the_words() -> None:
    assert str(party_in("for five level 3 characters")) == "5x3"
    assert str(party_in("two 4th-level heroes and 1 level-6 cleric")) == "1x6,2x4"
    assert party_in("for my party") is None
    with pytest.raises(InvalidInput):
        party_in("4 level 99 characters")
