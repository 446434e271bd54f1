"""How the table stands: campaign, party, and the health of what answers, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.routing import Route

from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.wire import as_json
from fablewright.errors import FablewrightError
from fablewright.gm.campaign.memory import Recall
from fablewright.gm.haystack_pipeline import DescribeNotes, HaystackPipeline
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["Health", "Status", "status_routes"]


class Health(msgspec.Struct, frozen=True):
    """How one part does.

    Attributes:
        state: ``good``, ``busy`` (it is getting ready), ``off`` (there is none, and none is needed) or ``poor``.
        words: The same for people.
        age: Seconds since its last good answer; None where there was none.
    """

    state: Literal["good", "busy", "off", "poor"]
    words: str
    age: float | None


class Status(msgspec.Struct, frozen=True):
    """How the table stands.

    Attributes:
        campaign: Its name; empty where its log cannot be read.
        place: Where the party is, as the log has it.
        party: As it is written: ``4x2``.
        party_words: The same for people.
        rules: The edition.
        label: What the notes are called.
        is_sample: Whether they are those that come with the program.
        files: How many can be searched.
        health: Of ``notes``, ``model``, ``rules``, and of ``scenes``: whether those that are asked for are durable.
        latest: The id of the run that has the latest scene; None before the first.
        news: The id of the latest of the news.
    """

    campaign: str
    place: str
    party: str
    party_words: str
    rules: str
    label: str
    is_sample: bool
    files: int
    health: dict[str, Health]
    latest: str | None
    news: str


def status_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation("How the table stands", {200: Reply(Status, "In words, with the age of the last good answers.")})
    async def look(_request: Request) -> Response:
        notes, files = await _notes(sitting)
        campaign, place = await _campaign(sitting)
        settings = sitting.settings
        party = parse_party(settings.party)
        rules = Health("good", f"{settings.rules} rules", sitting.good.age("rules"))
        latest = sitting.runs.latest_scene()
        status = Status(
            campaign,
            place,
            str(party),
            party.words,
            settings.rules,
            sitting.notes.label,
            sitting.notes.is_sample,
            files,
            {"notes": notes, "model": _model(sitting), "rules": rules, "scenes": await _scenes(sitting)},
            latest.id if latest else None,
            sitting.news.last_id,
        )
        return as_json(status)

    return [Route("/api/v1/status", look, methods=["GET"])]


async def _notes(sitting: Sitting) -> tuple[Health, int]:
    age = sitting.good.age("notes")
    try:
        notes = await sitting.bus.ask(HaystackPipeline.name, DescribeNotes(), timeout=1.0)
    except FablewrightError as error:
        return Health("poor", f"cannot be searched: {error}", age), 0
    trouble = notes.problem or sitting.good.trouble("notes")
    if trouble:
        return Health("poor", trouble, age), notes.files
    counted = f"{notes.files:,} {'file' if notes.files == 1 else 'files'}"
    if notes.reading:
        return Health("busy", f"being read, {counted} so far", age), notes.files
    return Health("good", counted, age), notes.files


async def _campaign(sitting: Sitting) -> tuple[str, str]:
    try:
        recalled = await ask_campaign(sitting.bus, Recall(), timeout=1.0)
    except FablewrightError:
        return "", ""
    return recalled.campaign, recalled.state.place


async def _scenes(sitting: Sitting) -> Health:
    trouble = await sitting.net.trouble()
    if not trouble:
        return Health("good", "kept until they are there, whoever dies", None)
    return Health("off" if sitting.net.scenes is None else "poor", f"lost with who makes them: {trouble}", None)


def _model(sitting: Sitting) -> Health:
    settings, age = sitting.settings, sitting.good.age("model")
    if settings.prose == "off":
        return Health("off", "switched off; scenes are in your notes' words", age)
    is_set = bool(settings.model or settings.model_url or settings.model_key)
    trouble = sitting.good.trouble("model")
    if trouble and (is_set or age is not None):
        return Health("poor", f"{trouble}; scenes come without it", age)
    if age is not None:
        return Health("good", settings.model or "answers", age)
    if is_set:
        return Health("busy", f"{settings.model or 'set'}, not asked yet", None)
    return Health("off", "none; scenes are in your notes' words", None)
