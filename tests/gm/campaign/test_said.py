from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import Event, Fact, plain
from fablewright.gm.campaign.said import fact_said, is_understood
from fablewright.gm.campaign.state import CampaignState, state_of

NOTHING = CampaignState()
KNOWN = state_of(
    [
        Event(f"e{number}", "2026-11-27", fact)
        for number, fact in enumerate(
            (
                Fact("promised", "to bring Joss his boots"),
                Fact("promised", "to pay the reeve"),
                Fact("met", "Fenwick Tull"),
                Fact("clock", "The flood rises", number=6),
                Fact("gained", "silver pen-case (25 gp)"),
            )
        )
    ]
)


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("Met Ilse at the mill", Fact("met", "Ilse", "the mill")),
        ("they met Ilse.", Fact("met", "Ilse")),
        ("The party spoke with Old Hob", Fact("met", "Old Hob")),
        ("Tull is dead", Fact("dead", "Tull")),
        ("They killed the reeve", Fact("dead", "the reeve")),
        ("Old Hob died", Fact("dead", "Old Hob")),
        ("Ilse is still alive", Fact("alive", "Ilse")),
        ("they promised to come back by dawn", Fact("promised", "come back by dawn")),
        ("promised Joss to say nothing", Fact("promised", "Joss to say nothing")),
        ("Oate promised the reeve his axe", Fact("promised", "Oate promised the reeve his axe")),
        ("went to the mill", Fact("visited", "the mill")),
        ("Visited: the mill", Fact("visited", "the mill")),
        ("played The Landing Stage", Fact("played", "The Landing Stage")),
        ("found 14 gp in a stocking", Fact("gained", "14 gp in a stocking")),
        ("spent 5 gp", Fact("spent", "5 gp")),
        ("start a clock: the flood, 6 segments", Fact("clock", "the flood", number=6)),
        ("Ilse is dead (GM only)", Fact("dead", "Ilse", secret=True)),
        ("the fog thickens", Fact("note", "the fog thickens")),
        ("is Ilse dead?", Fact("note", "is Ilse dead?")),
        ("Note: Ilse is dead tired", Fact("note", "Ilse is dead tired")),
    ],
)
def test_what_a_game_master_writes(words: str, fact: Fact) -> None:
    assert fact_said(words, NOTHING) == fact


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("kept their word to Joss", Fact("kept", "to bring Joss his boots")),
        ("broke the promise to the reeve", Fact("broken", "to pay the reeve")),
        ("Tull is dead", Fact("dead", "Fenwick Tull")),
        ("advanced the flood by 2", Fact("advanced", "The flood rises", number=2)),
        ("tick the flood", Fact("advanced", "The flood rises", number=1)),
        ("sold the pen-case", Fact("spent", "silver pen-case (25 gp)")),
        ("kept the promise: never to sing", Fact("kept", "never to sing")),
    ],
)
def test_it_is_about_what_the_log_knows_by_another_name(words: str, fact: Fact) -> None:
    assert fact_said(words, KNOWN) == fact


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=400))
def test_whatever_is_written_is_kept(words: str) -> None:
    fact = fact_said(words, KNOWN)
    if not is_understood(fact, words) and not fact.secret:
        assert fact.text == plain(words)
    assert fact.text or not plain(words)
