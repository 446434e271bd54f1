from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import KINDS, Fact, plain
from fablewright.gm.campaign.log_line import LABELS, fact_of_line, line_of

anything = st.text(max_size=60)
words = st.lists(st.sampled_from("Ilse the mill of old Hob’s 14 gp (torn) to-morrow, again: “yes”".split()), min_size=1)
said = words.map(" ".join)

facts = st.builds(
    Fact,
    kind=st.sampled_from([kind for kind in KINDS if kind not in {"undo", "clock", "advanced", "chose", "met"}]),
    text=said,
    secret=st.booleans(),
)
choices = st.builds(
    Fact,
    kind=st.just("chose"),
    text=said,
    detail=st.one_of(st.just(""), said),
    check=st.just("Wisdom (Perception) DC 13"),
    number=st.integers(-5, 40),
    outcome=st.sampled_from(("success", "failure")),
)
clocks = st.builds(Fact, kind=st.just("clock"), text=st.just("The clerks come"), number=st.integers(0, 12))
steps = st.builds(Fact, kind=st.just("advanced"), text=said, number=st.integers(1, 9))
meetings = st.builds(Fact, kind=st.just("met"), text=st.just("Ilse Weir"), detail=st.sampled_from(("", "the old mill")))


@settings(max_examples=60, deadline=None)
@given(st.one_of(facts, choices, clocks, steps, meetings))
def test_a_fact_is_read_back_as_it_was_written(fact: Fact) -> None:
    assert fact_of_line(line_of(fact)) == fact


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Fact,
        kind=st.sampled_from([kind for kind in KINDS if kind != "undo"]),
        text=anything,
        detail=anything,
        check=anything,
        number=st.integers(-9, 99),
        outcome=st.sampled_from(("", "success", "failure")),
        secret=st.booleans(),
    )
)
def test_whatever_is_in_a_fact_its_line_is_one_line_and_reads_the_same_again(fact: Fact) -> None:
    line = line_of(fact)
    assert "\n" not in line
    assert "\x1b" not in line
    again = fact_of_line(line)
    if plain(fact.text):
        assert again is not None
        assert again.kind == fact.kind
        assert line_of(again) == line


@settings(max_examples=60, deadline=None)
@given(st.text())
def test_what_is_read_from_any_line_is_written_and_read_the_same(text: str) -> None:
    fact = fact_of_line(text)
    assert fact is None or fact_of_line(line_of(fact)) == fact


@pytest.mark.parametrize(
    ("line", "fact"),
    [
        ("**Met:** Ilse, at the mill", Fact("met", "Ilse", "the mill")),
        ("met: Ilse", Fact("met", "Ilse")),
        ("Clock: The flood 6", Fact("clock", "The flood", number=6)),
        ("Clock: The flood 0/8", Fact("clock", "The flood", number=8)),
        ("Clock advanced: The flood", Fact("advanced", "The flood", number=1)),
        ("Promise broken:  to   come back", Fact("broken", "to come back")),
        ("Dead: Hob (GM only)", Fact("dead", "Hob", secret=True)),
        ("Chose: Talk → A price is named", Fact("chose", "Talk", "A price is named")),
        ("Taken back: e7", None),
        ("Ilse: the miller", None),
        ("Met:", None),
    ],
)
def test_lines_as_people_write_them(line: str, fact: Fact | None) -> None:
    assert fact_of_line(line) == fact


def test_every_kind_has_a_label_of_its_own() -> None:
    assert set(LABELS) == set(KINDS)
    assert len(set(LABELS.values())) == len(KINDS)
