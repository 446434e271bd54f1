"""What the campaign's log means for the next scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.scenario_request import GameState

if TYPE_CHECKING:
    from fablewright.gm.campaign.state import CampaignState

__all__ = ["game_state"]

_LATELY = 3
"""Events that tell what happened last; and of their words so many characters."""
_WORDS = 400


def game_state(state: CampaignState) -> GameState:
    """Return where the story stands, as the scene's writer takes it."""
    telling = [event.fact for event in state.last if event.fact.kind not in {"note", "spent"}][-_LATELY:]
    lately = " ".join(f"{fact.text} {fact.detail}".strip() for fact in telling)
    played = sorted(state.played.values(), key=lambda scene: scene[1])
    people = tuple(person.name for person in state.people.values())
    return GameState(state.place, state.present, tuple(title for title, _ in played), lately[-_WORDS:], people)
