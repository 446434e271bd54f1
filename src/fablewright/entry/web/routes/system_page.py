"""The page about the server itself: what it shows comes from ``/api/v1/system`` each second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from fablewright.entry.web.assets import filled

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["system_page_routes"]


def system_page_routes() -> list[Route]:
    """Return the routes."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(filled("system.html"))

    return [Route("/system", page, methods=["GET"])]
