"""Set-up without a terminal: notes are uploaded, and what is to hold is chosen."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.setup import Choice, choose, described
from fablewright.entry.web.uploads import Uploads
from fablewright.entry.web.wire import as_json, read

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["setup_routes"]

_DOCUMENTS = 10
"""How many times larger than a text file a document may be that holds pictures too; see ``assemble``."""


def setup_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    def uploads() -> Uploads:
        settings = sitting.settings
        most = _DOCUMENTS * settings.max_file_mb * 1_000_000
        return Uploads(settings.data_dir / "uploads", sitting.notes.source.suffixes, most)

    async def look(_request: Request) -> Response:
        return as_json(described(sitting))

    async def change(request: Request) -> Response:
        choice = read(await request.body(), Choice)
        await choose(sitting, uploads(), choice, is_here=_is_here(request))
        return as_json(described(sitting))

    async def begin(_request: Request) -> Response:
        made = uploads().begin()
        return as_json({"id": made}, 201, {"Location": f"/api/v1/uploads/{made}"})

    async def put(request: Request) -> Response:
        if "content-length" not in request.headers:
            raise ProblemError(411, "Say how long the file is: Content-Length.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/octet-stream":
            raise ProblemError(415, "Send the file as it is: Content-Type: application/octet-stream.")
        length = await uploads().put(request.path_params["upload"], request.path_params["name"], request.stream())
        return as_json({"bytes": length}, 201)

    return [
        Route("/api/v1/setup", look, methods=["GET"]),
        Route("/api/v1/setup", change, methods=["PUT"]),
        Route("/api/v1/uploads", begin, methods=["POST"]),
        Route("/api/v1/uploads/{upload}/{name:path}", put, methods=["PUT"]),
    ]


def _is_here(request: Request) -> bool:
    """Whether whoever asks sits at this machine."""
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False
