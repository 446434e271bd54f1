"""A log as it counts: without what was taken back, each once, in the order in which it happened.

Rules:

1. Of several events with one id the first counts. So an event may be sent twice.
2. An ``undo`` takes back the earlier event that it names; what was taken back takes nothing back itself, so the undo
   of an undo brings the first one back. An undo of what is later, or not there, does nothing.
3. Order: by day. Within it as they came, but an event that stands ``after`` another stands right behind it; of two
   behind the same the later one is nearer, as when one writes between two lines twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.campaign.events import TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.campaign.events import Event

__all__ = ["history", "in_order", "live"]


def history(log: Sequence[Event]) -> tuple[Event, ...]:
    """Return what counts of a log, in order, without the undos themselves."""
    counting = live(log)
    return tuple(event for event in in_order(log) if event.id in counting and event.fact.kind != "undo")


def live(log: Iterable[Event]) -> frozenset[str]:
    """Return the ids of the events that were not taken back, undos too."""
    events: dict[str, Event] = {}
    for event in log:
        events.setdefault(event.id, event)
    place = {each: number for number, each in enumerate(events)}
    counting: set[str] = set()
    taken_back: set[str] = set()
    for each in reversed(events):  # only a later one takes back
        if each in taken_back:
            continue
        counting.add(each)
        fact = events[each].fact
        if fact.kind == "undo" and place.get(fact.text, place[each]) < place[each]:
            taken_back.add(fact.text)
    return frozenset(counting)


def in_order(log: Iterable[Event]) -> tuple[Event, ...]:
    """Return all events of a log, each once, in the order in which they happened."""
    behind: dict[str, list[Event]] = {TOP: [], "": []}
    for event in log:
        if event.id in behind:
            continue
        anchor = event.after if event.after in behind else ""  # an anchor must be there before
        behind[event.id] = []
        behind[anchor].append(event)
    ordered: list[Event] = []
    waiting = [*reversed(behind[""]), *behind[TOP]]  # the next one last
    while waiting:
        event = waiting.pop()
        ordered.append(event)
        waiting += behind[event.id]
    return tuple(sorted(ordered, key=lambda event: event.on))
