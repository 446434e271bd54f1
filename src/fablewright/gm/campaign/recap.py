"""A recap out of the log: for the GM all that matters for the next session, for the players what they have seen.

The players' recap is made of what happened to them only: scenes, choices, places, promises, loot, and people that they
have met. Clocks and notes are the GM's, and so is every event that says so of itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.state import state_of
from fablewright.gm.reading.name_key import name_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.campaign.events import Event, Fact
    from fablewright.gm.campaign.state import CampaignState

__all__ = ["Told", "gm_recap", "players_recap"]

_MOST = 12
"""Events that a recap tells of one by one: the last ones."""
_LISTED = 12
"""Names in one line."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence of a recap.

    Attributes:
        text: The sentence.
        said: What in it is not ours: names and words out of the notes or from the GM.
        secret: Whether it is for the GM only.
    """

    text: str
    said: tuple[str, ...] = ()
    secret: bool = False


def gm_recap(log: Sequence[Event]) -> tuple[Told, ...]:
    """Return what happened last and where everything stands."""
    state = state_of(log)
    events = history(log)
    told = [told for fact in _together(events[-_MOST:]) for told in _happened(fact)]
    if len(events) > _MOST:
        told.insert(0, Told(f"The log has {len(events)} entries; these are the last {_MOST}."))
    return (*told, *_standing(state))


def players_recap(log: Sequence[Event]) -> tuple[Told, ...]:
    """Return what the players may hear: nothing that is secret, and nothing that their party has not seen."""
    state = state_of(log)
    events = [event for event in history(log) if _is_seen(event.fact, state)]
    return tuple(told for fact in _together(events[-_MOST:]) for told in _happened(fact))


def _together(events: Sequence[Event]) -> Iterator[Fact]:
    """Yield what happened, those who were met one after the other in one sentence."""
    for (kind, _, _), group in groupby(events, key=lambda e: (e.fact.kind, e.fact.detail, e.fact.secret)):
        facts = [event.fact for event in group]
        if kind == "met":
            names = [fact.text for fact in facts]
            yield replace(facts[0], text=" and ".join(filter(None, (", ".join(names[:-1]), names[-1]))))
        else:
            yield from facts


def _is_seen(fact: Fact, state: CampaignState) -> bool:
    if fact.secret or fact.kind in {"note", "clock", "advanced", "filled", "undo"}:
        return False
    if fact.kind in {"alive", "dead"}:
        person = state.people.get(name_key(fact.text))
        return person is not None and person.met
    return True


def _happened(fact: Fact) -> Iterator[Told]:
    secret = fact.secret
    match fact.kind:
        case "chose":
            rolled = f" ({fact.check}: {fact.number}, a {fact.outcome})" if fact.outcome else ""
            became = f" {_ended(fact.detail)}" if fact.detail else ""
            yield Told(f"The party: {_ended(fact.text + rolled)}{became}", (fact.text, fact.detail), secret)
        case "met":
            where = f" at {fact.detail}" if fact.detail else ""
            yield Told(_ended(f"Met {fact.text}{where}"), (fact.text, fact.detail), secret)
        case "clock" | "advanced" | "filled":
            change = {"clock": "was started", "advanced": f"went on by {max(1, fact.number)}", "filled": "is full"}
            yield Told(f"The clock {fact.text} {change[fact.kind]}.", (fact.text,), secret=True)
        case "note":
            yield Told(_ended(fact.text), (fact.text,), secret=True)
        case kind if kind in _SENTENCES:
            yield Told(_ended(_SENTENCES[kind].format(fact.text)), (fact.text,), secret)
        case _:
            return


_SENTENCES = {
    "played": "Scene: {}",
    "visited": "Came to {}",
    "alive": "{} is alive",
    "dead": "{} is dead",
    "promised": "Promised: {}",
    "kept": "Kept the promise: {}",
    "broken": "Broke the promise: {}",
    "gained": "Gained: {}",
    "spent": "Spent: {}",
}


def _standing(state: CampaignState) -> Iterator[Told]:
    if state.place:
        with_them = f", with {_list(state.present)}" if state.present else ""
        yield Told(_ended(f"The party is at: {state.place}{with_them}"))
    if state.open_promises:
        yield Told(_ended(f"Open promises: {_list(state.open_promises)}"))
    if state.dead:
        yield Told(_ended(f"Dead: {_list([person.name for person in state.dead])}"))
    clocks = [f"{clock.name} {clock.filled}/{clock.size}" for clock in state.clocks.values()]
    if clocks:
        yield Told(_ended(f"Clocks: {_list(clocks)}"), secret=True)
    if state.loot:
        yield Told(_ended(f"Loot: {_list(state.loot)}"))


def _list(names: Sequence[str]) -> str:
    shown = "; ".join(names[:_LISTED])
    return f"{shown}; and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…", "”", '"')) else f"{text}."
