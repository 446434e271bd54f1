"""Scenes that are prepared: by ``prep``, and those that were asked for at the table and came late."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.preparation import find_session, take_to_table, topic_of
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.replies import RunReply
from fablewright.entry.web.routes.runs import described
from fablewright.entry.web.table_replies import PreparedReply, PreparedScene
from fablewright.entry.web.wire import as_json
from fablewright.entry.work_queue import work_queue
from fablewright.errors import FablewrightError, InvalidInput

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.preparation import Session
    from fablewright.entry.web.sitting import Sitting
    from fablewright.gm.preparing.prepared import Prepared

__all__ = ["prepared_routes"]


def prepared_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    async def session() -> Session | None:
        settings = sitting.settings
        try:
            topic = await topic_of(sitting.bus, sitting.notes, timeout=settings.timeout)
            async with work_queue(settings) as queue:
                return await find_session(queue, topic, await sitting.net.late())
        except FablewrightError as error:
            raise ProblemError(503, str(error)) from error

    @operation(
        "The scenes that are prepared",
        {200: Reply(PreparedReply, "Those of `prep` in their order, behind them those that came late.")},
        problems={503: "They cannot be read."},
    )
    async def look(_request: Request) -> Response:
        found = await session()
        if found is None:
            return as_json(PreparedReply("", []))
        scenes = [_shown(each) for each in (*found.scenes, *found.late)]
        return as_json(PreparedReply(found.words if found.progress.all else "", scenes))

    @operation(
        "Take a prepared scene to the table",
        {200: Reply(RunReply, "As if it had just been asked for, with what the log has to say to it now.")},
        problems={422: "There is no such scene, or it is not written yet.", 503: "It cannot be read."},
    )
    async def take(request: Request) -> Response:
        found = await session()
        number = request.path_params["number"]
        if found is None:
            raise ProblemError(422, f"There is no scene {number}: nothing is prepared.")
        try:
            answer = await take_to_table(sitting.bus, found, number, timeout=sitting.settings.timeout)
        except InvalidInput as error:
            raise ProblemError(422, str(error)) from error
        except FablewrightError as error:
            raise ProblemError(503, str(error)) from error
        return as_json(described(sitting.runs.adopt(answer, answer.scene.title.text if answer.scene else "")))

    return [
        Route("/api/v1/prepared", look, methods=["GET"]),
        Route("/api/v1/prepared/{number:int}", take, methods=["POST"]),
    ]


def _shown(scene: Prepared) -> PreparedScene:
    citations = scene.answer.citations if scene.answer is not None else ()
    files = list(dict.fromkeys(passage.file for passage in citations))
    return PreparedScene(scene.number, scene.title, scene.why, scene.state.value, scene.remark, files)
