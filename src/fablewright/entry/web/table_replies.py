"""What the page gets beside answers, as types; see ``replies``."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fablewright.entry.web.board import Shown  # noqa: TC001 - msgspec reads the annotations at run time

__all__ = [
    "AddedReply",
    "BoardReply",
    "CampaignsReply",
    "CastReply",
    "CreatureReply",
    "LogReply",
    "PreparedReply",
    "PreparedScene",
    "RatingReply",
    "SourcesReply",
    "UndoneReply",
]


class LoggedLine(msgspec.Struct, frozen=True):
    """One entry of the log."""

    id: str
    on: Annotated[str, Meta(description="The day at the table.")]
    kind: str
    line: Annotated[str, Meta(description="As a person reads it.")]
    secret: Annotated[bool, Meta(description="For the GM's eyes only.")]


class LogReply(msgspec.Struct, frozen=True):
    """The campaign's log."""

    campaign: str
    count: Annotated[int, Meta(description="Entries altogether; the last 200 are sent.")]
    events: list[LoggedLine]
    state: Annotated[dict[str, Any], Meta(description="Where the campaign stands.")]
    prepared: Annotated[str, Meta(description="The scene that was asked for last.")]


class PreparedScene(msgspec.Struct, frozen=True):
    """A scene that is prepared."""

    number: Annotated[int, Meta(ge=1, description="What takes it to the table.")]
    title: str
    why: Annotated[str, Meta(description="Why it may come, or when it was asked for.")]
    state: Annotated[str, Meta(description="`done`: it is ready.")]
    remark: Annotated[str, Meta(description="What is to be said where it is not.")]
    sources: Annotated[list[str], Meta(description="The notes that it is made of.")]


class PreparedReply(msgspec.Struct, frozen=True):
    """All scenes that are prepared."""

    words: Annotated[str, Meta(description="How far the session is; empty where none is prepared.")]
    scenes: list[PreparedScene]


class AddedReply(msgspec.Struct, frozen=True):
    """What is in the log now."""

    added: list[LoggedLine]


class UndoneReply(msgspec.Struct, frozen=True):
    """What was taken back."""

    undo: Annotated[str, Meta(description="What brings it back, as an event that is taken back.")]
    taken_back: list[LoggedLine]


class CampaignsReply(msgspec.Struct, frozen=True):
    """All campaigns with how many entries they have."""

    current: str
    campaigns: dict[str, int]


class SourcesReply(msgspec.Struct, frozen=True):
    """What a question finds, best first."""

    question: str
    kinds: list[str]
    steps: list[dict[str, Any]]
    passages: list[dict[str, Any]]
    dropped: int
    remarks: list[str]


class PersonReply(msgspec.Struct, frozen=True):
    """Somebody in a scene."""

    name: str
    alive: bool | None
    met: bool
    lines: list[dict[str, Any]]
    citations: list[dict[str, Any]]


class CastReply(msgspec.Struct, frozen=True):
    """Who is in a scene."""

    cast: list[PersonReply]


class CreatureReply(msgspec.Struct, frozen=True):
    """A creature of the rules."""

    name: str
    cr: str
    xp: int


class WeighedReply(msgspec.Struct, frozen=True):
    """Some creatures of one kind."""

    name: str
    count: int
    cr: str
    xp: Annotated[int, Meta(description="For one of them.")]


class MarkReply(msgspec.Struct, frozen=True):
    """What a fight is measured against."""

    name: str
    xp: int


class RatingReply(msgspec.Struct, frozen=True):
    """What a fight weighs."""

    rules: str
    party: str
    party_words: str
    xp: int
    multiplier: float
    adjusted_xp: int
    difficulty: str
    marks: list[MarkReply]
    warnings: list[str]
    text: str
    creatures: list[WeighedReply]
    unknown: Annotated[list[str], Meta(description="Whom the rules do not know; they are not counted.")]


class BoardReply(msgspec.Struct, frozen=True):
    """What the players see."""

    shown: Shown
    link: Annotated[str, Meta(description="The way to their page, with their own token where they need one.")]
