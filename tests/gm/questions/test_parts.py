"""Questions are taken apart where they ask several things."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.questions.parts import parts_of


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who owns the inn, and who runs it?", [("asks", "Who owns the inn"), ("asks", "who runs it")]),
        ("Prone - what does it do?", [("about", "Prone"), ("asks", "what does it do")]),
        ("Blink: range, cost, save?", [("about", "Blink"), ("key", "range"), ("key", "cost"), ("key", "save")]),
        (
            "They cross the fen. Pace, food, how far can they see?",
            [("tells", "They cross the fen"), ("key", "Pace"), ("key", "food"), ("key", "how far can they see")],
        ),
        ("Who burned the mill, and why?", [("asks", "Who burned the mill")]),
        ("the old bridge", [("asks", "the old bridge")]),
        ("", [("asks", "")]),
    ],
)
def test_parts(question: str, parts: list[tuple[str, str]]) -> None:
    assert [(part.sort, part.text) for part in parts_of(question)] == parts


def test_a_part_that_leans_speaks_by_a_pronoun() -> None:
    own, leaning = parts_of("Who owns the inn, and who runs it?")
    assert not own.leans
    assert leaning.leans


@given(st.text(max_size=200))
def test_every_part_stands_in_the_question_and_one_asks(question: str) -> None:
    parts = parts_of(question)
    assert any(part.sort in ("asks", "key") for part in parts)
    plain = " ".join(question.split())
    assert all(part.text in plain or part.text == question.strip() for part in parts)


def test_a_question_with_several_verbs_is_no_list_of_things_wanted() -> None:
    [told, asked] = parts_of("Odo is in fetters. Can he slip them, burst them, or pick the lock?")
    assert (told.sort, asked.sort) == ("tells", "asks")
