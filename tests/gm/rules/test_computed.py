from __future__ import annotations

import pytest

from fablewright.gm.rules.computed import computed_rules
from fablewright.gm.rules.party import parse_party


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("What DC is hard?", "Typical DCs (SRD 5.2.1): hard 20."),
        ("what is a very hard DC", "Typical DCs (SRD 5.2.1): very hard 25."),
        ("How many XP is CR 1/4?", "One creature of CR 1/4 is worth 50 XP."),
        ("xp of challenge rating 21", "One creature of CR 21 is worth 33,000 XP."),
        ("What is our XP budget?", "400 low / 600 moderate / 800 high; a budget is a ceiling."),
        ("the adventuring day", "no XP budget for a day"),
        ("what are the multipliers", "1 × 1, 2 × 1.5, 3 × 2, 7 × 2.5, 11 × 3, 15 × 4; 2024: they are not"),
    ],
)
def test_what_can_be_worked_out(words: str, said: str) -> None:
    assert any(said in text for text in computed_rules(words, parse_party("4x2"), "2024"))


@pytest.mark.parametrize("words", ["How does grappling work?", "What does a longsword cost?", "cr 99", ""])
def test_what_cannot_is_left_to_the_books(words: str) -> None:
    assert computed_rules(words, parse_party("4x2"), "2024") == ()


def test_all_dcs_where_none_is_named() -> None:
    (text,) = computed_rules("which DC should I set?", parse_party("4x2"), "2024")
    assert "very easy 5, easy 10, medium 15, hard 20, very hard 25, nearly impossible 30" in text
