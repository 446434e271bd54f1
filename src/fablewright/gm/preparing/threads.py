"""What a campaign has left open, in words that its notes can be searched for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.scene.scenario import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.gm.campaign.state import CampaignState
    from fablewright.gm.scene.scenario import Scene

__all__ = ["Thread", "threads"]


@dataclass(frozen=True, slots=True)
class Thread:
    """Something that is open: what to look for, and how to say why."""

    words: str
    why: str


def threads(state: CampaignState, prepared: Scene | None) -> tuple[Thread, ...]:
    """Return what is open, the most pressing first.

    Args:
        state: Where the campaign stands.
        prepared: The scene that is on the table, if there is one: each of its options may be chosen.
    """
    return tuple(_threads(state, prepared))


def _threads(state: CampaignState, prepared: Scene | None) -> Iterator[Thread]:
    if prepared is not None:
        for number, option in enumerate(prepared.options, 1):
            if option.action.origin is Origin.INVENTED:  # it is in no note, so none says where it leads
                continue
            then = option.consequence.text if option.consequence is not None else ""
            yield Thread(f"{option.action.text} {then}".strip(), f"option {number} of {prepared.title.text}")
    for clock in sorted(state.clocks.values(), key=lambda each: each.filled - each.size):
        if not clock.is_full:
            yield Thread(clock.name, f"the clock {clock.name}, {clock.filled} of {clock.size}")
    for promise in state.open_promises:
        yield Thread(promise, f"promised: {promise}")
    alive = [person for person in state.people.values() if person.alive is not False and person.met]
    for person in sorted(alive, key=lambda each: each.since, reverse=True):
        yield Thread(person.name, f"{person.name}, whom they have met")
