"""The campaign's log: read, added to, taken back; and the campaigns that there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from starlette.routing import Route

from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.orders import CampaignOrder, LogOrder, UndoOrder
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.table_replies import AddedReply, CampaignsReply, LogReply, UndoneReply
from fablewright.entry.web.wire import as_json, read
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.campaign.memory import ListCampaigns, LogFacts, RecallScene, TakeBack, UseCampaign
from fablewright.gm.campaign.said import fact_said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request as HttpRequest
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting
    from fablewright.gm.campaign.events import Event
    from fablewright.gm.campaign.memory import Campaigns, Recalled
    from fablewright.protocol.message import Request

__all__ = ["log_routes"]

R = TypeVar("R")

_MOST = 200
"""Lines that are sent; the document that ``fablewright log export`` writes has all."""


def log_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    async def ask(request: Request[R]) -> R:
        try:
            return await ask_campaign(sitting.bus, request, timeout=sitting.settings.timeout)
        except InvalidInput as error:
            raise ProblemError(422, str(error)) from error
        except FablewrightError as error:
            raise ProblemError(503, str(error)) from error

    @operation("The campaign's log", {200: Reply(LogReply, "The oldest first.")}, problems={503: "It cannot be read."})
    async def look(_request: HttpRequest) -> Response:
        return as_json(_shown(await ask(RecallScene(with_log=True))))

    @operation(
        "Log what happened",
        {201: Reply(AddedReply, "It is in the log.")},
        body=LogOrder,
        example={"said": "Met Ilse at the mill"},
        problems={400: "The body is no JSON.", 422: "Nothing is said.", 503: "The log cannot be written."},
    )
    async def add(request: HttpRequest) -> Response:
        said = read(await request.body(), LogOrder).said
        if not said.strip():
            raise ProblemError(422, "Write what happened: Met Ilse at the mill.")
        state = (await ask(RecallScene())).state
        logged = await ask(LogFacts((fact_said(said, state),)))
        sitting.news.append("log", {})
        return as_json({"added": _lines(logged.events)}, 201)

    @operation(
        "Take back what was logged",
        {200: Reply(UndoneReply, "It is taken back.")},
        body=UndoOrder,
        example={},
        problems={400: "The body is no JSON.", 422: "There is no such event.", 503: "The log cannot be written."},
    )
    async def undo(request: HttpRequest) -> Response:
        taken = await ask(TakeBack(read(await request.body(), UndoOrder).event))
        sitting.news.append("log", {})
        return as_json({"undo": taken.events[0].batch, "taken_back": _lines(taken.about)})

    @operation(
        "The campaigns",
        {200: Reply(CampaignsReply, "And which one is played.")},
        problems={422: "The settings name one that is not there.", 503: "They cannot be read."},
    )
    async def list_campaigns(_request: HttpRequest) -> Response:
        return as_json(_campaigns(await ask(ListCampaigns())))

    @operation(
        "Play another campaign",
        {200: Reply(CampaignsReply, "It is played now.")},
        body=CampaignOrder,
        example={"name": "Thursdays", "new": True},
        problems={400: "The body is no JSON.", 422: "There is none, or one already.", 503: "It cannot be written."},
    )
    async def use(request: HttpRequest) -> Response:
        order = read(await request.body(), CampaignOrder)
        found = await ask(UseCampaign(order.name, new=order.new))
        sitting.news.append("log", {})
        return as_json(_campaigns(found))

    return [
        Route("/api/v1/log", look, methods=["GET"]),
        Route("/api/v1/log", add, methods=["POST"]),
        Route("/api/v1/undo", undo, methods=["POST"]),
        Route("/api/v1/campaigns", list_campaigns, methods=["GET"]),
        Route("/api/v1/campaigns", use, methods=["POST"]),
    ]


def _shown(recalled: Recalled) -> dict[str, object]:
    state, events = recalled.state, history(recalled.log)
    return {
        "campaign": recalled.campaign,
        "count": len(events),
        "events": _lines(events[-_MOST:]),
        "state": {
            "place": state.place,
            "present": list(state.present),
            "people": list(state.people.values()),
            "promises": list(state.promises.values()),
            "clocks": list(state.clocks.values()),
            "loot": list(state.loot),
        },
        "prepared": recalled.prepared.title if recalled.prepared else "",
    }


def _lines(events: Sequence[Event]) -> list[dict[str, object]]:
    return [
        {
            "id": event.id,
            "on": event.on,
            "kind": event.fact.kind,
            "line": line_of(event.fact),
            "secret": event.fact.secret,
        }
        for event in events
    ]


def _campaigns(found: Campaigns) -> dict[str, object]:
    return {"current": found.current, "campaigns": found.sizes}
