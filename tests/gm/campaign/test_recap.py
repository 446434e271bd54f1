from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import KINDS, Event, Fact
from fablewright.gm.campaign.leak import suspicious
from fablewright.gm.campaign.recap import gm_recap, players_recap
from fablewright.gm.reading.statements import Role, Statement

facts = st.builds(
    Fact,
    kind=st.sampled_from([kind for kind in KINDS if kind != "undo"]),
    text=st.sampled_from(("Ilse", "Hob", "the mill")),
    detail=st.sampled_from(("", "the sea")),
    secret=st.booleans(),
)
logs = st.lists(facts, max_size=10).map(lambda facts: [Event(f"e{n}", "2026-11-27", f) for n, f in enumerate(facts)])


@settings(max_examples=60, deadline=None)
@given(logs)
def test_the_players_hear_of_nothing_that_is_the_game_masters(log: list[Event]) -> None:
    marked = [
        Event(e.id, e.on, Fact(e.fact.kind, f"hidden{n}", secret=e.fact.secret))
        if e.fact.secret or e.fact.kind in {"note", "clock", "advanced", "filled"}
        else e
        for n, e in enumerate(log)
    ]
    said = " ".join(told.text for told in players_recap(marked))
    assert "hidden" not in said
    assert not any(told.secret for told in players_recap(marked))


def test_who_was_never_met_is_not_in_the_players_recap() -> None:
    log = [Event("a", "2026-11-27", Fact("dead", "Hob")), Event("b", "2026-11-27", Fact("met", "Ilse"))]
    assert [told.text for told in players_recap(log)] == ["Met Ilse."]
    assert [told.text for told in gm_recap(log)] == ["Hob is dead.", "Met Ilse.", "Dead: Hob."]


def test_who_was_met_together_is_told_in_one_sentence() -> None:
    facts = (Fact("met", "Ilse"), Fact("met", "Hob"), Fact("met", "Joss"), Fact("met", "Pru", "the inn"))
    told = players_recap([Event(f"e{n}", "2026-11-27", fact) for n, fact in enumerate(facts)])
    assert [each.text for each in told] == ["Met Ilse, Hob and Joss.", "Met Pru at the inn."]


def test_the_game_master_sees_where_everything_stands() -> None:
    facts = (
        Fact("played", "The Mill"),
        Fact("met", "Ilse"),
        Fact("promised", "to come back"),
        Fact("clock", "Flood", number=4),
        Fact("advanced", "Flood", number=1),
        Fact("gained", "14 gp"),
    )
    told = [each.text for each in gm_recap([Event(f"e{n}", "2026-11-27", fact) for n, fact in enumerate(facts)])]
    assert told[-4:] == [
        "The party is at: The Mill, with Ilse.",
        "Open promises: to come back.",
        "Clocks: Flood 1/4.",
        "Loot: 14 gp.",
    ]


def statement(text: str, *, secret: bool) -> Statement:
    return Statement(text, Role.FACT, 0, 0, (), secret)


def test_a_word_leaks_that_only_secrets_have() -> None:
    notes = [statement("Maud poisoned the abbot.", secret=True), statement("Maud keeps the inn.", secret=False)]
    assert set(suspicious("Maud met the abbot at the inn", notes).values()) == {"abbot"}
    assert suspicious("Maud met the abbots", notes)  # in another form too
    assert suspicious("Maud keeps the inn", notes) == {}
    assert suspicious("the abbot", [*notes, statement("The abbot sings.", secret=False)]) == {}
