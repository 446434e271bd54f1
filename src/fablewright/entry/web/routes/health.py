"""Whether the server runs (``/healthz``), whether it can answer (``/readyz``), and its statistics (``/metrics``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from fablewright.adapters.prometheus import exposition
from fablewright.entry.web.operation import Reply, operation
from fablewright.entry.web.problem import ProblemError
from fablewright.errors import MissingExtra, RequestFailed
from fablewright.gm.haystack_pipeline import DescribeNotes, HaystackPipeline

if TYPE_CHECKING:
    from starlette.requests import Request

    from fablewright.entry.web.sitting import Sitting

__all__ = ["health_routes"]


def health_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation("Whether the server runs", {200: Reply(None, "It does.", "text/plain", "ok\n")})
    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    @operation(
        "Whether it can answer",
        {200: Reply(None, "`ready`, or `reading notes` while not all are read yet.", "text/plain", "ready\n")},
        problems={503: "The notes cannot be searched."},
    )
    async def ready(_request: Request) -> Response:
        try:
            notes = await sitting.bus.ask(HaystackPipeline.name, DescribeNotes(), timeout=1.0)
        except RequestFailed as error:
            raise ProblemError(503, f"The notes cannot be searched: {error}", {"Retry-After": "1"}) from error
        return PlainTextResponse("reading notes\n" if notes.reading else "ready\n")

    @operation(
        "Statistics for Prometheus",
        {200: Reply(None, "In its text format.", "text/plain")},
        problems={501: "prometheus-client is not installed."},
    )
    async def metrics(_request: Request) -> Response:
        try:
            text, kind = exposition(sitting.bus)
        except MissingExtra as error:
            raise ProblemError(501, str(error)) from error
        return Response(text, media_type=kind)

    return [
        Route("/healthz", healthy, methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
    ]
