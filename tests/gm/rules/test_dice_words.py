from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.dice import parse
from fablewright.gm.rules.dice_words import dice_in


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        ("roll a d20 with advantage", "2d20kh1"),
        ("d20 with disadvantage", "2d20kl1"),
        ("d20+5 with advantage", "2d20kh1+5"),
        ("roll with advantage", "2d20kh1"),
        ("1d20+5 to hit", "1d20+5"),
        ("1d20 + 5 to hit the ogre", "1d20+5"),
        ("1d8 plus 3 slashing damage to the ogre", "1d8+3"),
        ("4d6 drop lowest", "4d6dl1"),
        ("roll 4d6, drop the lowest", "4d6dl1"),
        ("4d6 keep highest 3", "4d6kh3"),
        ("4d6 keep the best three", "4d6kh3"),
        ("roll 2d20 and keep the lower", "2d20kl1"),
        ("roll initiative", "1d20"),
        ("roll for initiative +3", "1d20+3"),
        ("Roll stealth +7 with advantage", "2d20kh1+7"),
        ("roll a Dexterity save for the goblins", "1d20"),
        ("roll two d20s", "2d20"),
        ("roll a 20-sided die", "1d20"),
        ("roll percentile dice", "1d100"),
        ("roll 10d6 and 2d4", "10d6+2d4"),
        ("roll 8d6 fireball", "8d6"),
        ("8d6 fire damage", "8d6"),
        ("Roll 2d6 + 3!", "2d6+3"),
        ("2d6!", "2d6!"),
        ("roll 3x 2d6+1", "3x 2d6+1"),
        ("(2d6+3)*2", "(2d6+3)*2"),
        ("roll 8d6ro<3", "8d6ro<3"),
        ("5d10>=8", "5d10>=8"),
        ("4dF+2", "4dF+2"),
        ("roll 4d6 drop lowest six times", "6x 4d6dl1"),
        ("roll a d20 twice", "2x 1d20"),
        ("do they come back three times", None),
        ("2+2", "4"),
        ("what's 2 + 2?", "4"),
        ("please roll with it", None),
        ("roll 2d20, drop the highest", "2d20dh1"),
        ("roll on the wild magic table", None),
        ("2d4 wolves ambush the party", None),
        ("2d6 goblins attack", None),
        ("attack with advantage", None),
        ("Disadvantage: what does it mean?", None),
        ("the roll of thunder", None),
        ("17", None),
        ("3 goblins", None),
        ("roll up a new character", None),
        ("", None),
    ],
)
def test_dice_in_plain_words(words: str, expression: str | None) -> None:
    found = dice_in(words)
    if expression is None or found is None:
        assert found == expression
    else:
        parsed = parse(found)
        assert (str(parsed) == expression) or (parsed.minimum == parsed.maximum == int(expression))


def test_what_is_wrong_stays_as_it_is() -> None:
    assert dice_in("roll 2d0") == "2d0"
    assert dice_in("roll adv+5") == "adv+5"
    with pytest.raises(InvalidInput, match="too early"):
        parse(dice_in("roll 1d20+") or "")


@given(st.text(alphabet="0123456789d+-x *khl!,%rolavspe", max_size=60))
def test_any_text_is_dice_or_not(words: str) -> None:
    found = dice_in(words)
    assert found is None or found
