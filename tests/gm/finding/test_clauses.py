from __future__ import annotations

import pytest

from fablewright.gm.finding.asked_words import asked_words
from fablewright.gm.finding.clauses import clauses
from fablewright.gm.reading.query_terms import query_terms


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who owns the inn, and who runs it day to day?", ["Who owns the inn", "who runs it day to day?"]),
        ("Pace, foraging, getting lost: what do I need?", ["Pace", "foraging", "getting lost:", "what do I need?"]),
        ("They go up. What waits there?", ["They go up.", "What waits there?"]),
    ],
)
def test_a_compound_question_is_taken_apart(question: str, parts: list[str]) -> None:
    assert clauses(question) == parts


def test_a_question_for_one_thing_is_left_whole() -> None:
    assert clauses("Who owns the Blue Heron?") == []
    assert clauses("") == []


def test_there_is_a_bound() -> None:
    assert len(clauses(", and what of the mill".join(["mill"] * 40))) == 6


def test_words_that_only_ask_are_not_searched_for() -> None:
    asked = asked_words("Give me the scene: how does someone get out of the mill?")
    assert query_terms(asked).words == ("mill",)
    assert "heron" in asked_words("I need to know what happens at the heron")


def test_a_question_of_nothing_else_is_searched_for_as_it_is() -> None:
    assert asked_words("what happens?") == "what happens?"
