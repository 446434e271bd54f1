"""What every open page is told, whoever asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.event_stream import event_stream

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["news_routes"]


def news_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    async def follow(request: Request) -> Response:
        return event_stream(request, sitting.news)

    return [Route("/api/v1/news/events", follow, methods=["GET"])]
