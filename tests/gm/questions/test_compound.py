"""Questions are answered part by part, and what the notes do not say is said by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.questions.compound import Answered, answer_parts
from fablewright.gm.questions.sheet import MOST_CITED
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from fablewright.gm.reading.notes import Passage


def notes(**files: str) -> list[Passage]:
    return [passage for name, text in files.items() for passage in passages_of(f"{name}.md", text)]


PEOPLE = """# The Gilded Heron

Odette Marl owns the Gilded Heron. She leaves the daily work to Bram Oxley. The cellar floods every spring.

# Bram Oxley

Bram Oxley is a ferryman. He runs the bar with his wife Ysolde, and his sister, Wenna Oxley, keeps the books.

# Wenna Oxley

Wenna Oxley was robbed by Corin Vale at the ford.
"""
RULES = """# Rules glossary

## Dazed [Condition]

While you have the Dazed condition, you experience the following effects.

_Slow._ Your Speed is halved.

_Open._ Attack rolls against you have Advantage.

## Dazing

_Ending It._ A dazed creature can use its action to make a DC 12 Wisdom saving throw, ending the condition on a success.

## Overland

| Land | Pace | Food DC | Lost DC |
|---|---|---|---|
| Fen | Slow | 12 | 15 |
| Moor | Normal | 14 | 10 |
"""
HOUSE = """# House rules

## House rules

- Dazed: a slap from a friend ends it.
"""
ALL = notes(people=PEOPLE, rules=RULES, house=HOUSE)


def texts(answered: Answered) -> list[str]:
    return [line.text for line in answered.lines]


def test_both_parts_are_answered_and_the_second_by_its_pronoun() -> None:
    found = texts(answer_parts("Who owns the Gilded Heron, and who is his wife that runs the bar?", ALL))
    assert "Odette Marl owns the Gilded Heron." in found


def test_a_part_that_the_notes_do_not_answer_is_said_by_name() -> None:
    found = answer_parts("Who owns the Gilded Heron, and what is her favourite song?", ALL)
    assert texts(found) == ["Odette Marl owns the Gilded Heron."]
    assert found.unsaid == ("what is her favourite song",)


@pytest.mark.parametrize(
    "question",
    ["What is the name of Odette Marl's horse?", "How old is Bram Oxley?", "What colour is Wenna Oxley's hat?"],
)
def test_what_is_not_there_is_not_made_up(question: str) -> None:
    assert answer_parts(question, ALL).lines == ()


def test_a_condition_is_given_with_all_its_effects_and_the_way_out() -> None:
    found = " ".join(texts(answer_parts("Dazed: what does it do, and how do you get out?", ALL)))
    assert "Speed is halved" in found
    assert "Advantage" in found
    assert "DC 12 Wisdom saving throw" in found


def test_a_house_rule_goes_before_the_book() -> None:
    assert texts(answer_parts("Dazed: does a slap end it at our table?", ALL))[0] == (
        "Dazed: a slap from a friend ends it."
    )


def test_a_row_is_given_under_its_columns() -> None:
    found = answer_parts("They cross the fen. Pace, food, getting lost?", ALL)
    assert texts(found) == ["Fen: Pace Slow, Food DC 12, Lost DC 15"]
    assert found.lines[0].origin is Origin.FROM_NOTES


def test_somebody_meant_by_kin_is_looked_up_under_their_name() -> None:
    found = texts(answer_parts("Who robbed Bram's sister?", ALL))
    assert any("his sister, Wenna Oxley" in line for line in found)
    assert "Wenna Oxley was robbed by Corin Vale at the ford." in found


def test_nothing_found_answers_nothing() -> None:
    assert answer_parts("Who owns the inn, and who runs it?", []) == Answered(
        (), (), ("Who owns the inn", "who runs it")
    )


WORDS = st.sampled_from(
    "who what how owns runs Odette Bram Wenna the Heron dazed fen moor pace food cellar his her and , ? robbed".split()
)


@given(st.lists(WORDS, max_size=14).map(" ".join), st.permutations(ALL))
def test_every_line_stands_in_the_passage_that_it_points_to(question: str, passages: list[Passage]) -> None:
    found = answer_parts(question, passages)
    assert len(found.cited) <= MOST_CITED
    assert set(found.cited) <= set(ALL)
    for line in found.lines:
        [source] = line.sources
        passage = found.cited[source]
        above = passage.heading if line.origin is Origin.FROM_NOTES else ()  # a name from there for "he"
        there = set(re.findall(r"[^\W_]+", " ".join((passage.text, *above))))
        assert set(re.findall(r"[^\W_]+", line.text)) <= there


def test_what_leads_a_list_in_is_followed_by_it() -> None:
    """A first line of a list without the list, or a lead without its sentence, says nothing."""
    note = "# Ferry rules\n\nThe ferry stops for these:\n\n- Fog\n- A bell at night\n\nFares are the captain's.\n"
    answered = answer_parts("What stops the ferry?", passages_of("ferry.md", note))
    assert [line.text for line in answered.lines][:3] == ["The ferry stops for these:", "Fog", "A bell at night"]


@pytest.mark.parametrize("rest", ["He has 3 gp.", "He " + "grumbles and " * 20 + "leaves."])
def test_a_short_sentence_is_no_lead(rest: str) -> None:
    answered = answer_parts("Who owns the mill?", passages_of("mill.md", f"# The Mill\n\nHob owns the mill. {rest}\n"))
    assert [line.text for line in answered.lines] == ["Hob owns the mill."]


GEAR = """# Rules

