"""The page's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from fablewright.entry.web.assets import assets, version
from fablewright.entry.web.problem import ProblemError

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["asset_routes"]

_FOR_GOOD = "public, max-age=31536000, immutable"


def asset_routes() -> list[Route]:
    """Return the routes."""
    return [Route("/assets/{version}/{name}", _file, methods=["GET"])]


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
