from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.campaign.events import KINDS, TOP, Event, Fact, Kind
from fablewright.gm.campaign.history import history, in_order, live
from fablewright.gm.campaign.state import CampaignState, Clock, state_of
from fablewright.gm.reading.name_key import name_key

DAYS = ("2026-11-20", "2026-11-27")
NAMES = ("Ilse", "the mill", "The Mill!", "Old Hob", "14 gp", "to come back")
IDS = [f"e{number}" for number in range(8)]

facts = st.builds(
    Fact,
    kind=st.sampled_from([kind for kind in KINDS if kind != "undo"]),
    text=st.sampled_from(NAMES),
    detail=st.sampled_from(("", *NAMES[:2])),
    number=st.integers(0, 8),
    secret=st.booleans(),
)
undos = st.builds(Fact, kind=st.just("undo"), text=st.sampled_from([*IDS, "nobody"]))
events = st.builds(
    Event,
    id=st.sampled_from(IDS),
    on=st.sampled_from(DAYS),
    fact=st.one_of(facts, facts, undos),
    after=st.sampled_from(["", "", TOP, *IDS]),
)
logs = st.lists(events, max_size=12)
"""Ids come more than once, and undos and anchors name what is earlier, later or not there."""


def log_of(*facts: tuple[Kind, str] | Fact) -> list[Event]:
    made = [fact if isinstance(fact, Fact) else Fact(*fact) for fact in facts]
    return [Event(f"e{n}", "2026-11-27", fact) for n, fact in enumerate(made)]


@settings(max_examples=60, deadline=None)
@given(logs)
def test_taken_back_is_as_if_it_had_not_been(log: list[Event]) -> None:
    """Whatever is undone, the state is that of a log in which it, and the undo, never were."""
    for event in in_order(log):  # each id once: the first of that id is the one that counts
        if event.id in live(log) and event.fact.kind != "undo":
            undone = state_of([*log, Event("zz", "2026-11-27", Fact("undo", event.id))])
            without = [each for each in history(log) if each.id != event.id]
            assert undone == state_of([Event(e.id, e.on, e.fact) for e in without]) or _same(undone, without)
            return


def _same(state: CampaignState, events: list[Event]) -> bool:
    """Compare but for the anchors, which the events that are left still have."""
    other = state_of([Event(e.id, e.on, e.fact) for e in events])
    mine = [(e.id, e.fact) for e in state.last]
    return mine == [(e.id, e.fact) for e in other.last] and _rest(state) == _rest(other)


def _rest(state: CampaignState) -> tuple[object, ...]:
    return tuple(getattr(state, name) for name in CampaignState.__slots__ if name != "last")


def slowly(log: list[Event]) -> dict[str, object]:
    """What a person would read off the log, looking for one thing at a time."""
    events = history(log)
    facts = [event.fact for event in events]
    moves = [n for n, f in enumerate(facts) if f.kind in {"played", "visited"}]
    names = {name_key(f.text) for f in facts if f.kind in {"met", "alive", "dead"}}
    dead = set()
    for name in names:
        said = [f.kind for f in facts if f.kind in {"alive", "dead"} and name_key(f.text) == name]
        if said and said[-1] == "dead":
            dead.add(name)
    loot: list[str] = []
    for fact in facts:
        if fact.kind == "gained":
            loot = [*[each for each in loot if each != name_key(fact.text)], name_key(fact.text)]
        if fact.kind == "spent":
            loot = [each for each in loot if each != name_key(fact.text)]
    promises: dict[str, str] = {}
    for fact in facts:
        if fact.kind in {"promised", "kept", "broken"}:
            promises[name_key(fact.text)] = fact.kind.replace("promised", "open")
    return {
        "place": name_key(facts[moves[-1]].text) if moves else "",
        "met": {name_key(f.text) for f in facts if f.kind == "met"},
        "dead": dead,
        "loot": set(loot),
        "promises": promises,
    }


@settings(max_examples=60, deadline=None)
@given(logs)
def test_the_fold_is_what_a_person_reads_off_the_log(log: list[Event]) -> None:
    state = state_of(log)
    expected = slowly(log)
    assert (name_key(state.place) if state.place else "") == expected["place"]
    assert {key for key, person in state.people.items() if person.met} == expected["met"]
    assert {name_key(person.name) for person in state.dead} == expected["dead"]
    assert {name_key(each) for each in state.loot} == expected["loot"]
    assert {key: promise.status for key, promise in state.promises.items()} == expected["promises"]
    assert not {name_key(name) for name in state.present} & set(expected["dead"])  # type: ignore[call-overload]
    assert all(0 <= clock.filled <= clock.size for clock in state.clocks.values())


def test_who_is_met_where_the_party_is_is_present_until_it_goes_on() -> None:
    log = log_of(("played", "The Mill"), ("met", "Ilse"), Fact("met", "Hob", "the mill"), Fact("met", "Far", "Town"))
    assert state_of(log).present == ("Ilse", "Hob")
    assert state_of([*log, Event("x", "2026-11-27", Fact("visited", "Town"))]).present == ()
    assert state_of([*log, Event("x", "2026-11-27", Fact("dead", "ilse"))]).present == ("Hob",)


def test_the_dead_may_be_met_and_stay_dead_until_the_log_says_otherwise() -> None:
    log = log_of(("dead", "Tull"), ("met", "Tull"))
    assert [person.name for person in state_of(log).dead] == ["Tull"]
    assert state_of(log_of(("dead", "Tull"), ("alive", "Tull"))).dead == ()


def test_a_clock_is_never_fuller_than_full() -> None:
    log = log_of(
        Fact("clock", "Doom", number=4), Fact("advanced", "doom", number=3), Fact("advanced", "Doom", number=9)
    )
    assert state_of(log).clocks == {"doom": Clock("Doom", 4, 4)}
    assert state_of(log).clocks["doom"].is_full
    assert state_of(log[:2]).clocks["doom"] == Clock("Doom", 3, 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(("played", "visited")), min_size=1, max_size=5))
def test_a_scene_that_was_played_was_visited_too(kinds: list[Kind]) -> None:
    state = state_of(log_of(*[(kind, "The Mill") for kind in kinds]))
    assert set(state.visited) == {"mill"}
    assert bool(state.played) == ("played" in kinds)
