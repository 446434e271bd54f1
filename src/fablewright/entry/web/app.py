"""The server as one ASGI application: who may come in, how much at once, and what can be asked."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from fablewright.entry.web.doorkeeper import Door, Doorkeeper
from fablewright.entry.web.headers import SafeHeaders
from fablewright.entry.web.limits import Limits, LimitsKeeper
from fablewright.entry.web.openai_errors import OpenAIErrors
from fablewright.entry.web.problem import ProblemError, problem_response
from fablewright.entry.web.routes.assets import asset_routes
from fablewright.entry.web.routes.board import board_routes
from fablewright.entry.web.routes.cast import cast_routes
from fablewright.entry.web.routes.chat_completions import chat_routes
from fablewright.entry.web.routes.health import health_routes
from fablewright.entry.web.routes.log import log_routes
from fablewright.entry.web.routes.news import news_routes
from fablewright.entry.web.routes.openapi import openapi_routes
from fablewright.entry.web.routes.page import page_routes
from fablewright.entry.web.routes.passages import passage_routes
from fablewright.entry.web.routes.prepared import prepared_routes
from fablewright.entry.web.routes.ratings import rating_routes
from fablewright.entry.web.routes.runs import run_routes
from fablewright.entry.web.routes.setup import setup_routes
from fablewright.entry.web.routes.sources import source_routes
from fablewright.entry.web.routes.status import status_routes
from fablewright.entry.web.routes.system import system_routes
from fablewright.entry.web.routes.system_page import system_page_routes

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from fablewright.entry.web.sitting import Sitting

__all__ = ["routes_of", "web_app"]

_log = logging.getLogger(__name__)

_NO_LIMITS = Limits()


def web_app(sitting: Sitting, door: Door, limits: Limits = _NO_LIMITS, mcp: ASGIApp | None = None) -> ASGIApp:
    """Return the application.

    Args:
        sitting: What it serves.
        door: Who may come in.
        limits: How much at once.
        mcp: What answers at ``/mcp``, if anything does.
    """
    at_mcp = [] if mcp is None else [Route("/mcp", endpoint=mcp)]
    app = Starlette(
        routes=[*routes_of(sitting), *at_mcp],
        exception_handlers={ProblemError: _problem, HTTPException: _http, Exception: _crash},
    )
    # Around it, not as its middleware: what it answers to a crash has to come through here too.
    return SafeHeaders(OpenAIErrors(Doorkeeper(LimitsKeeper(app, limits), door)))


def routes_of(sitting: Sitting) -> list[BaseRoute]:
    """Return all routes but that of MCP."""
    return [
        *health_routes(sitting),
        *news_routes(sitting),
        *run_routes(sitting),
        *setup_routes(sitting),
        *status_routes(sitting),
        *passage_routes(sitting),
        *source_routes(sitting),
        *cast_routes(sitting),
        *prepared_routes(sitting),
        *rating_routes(sitting),
        *log_routes(sitting),
        *board_routes(sitting),
        *chat_routes(sitting),
        *system_routes(sitting),
        *page_routes(sitting),
        *system_page_routes(),
        *asset_routes(),
        *openapi_routes(),
    ]


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for it
    return error.response()


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    detail = {
        404: "There is nothing at this address.",
        405: f"{request.method} cannot be done here.",
    }.get(error.status_code, str(error.detail))
    return problem_response(error.status_code, detail, error.headers)


async def _crash(request: Request, error: Exception) -> Response:
    """Answer without the traceback; that is for the log alone."""
    _log.error("%s %s crashed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "Something went wrong here; the log file has the details.")
