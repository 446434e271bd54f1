"""The API's own description, as OpenAPI 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from fablewright.entry.web.openapi import openapi_document
from fablewright.entry.web.operation import Reply, operation

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["openapi_routes"]


def openapi_routes() -> list[Route]:
    """Return the routes."""
    made: list[bytes] = []

    @operation("This description", {200: Reply(dict[str, Any], "An OpenAPI 3.1 document.")})
    async def describe(request: Request) -> Response:
        if not made:  # all routes are known once somebody asks
            routes = [route for route in request.app.routes if isinstance(route, Route)]
            made.append(msgspec.json.encode(openapi_document(routes)))
        return Response(made[0], media_type="application/json")

    return [Route("/api/v1/openapi.json", describe, methods=["GET"])]
