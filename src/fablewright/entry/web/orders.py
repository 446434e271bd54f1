"""What the page sends beside requests, as types; see ``wire``."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from fablewright.entry.web.wire import SceneOrder  # noqa: TC001 - msgspec reads the annotations at run time
from fablewright.gm.campaign.events import LONGEST
from fablewright.gm.campaign.memory import LONGEST_NAME
from fablewright.gm.rules.rating import MAX_COUNT

__all__ = ["BoardOrder", "CampaignOrder", "CreatureOrder", "LogOrder", "RatingOrder", "UndoOrder"]


_Rating: TypeAlias = Annotated[float, Meta(ge=0, le=30)]
_Party: TypeAlias = Annotated[str, Meta(max_length=80)]
_Numbers: TypeAlias = Annotated[tuple[Annotated[int, Meta(ge=0, le=200)], ...], Meta(max_length=50)]


class LogOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be put into the campaign's log."""

    said: Annotated[str, Meta(min_length=1, max_length=LONGEST, description="What happened: Met Ilse at the mill.")]


class UndoOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be taken back."""

    event: Annotated[str, Meta(max_length=40, description="The event's id; left out: what was logged last.")] = ""


class CampaignOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign to be played from now on."""

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, description="Its name.")]
    new: Annotated[bool, Meta(description="Whether it is begun now.")] = False


class CreatureOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Some creatures of one kind."""

    name: Annotated[str, Meta(min_length=1, max_length=80, description="As the rules have it, in any number.")]
    count: Annotated[int, Meta(ge=1, le=MAX_COUNT, description="How many.")] = 1
    cr: Annotated[_Rating | None, Meta(description="For one that the rules do not know.")] = None


class RatingOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fight to be weighed by rule."""

    creatures: Annotated[tuple[CreatureOrder, ...], Meta(max_length=40, description="Who is fought.")] = ()
    party: Annotated[_Party | None, Meta(description="Who fights; left out: the party of the table.")] = None
    rules: Annotated[Literal["2024", "2014"] | None, Meta(description="Whose budgets; left out: the table's.")] = None


class BoardOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the players are to see: text of a scene that is read aloud, or a hand-out; neither: nothing any more."""

    scene: Annotated[
        SceneOrder | None, Meta(description="Whose text; for a hand-out: whose secrets it may not tell.")
    ] = None
    lines: Annotated[_Numbers | None, Meta(description="Which of its texts to read aloud, from 0; left out: all.")] = (
        None
    )
    handout: Annotated[str, Meta(max_length=4000, description="Words of the GM's own.")] = ""
    unchecked: Annotated[
        bool, Meta(description="Show a hand-out also while the notes cannot be searched for secrets that it may tell.")
    ] = False
