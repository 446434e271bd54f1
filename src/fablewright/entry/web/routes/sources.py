"""What a question finds in the notes, and what became of it: as ``fablewright why`` tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.operation import Query, Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.table_replies import SourcesReply
from fablewright.entry.web.wire import as_json
from fablewright.entry.why import explained, explanation_data
from fablewright.errors import FablewrightError
from fablewright.gm.orchestrator import LONGEST_REQUEST

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["source_routes"]


def source_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "What a question finds in the notes",
        {200: Reply(SourcesReply, "As `fablewright why` tells it.")},
        queries=(Query("question", "A person's words."),),
        problems={422: "There is no question.", 503: "The notes cannot be searched."},
    )
    async def look(request: Request) -> Response:
        question = request.query_params.get("question", "")
        if not question.strip() or len(question) > LONGEST_REQUEST:
            raise ProblemError(422, f"Say what was asked, in 1 to {LONGEST_REQUEST:,} characters.")
        try:
            explanation, remarks = await explained(sitting.settings, sitting.notes, question, bus=sitting.bus)
        except FablewrightError as error:
            raise ProblemError(503, f"The notes cannot be searched: {error}") from error
        data = explanation_data(explanation)
        return as_json({**data, "remarks": remarks})

    return [Route("/api/v1/sources", look, methods=["GET"])]
