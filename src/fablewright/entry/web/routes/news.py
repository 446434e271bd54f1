"""What every open page is told, whoever asked for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from fablewright.entry.web.event_stream import event_stream
from fablewright.entry.web.operation import Header, Reply, operation

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from fablewright.entry.web.sitting import Sitting

__all__ = ["news_routes"]

_EVENTS = """\
Server-sent events that never end while the server runs: `grounded` {answer} (a scene that came without the notes is
there with them), `notes` {file, outcome, remark} (what has been read), `prepared` {words} (a scene that nobody could
make in time is there), `bye` (the server ends)."""
_STREAMED = 'id: 9be01c44.0\nevent: notes\ndata: {"file":"Thole.md","outcome":"indexed","remark":""}\n\n'


def news_routes(sitting: Sitting) -> list[Route]:
    """Return the routes."""

    @operation(
        "Follow the news",
        {
            200: Reply(None, "What every page is told.", "text/event-stream", _STREAMED),
            204: Reply(None, "Nothing will come any more.", ""),
        },
        detail=_EVENTS,
        headers=(Header("Last-Event-ID", "The id of the event that you had last."),),
    )
    async def follow(request: Request) -> Response:
        return event_stream(request, sitting.news)

    return [Route("/api/v1/news/events", follow, methods=["GET"])]
