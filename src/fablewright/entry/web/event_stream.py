"""Server-sent events: an event log on the wire, with a sign of life while nothing happens.

See the HTML standard, "Server-sent events". A browser that is cut off comes again with ``Last-Event-ID``,
or with ``?after=`` where a script connects anew.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from fablewright.entry.web.event_log import EventLog, LoggedEvent

__all__ = ["event_stream", "on_the_wire"]

_SIGN_OF_LIFE = 15.0
"""Seconds; what stands between may close a connection that is silent for half a minute."""
_COME_AGAIN = 1000
"""Milliseconds after which a browser that was cut off comes again."""


def event_stream(request: Request, log: EventLog) -> Response:
    """Return the events of a log as a response, from after the one that the client had last.

    A client that has had the last of all is told not to come again (204).
    """
    after = (request.headers.get("last-event-id") or request.query_params.get("after", ""))[:64]
    if log.is_told(after):
        return Response(status_code=204)
    return StreamingResponse(
        _stream(log, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def on_the_wire(event: LoggedEvent) -> str:
    """Return an event as it is sent; its data is one line."""
    if not event.kind:
        return ": still here\n\n"
    mark = f"id: {event.id}\n" if event.id else ""
    return f"{mark}event: {event.kind}\ndata: {event.data}\n\n"


async def _stream(log: EventLog, after: str) -> AsyncIterator[str]:
    yield f"retry: {_COME_AGAIN}\n\n"
    async with aclosing(log.follow(after, quiet=_SIGN_OF_LIFE)) as events:
        async for event in events:
            yield on_the_wire(event)
