from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.query_terms import STOP_WORDS, query_terms, without_apostrophes


def test_stop_words_are_left_out_and_neighbours_are_phrases() -> None:
    terms = query_terms("Who guards the old north gate of the tower?")
    assert terms.words == ("guards", "old", "north", "gate", "tower")
    assert terms.phrases == (("old", "north"), ("north", "gate"))
    assert terms.names == ()


def test_capitalised_neighbours_are_a_name() -> None:
    terms = query_terms("Who owns the Summer Inn? Ask Captain Ann Ironstride.")
    assert terms.names == (("summer", "inn"), ("captain", "ann", "ironstride"))


def test_a_sentence_end_separates_phrases_and_names() -> None:
    terms = query_terms("They reach Northgate. Torches burn.")
    assert ("northgate", "torches") not in terms.phrases
    assert terms.names == ()


def test_related_words_are_others_than_those_said() -> None:
    terms = query_terms("the first encounters and fights")
    assert terms.words == ("first", "encounters", "fights")
    assert {"start", "opening", "ambush", "combat"} <= set(terms.related)
    assert not set(terms.words) & set(terms.related)
    assert query_terms("owls").related == ()


def test_only_stop_words_are_better_than_nothing() -> None:
    assert query_terms("who are they").words == ("who", "are", "they")


@pytest.mark.parametrize("query", ["", "  ", "?!*", '"" "" ^', "\0"])
def test_no_words(query: str) -> None:
    terms = query_terms(query)
    assert (terms.words, terms.phrases, terms.names) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("Gardren's bandits", "Gardren bandits"),
        ("Gardren\u2019s", "Gardren"),
        ("don't", "dont"),
        ("'quoted'", "'quoted'"),
    ],
)
def test_apostrophes(text: str, without: str) -> None:
    assert without_apostrophes(text) == without


def test_a_pasted_page_is_cut() -> None:
    terms = query_terms(" ".join(f"word{number}" for number in range(5000)))
    assert len(terms.words) == 48
    assert len(terms.phrases) <= 48


@given(st.text())
def test_terms_hold_letters_and_digits_only(query: str) -> None:
    terms = query_terms(query)
    for word in [*terms.words, *(word for group in terms.phrases + terms.names for word in group)]:
        assert word.replace("\u0307", "").isalnum()
    assert len(set(terms.words)) == len(terms.words)
    assert all(len(name) > 1 for name in terms.names)


def test_stop_words_are_lower_case_words() -> None:
    assert all(word == word.lower() and word.isalpha() for word in STOP_WORDS)
