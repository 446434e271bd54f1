"""How the server is doing: agents, who waits for whom, circuit breakers and their switch, and requests' stories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.routing import Route

from fablewright.entry.system_report import BreakerReport, Forced, SystemReport
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.stories import Stories, StoriesReply, StoryReply
from fablewright.entry.web.wire import as_json, read
from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["system_routes"]


class BreakerOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a circuit breaker is to stand."""

    agent: str
    action: str
    state: Forced


_BREAKER = {"agent": "haystack_pipeline", "action": "retrieve_documents"}
_NO_STORY = {404: "There is no such story, or several begin so; `detail` names the nearest."}


def system_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""
    kept: list[Stories] = []

    def told() -> Stories:
        if not kept:
            kept.append(Stories(sitting.settings.data_dir))
        return kept[0]

    @operation("How the server is doing", {200: Reply(SystemReport, "As it is now.")})
    async def system(_request: Request) -> Response:
        return as_json(await sitting.system.look())

    @operation(
        "Force a circuit breaker open or closed",
        {200: Reply(BreakerReport, "How it stands now.")},
        detail="`auto` lets it judge by itself again: what was forced open is tried by the next caller.",
        body=BreakerOrder,
        example={**_BREAKER, "state": "auto"},
        problems={404: "There is no circuit breaker of that name.", 422: "The order makes no sense."},
    )
    async def force(request: Request) -> Response:
        order = read(await request.body(), BreakerOrder)
        await sitting.system.force(order.agent, order.action, order.state)
        for each in (await sitting.system.look()).breakers:
            if (each.agent, each.action) == (order.agent, order.action):
                return as_json(each)
        raise ProblemError(404, f"{order.agent}.{order.action} has no circuit breaker."[:200])

    @operation(
        "The latest stories", {200: Reply(StoriesReply, "Up to 50.")}, detail="A request is told a second later."
    )
    async def latest(_request: Request) -> Response:
        return as_json(await sitting.bus.on_thread(told().latest))

    @operation(
        "One request's story", {200: Reply(StoryReply, "Who asked whom, and how long it took.")}, problems=_NO_STORY
    )
    async def story(request: Request) -> Response:
        try:
            return as_json(await sitting.bus.on_thread(told().find, request.path_params["story"]))
        except InvalidInput as error:
            raise ProblemError(404, str(error)) from error

    return [
        Route("/api/v1/system", system, methods=["GET"]),
        Route("/api/v1/breakers", force, methods=["POST"]),
        Route("/api/v1/stories", latest, methods=["GET"]),
        Route("/api/v1/stories/{story}", story, methods=["GET"]),
    ]
