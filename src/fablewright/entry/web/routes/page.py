"""The page of the GM (``/``), that of the players (``/play``), and the files that both are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from fablewright.entry.web.assets import assets, filled, version
from fablewright.entry.web.event_stream import event_stream
from fablewright.entry.web.problem import ProblemError
from fablewright.gm.rules.party import parse_party

if TYPE_CHECKING:
    from starlette.requests import Request

    from fablewright.entry.web.sitting import Sitting

__all__ = ["page_routes"]

_FOR_GOOD = "public, max-age=31536000, immutable"


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
        Route("/assets/{version}/{name}", _file, methods=["GET"]),
    ]


async def _file(request: Request) -> Response:
    asset = assets().get(request.path_params["name"])
    if asset is None:
        raise ProblemError(404, "There is no such file.")
    # An older page asks for files of an older version: it gets today's, and is not to keep them.
    kept = _FOR_GOOD if request.path_params["version"] == version() else "no-cache"
    headers = {"ETag": asset.etag, "Cache-Control": kept}
    if request.headers.get("if-none-match") == asset.etag:
        return Response(status_code=304, headers=headers)
    return Response(asset.body, headers=headers, media_type=asset.kind)
