from __future__ import annotations

import pytest

from fablewright.gm.checks import FoundCheck, find_checks
from fablewright.gm.statements import sentences


def checks(text: str) -> list[FoundCheck]:
    run = sentences(text)
    return find_checks(run, together=[0] * len(run))


@pytest.mark.parametrize(
    ("text", "skill", "dc"),
    [
        ("They make a DC 12 Wisdom (Medicine) check.", "Wisdom (Medicine)", 12),
        ("Wisdom (Perception) DC 13, on the stairs.", "Wisdom (Perception)", 13),
        ("A Wisdom (Perception) check (DC 15) finds it.", "Wisdom (Perception)", 15),
        ("Stealth check against DC 11.", "Stealth", 11),
        ("A DC 14 Dexterity save halves it.", "Dexterity saving throw", 14),
        ("They must succeed on a DC 13 Constitution saving throw.", "Constitution saving throw", 13),
        ("A DC 12 group Dexterity (Stealth) check will do.", "Dexterity (Stealth), group check", 12),
        ("DC 10 Charisma (Persuasion or Intimidation) check", "Charisma (Persuasion or Intimidation)", 10),
        ("Make a DC 15 Strength check.", "Strength", 15),
        ("An Athletics check, DC of 9, will do.", "Athletics", 9),
    ],
)
def test_the_many_ways_to_call_for_a_check(text: str, skill: str, dc: int) -> None:
    [found] = checks(text)
    assert (found.skill, found.dc) == (skill, dc)


@pytest.mark.parametrize(
    "text", ["", "Perception is key.", "The DC is unknown.", "Room 13, Strength 15.", "DC 99 Strength check"]
)
def test_what_is_no_check(text: str) -> None:
    assert checks(text) == []


def test_success_and_failure_in_the_sentence() -> None:
    [found] = checks(
        "Wisdom (Perception) DC 13, on the Stairs: on a success they see her; on a failure she springs out."
    )
    assert (found.purpose, found.success, found.failure) == (
        "Wisdom (Perception) DC 13, on the Stairs",
        "they see her",
        "she springs out",
    )


def test_success_and_failure_in_the_sentences_after_it() -> None:
    [found] = checks(
        "They attempt a DC 12 Medicine check. It takes a minute. On a success, he wakes. On a failure, he sleeps on."
    )
    assert (found.success, found.failure, found.used) == ("he wakes", "he sleeps on", (0, 2, 3))


def test_what_a_failed_save_does() -> None:
    [found] = checks("Any creature must succeed on a DC 13 Constitution saving throw or take 7 (2d6) poison damage.")
    assert found.failure == "take 7 (2d6) poison damage"


def test_an_outcome_belongs_to_the_nearest_check_before_it() -> None:
    first, second = checks("A DC 10 Arcana check helps. A DC 12 History check helps more. On a success, all is clear.")
    assert (first.success, second.success) == ("", "all is clear")
