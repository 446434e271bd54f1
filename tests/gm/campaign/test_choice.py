from __future__ import annotations

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.campaign.choice import check_of, named_in, option_meant, play_out
from fablewright.gm.campaign.events import Fact
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene


def line(text: str, *, secret: bool = False) -> Line:
    return Line(text, Origin.QUOTED, (0,), secret)


SNEAK = Check(
    "Dexterity (Stealth)", 12, line("past the dog"), line("it sleeps on"), line("it barks"), Origin.FROM_NOTES
)
LISTEN = Check("Wisdom (Perception)", 12, line("at the door"), line("a clink"), None, Origin.FROM_NOTES)
SCENE = Scene(
    title=line("The Yard"),
    checks=(SNEAK, LISTEN),
    foes=(
        Foe("Spy", 1, 1.0, 200, "Fenwick Tull, Dab and Mabb Crake; wants the tin", Origin.QUOTED),
        Foe("Ogre", 1, 2.0, 450, "Secret Sam", Origin.QUOTED, secret=True),
    ),
    options=(
        Option(line("Give the dog the bone."), line("It follows whoever gave it.")),
        Option(line("Sneak: past the dog (Dexterity (Stealth), DC 12)"), line("it sleeps on")),
        Option(line("Look and listen: at the door (Wisdom (Perception), DC 12)"), line("a clink")),
        Option(line("Bribe the watch.", secret=True)),
    ),
)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("2", 2),
        ("option 3", 3),
        ("#1", 1),
        ("the second one", 2),
        ("three", 3),
        ("the bone", 1),
        ("listen at the door", 3),
        ("bribing the watch", 4),
    ],
)
def test_which_option_is_meant(words: str, number: int) -> None:
    assert option_meant(words, SCENE) == number


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("0", "no option 0"),
        ("5", "no option 5"),
        ("the dog", "Several options"),
        ("the moon", "No option"),
        ("", "No op"),
    ],
)
def test_what_is_not_clear_is_said_with_the_options(words: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        option_meant(words, SCENE)
    assert "1. Give the dog the bone." in str(caught.value)


def test_a_scene_without_options_says_so() -> None:
    with pytest.raises(InvalidInput, match="has no options"):
        option_meant("1", Scene(title=line("Empty")))


@pytest.mark.parametrize(("roll", "outcome", "became"), [(12, "success", "It sleeps on"), (11, "failure", "It barks")])
def test_a_roll_that_reaches_the_dc_succeeds(roll: int, outcome: str, became: str) -> None:
    choice = play_out(2, SCENE, roll)
    assert choice.check is SNEAK
    assert choice.outcome == outcome
    assert [each.text for each in choice.became] == [became]
    assert choice.fact == Fact(
        "chose",
        "Sneak: past the dog",
        became,
        "Dexterity (Stealth) DC 12",
        roll,
        outcome,  # type: ignore[arg-type]
    )


def test_what_the_scene_does_not_say_is_not_made_up() -> None:
    assert play_out(3, SCENE, 1).became == ()
    assert play_out(3, SCENE, 1).fact.detail == ""


def test_without_a_check_a_roll_means_nothing() -> None:
    assert check_of(SCENE.options[0], SCENE) is None
    assert play_out(1, SCENE, 20).fact == Fact("chose", "Give the dog the bone.", "It follows whoever gave it.")


def test_what_comes_of_a_secret_is_secret() -> None:
    assert play_out(4, SCENE, None).fact.secret


def test_who_is_named_among_the_foes_is_met_but_for_the_secret_ones() -> None:
    assert named_in(SCENE) == ("Fenwick Tull", "Dab", "Mabb Crake")