## Fetters (2 GP)

As an action, you can put fetters on a creature that is held. A bound creature moves at half its Speed. Slipping out of
them takes a DC 18 Dexterity check. Bursting them takes a DC 24 Strength check. Each pair comes with a key, and whoever
has none may pick the lock with a DC 14 Dexterity check. A smith makes a pair in a day, and sells it to the watch, to
jailers and to whoever asks for it in a low voice on market days behind the fish hall, for more than it is worth.

## Lock (10 GP)

A lock comes with a key.

## Candour Syrup

_Ingested Poison_

Whoever drinks Candour Syrup must succeed on a DC 11 Constitution saving throw or be dazed. The drinker tells no lie.

## Fists

You may hit somebody with them. Choose one of these.

_Trip._ The target makes a Strength saving throw, or it falls down. The DC is 8 plus your bonus.

_Hold._ The target makes a Dexterity saving throw, or you hold it.
"""


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Odo is in fetters. Can he slip them, burst them, or pick the lock?", ["DC 18", "DC 24", "DC 14"]),
        ("They put Odo in fetters. What DC to get out?", ["DC 18"]),
        ("Some poor fellow has drunk candour syrup. Save and effect?", ["DC 11", "dazed", "no lie"]),
        ("How does tripping work? Pru wants to trip a bandit.", ["Strength saving throw", "8 plus"]),
    ],
)
def test_what_is_told_before_the_question_is_what_it_is_about(question: str, said: list[str]) -> None:
    text = " ".join(line.text for line in answer_parts(question, notes(rules=GEAR, people=PEOPLE)).lines)
    assert [each for each in said if each not in text] == []


def test_a_lead_in_title_case_is_put_before_what_it_leads_in() -> None:
    book = "# Rules\n\n## Dazed [Condition]\n\nIt has an effect.\n\n_Checks and Attacks Affected._ You are slow.\n"
    lines = answer_parts("What does dazed do?", notes(rules=book)).lines
    assert lines[-1].text == "Checks and Attacks Affected. You are slow."


def test_a_house_rule_that_begins_with_the_thing_asked_for_is_found_by_that_word_alone() -> None:
    house = "# House rules\n\n## House rules\n\n- Potions: drinking one is quick.\n"
    book = "# Rules\n\n## Potions\n\nA potion is an ounce of liquid.\n"
    lines = answer_parts("What do potions do at our table?", notes(house=house, rules=book)).lines
    assert lines[0].text == "Potions: drinking one is quick."


def test_who_is_only_he_in_the_sentence_is_named_by_the_section() -> None:
    people = "# People\n\n## Lord Osric Vale\n\nA tall man. He lives in the Old Keep, on the hill.\n"
    [line] = answer_parts("Who lives in the Old Keep?", notes(people=people)).lines
    assert (line.text, line.origin) == (
        "Lord Osric Vale: He lives in the Old Keep, on the hill.",
        Origin.FROM_NOTES,
    )
