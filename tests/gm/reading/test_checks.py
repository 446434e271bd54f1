from __future__ import annotations

import time

import pytest

from fablewright.gm.reading.checks import FoundCheck, find_checks
from fablewright.gm.reading.sentences import sentences


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
        ("A DC 15 Dex save.", "Dexterity saving throw", 15),
        ("dc 15 dex save", "Dexterity saving throw", 15),
        ("A WIS check (DC 10) or none.", "Wisdom", 10),
        ("DC 11 Str (Athletics)", "Strength (Athletics)", 11),
        ("It opens at a DC of 12 (Thieves' Tools).", "Thieves' Tools", 12),
        ("A DC 14 Smith’s Tools check mends it.", "Smith’s Tools", 14),
        ("Dexterity (Thieves' Tools) DC 13", "Dexterity (Thieves' Tools)", 13),
        ("Make a DC 12 check of Strength (Athletics).", "Strength (Athletics)", 12),
        ("Make a DC 12 check using a herbalism kit.", "herbalism kit", 12),
        ("The DC for the Wisdom check is 15.", "Wisdom", 15),
        ("The DC of this Dexterity saving throw is 9.", "Dexterity saving throw", 9),
        ("A DC 12 Athletics or Acrobatics check.", "Athletics or Acrobatics", 12),
        ("Strength (Athletics) or Dexterity (Acrobatics), DC 8.", "Strength (Athletics) or Dexterity (Acrobatics)", 8),
        ("Deception vs. Insight DC 11 convinces him.", "Deception against Insight", 11),
        ("Stealth against their passive Perception (DC 12).", "Stealth against passive Perception", 12),
    ],
)
def test_the_many_ways_to_call_for_a_check(text: str, skill: str, dc: int) -> None:
    [found] = checks(text)
    assert (found.skill, found.dc) == (skill, dc)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Perception is key.",
        "The DC is unknown.",
        "Room 13, Strength 15.",
        "DC 99 Strength check",
        "AC 15, Strength 12",
        "passive Perception 12",
        "passive Perception DC 12 sees it",
        "the DC 12 con artist",
        "His spell save DC is 13, Wisdom 15.",
        "DC 1234 Strength check",
    ],
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


@pytest.mark.parametrize(
    ("text", "success", "failure"),
    [
        (
            "They must make a DC 12 Con save or take 7 poison damage, or half as much on a success.",
            "half as much",
            "take 7 poison damage",
        ),
        (
            "A DC 12 Dexterity save, taking 10 (3d6) damage on a failed save, or half as much on a successful one.",
            "half as much",
            "taking 10 (3d6) damage",
        ),
        ("Persuasion DC 12: if the check succeeds: he talks.", "he talks", ""),
        ("Persuasion DC 12. If it is a success, he talks. If they don't succeed, he leaves.", "he talks", "he leaves"),
        ("Arcana DC 12. Success: the rune fades. Failure: it burns.", "the rune fades", "it burns"),
        ("A successful DC 12 Perception check reveals the trap.", "reveals the trap", ""),
        ("If they fail a DC 12 Stealth check, the dog barks.", "", "the dog barks"),
        ("Stealth DC 12: half the loot on a success, or none on a failure.", "half the loot", "none"),
        ("A DC 12 Athletics check decides the success of the heist.", "", ""),
    ],
)
def test_each_side_is_told_before_or_after_its_mark(text: str, success: str, failure: str) -> None:
    [found] = checks(text)
    assert (found.success, found.failure) == (success, failure)


def test_of_two_checks_in_a_sentence_each_has_its_own_part() -> None:
    first, second = checks(
        "A DC 10 Arcana check reads the rune, and a DC 12 History check names its maker; on a failure it burns. "
        "On a success, he talks."
    )
    assert (first.purpose, first.success, first.failure) == ("A DC 10 Arcana check reads the rune", "", "")
    assert second.purpose == "a DC 12 History check names its maker"
    assert (second.success, second.failure, second.used) == ("he talks", "it burns", (0, 1))


def test_a_sentence_calls_for_a_few_checks_only() -> None:
    assert len(checks("A DC 12 Wisdom check, " * 1000)) == 4


@pytest.mark.benchmark
@pytest.mark.parametrize(
    "piece",
    """must or DC 12 Wisdom save|DC 12 Wisdom save or take|DC 15 Wisdom.|must|Strength or|Strength (|DC 12 Strength or|
    on a success|on a failure, or|if a|if it fails and|thieves' |DC of|DC 1|1|,|(|on a|A. DC 12 Wisdom, on a success,|
    Str|passive Perception against|Animal""".split("|"),
)
def test_time_is_linear(piece: str) -> None:
    def seconds(length: int) -> float:
        run = [((piece.strip() + " ") * length)[:length]]
        run += sentences(run[0])
        best = 9e9
        for _ in range(5):
            start = time.perf_counter()
            find_checks(run, together=[0] * len(run))
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(100_000) <= 2.6 * seconds(50_000) + 0.01
