"""The page of the GM (``/``), and that of the players (``/play``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fablewright.entry.web.assets import filled, version
from fablewright.entry.web.event_stream import event_stream
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from starlette.requests import Request

    from fablewright.entry.web.sitting import Sitting

__all__ = ["page_routes"]


def page_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    async def table(_request: Request) -> Response:
        settings = sitting.settings
        party = parse_party(settings.party)
        return HTMLResponse(
            filled("table.html", notes=sitting.notes.label, party=party.words, short=str(party), rules=settings.rules)
        )

    async def players(_request: Request) -> Response:
        return HTMLResponse(filled("players.html"))

    async def follow_board(request: Request) -> Response:
        return event_stream(request, sitting.board.log)

    async def icon(_request: Request) -> Response:
        return RedirectResponse(f"/assets/{version()}/icon.svg")

    return [
        Route("/", table, methods=["GET"]),
        Route("/play", players, methods=["GET"]),
        Route("/play/events", follow_board, methods=["GET"]),
        Route("/favicon.ico", icon, methods=["GET"]),
    ]
