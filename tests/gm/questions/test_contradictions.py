"""Contradictions that were planted are found, with both places, and what only differs in words raises no alarm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.questions.contradictions import _MAY_CLAIM, _of, contradictions
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.statements import statements

PAIRS = [
    ("Odette Marl is fifty-two years old.", "Odette Marl, aged 60, pours the wine.", "age"),
    ("Odette Marl owns the Gilded Heron.", "The Gilded Heron belongs to Corin Vale.", "owner"),
    ("Bram Oxley runs the Gilded Heron.", "The Gilded Heron is run by Wenna Stoat.", "manager"),
    ("The Silver Lamp costs 50 gp.", "The Silver Lamp is worth 75 gp.", "price"),
    ("Bram Oxley lives in Thornford.", "Bram Oxley lives at the Old Mill.", "home"),
    ("Hob Tarn was killed by Corin Vale.", "Wenna Stoat murdered Hob Tarn.", "killer"),
    ("Hob Tarn is dead.", "Hob Tarn is still alive and waits.", "alive"),
]
AGREEING = [
    ("Odette Marl is fifty-two years old.", "Odette, aged 52, pours the wine."),
    ("Odette Marl owns the Gilded Heron.", "The Gilded Heron belongs to Odette."),
    ("Odette Marl owns the Gilded Heron.", "Odette Marl owns the Tin Cup."),
    ("Hob Tarn is dead.", "It is said that Hob Tarn is still alive."),
    ("Hob Tarn is dead.", "Hob Tarn is still alive, or so people think."),
    ("Bram Oxley is fifty.", "Is Bram Oxley sixty?"),
    ("The Silver Lamp costs 50 gp.", "The Gold Lamp costs 75 gp."),
]


@pytest.mark.parametrize(("one", "other", "attribute"), PAIRS)
def test_a_planted_contradiction_is_found_with_both_places(one: str, other: str, attribute: str) -> None:
    notes = [*passages_of("a.md", f"# People\n\n{one}"), *passages_of("b.md", f"# Log\n\n{other}")]
    [found] = contradictions(notes)
    assert found.first.attribute == attribute
    assert {found.first.passage.file, found.second.passage.file} == {"a.md", "b.md"}
    assert "a.md" in found.text
    assert "b.md" in found.text


@pytest.mark.parametrize(("one", "other"), AGREEING)
def test_what_agrees_or_is_no_claim_raises_no_alarm(one: str, other: str) -> None:
    assert contradictions([*passages_of("a.md", one), *passages_of("b.md", other)]) == []


def test_the_newest_session_log_comes_first() -> None:
    notes = [
        *passages_of("Session 1.md", "# Session 1 log\n\nHob Tarn is dead."),
        *passages_of("Session 3.md", "# Session 3 log\n\nHob Tarn is still alive."),
        *passages_of("people.md", "# People\n\nHob Tarn died."),
    ]
    [found] = contradictions(notes)
    assert found.first.passage.file == "Session 3.md"


def test_a_pronoun_speaks_of_the_note_it_stands_in() -> None:
    notes = [
        *passages_of("a.md", "# Odette Marl\n\nShe is fifty years old."),
        *passages_of("b.md", "Odette Marl is 41."),
    ]
    assert [found.first.attribute for found in contradictions(notes)] == ["age"]


@given(st.sampled_from(PAIRS), st.lists(st.sampled_from(["The rain falls.", "A cart passes.", "Wool is dear."])))
def test_it_is_found_among_anything_else(pair: tuple[str, str, str], around: list[str]) -> None:
    text = " ".join(around)
    notes = [*passages_of("a.md", f"{text} {pair[0]}"), *passages_of("b.md", f"{pair[1]} {text}")]
    assert len(contradictions(notes)) == 1


_SAID = (
    *(
        "Pru ",
        "Hob Holt ",
        "the Mill ",
        "is ",
        "was ",
        "now ",
        "42",
        "forty-two ",
        " years old",
        ", aged 42. ",
        "owns ",
    ),
    *(
        "is owned by ",
        "belongs to ",
        "runs ",
        "manages ",
        "is the keeper of ",
        "is run by ",
        "costs ",
        "5 gp",
        "lives in ",
    ),
    *(
        "was killed by ",
        "slew ",
        "is dead",
        "is still alive. ",
        "survived. ",
        "were all killed",
        " lived, ",
        ". ",
        "**",
        "_",
    ),
)


@given(st.lists(st.sampled_from(_SAID), max_size=14).map("".join))
def test_a_passage_that_claims_anything_is_seen_to_do_so_without_being_read(text: str) -> None:
    [passage] = passages_of("a.md", f"# Mill\n\nIt stands. {text}\n")
    claims = [c for s in statements([passage]) for c in _of(s, passage)]
    assert not claims or _MAY_CLAIM.search(passage.text)
