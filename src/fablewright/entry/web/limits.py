"""How much one server takes at once: bodies, requests, streams. What is too much is refused before it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from fablewright.entry.web.problem import ProblemError, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Limits", "LimitsKeeper"]


@dataclass(frozen=True, slots=True)
class Limits:
    """See the attributes.

    Attributes:
        body: Bytes of a body.
        upload: Bytes of a file that is uploaded.
        requests: Requests at once that are answered and over.
        streams: Streams of events at once; each browser window keeps two.
    """

    body: int = 256 * 1024
    upload: int = 200_000_000
    requests: int = 100
    streams: int = 400


class LimitsKeeper:
    """ASGI middleware that refuses what is too much.

    Args:
        app: Who is behind it.
        limits: How much.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._requests = 0
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._limits.upload if scope["path"].startswith("/api/v1/uploads/") else self._limits.body
        if _announced(Headers(scope=scope)) > most:
            await _too_large(most).response()(scope, receive, send)
            return
        is_stream = scope["path"].endswith("/events") or scope["path"] == "/mcp"
        if self._is_full(is_stream=is_stream):
            busy = problem_response(429, "Too many requests at once: try again in a second.", {"Retry-After": "1"})
            await busy(scope, receive, send)
            return
        self._count(1, is_stream=is_stream)
        try:
            await self._app(scope, _Counted(receive, most), send)
        except ProblemError as problem:  # out of an application that does not answer them itself
            await problem.response()(scope, receive, send)
        finally:
            self._count(-1, is_stream=is_stream)

    def _is_full(self, *, is_stream: bool) -> bool:
        if is_stream:
            return self._streams >= self._limits.streams
        return self._requests >= self._limits.requests

    def _count(self, change: int, *, is_stream: bool) -> None:
        if is_stream:
            self._streams += change
        else:
            self._requests += change


class _Counted:
    """Hands on the parts of a body until there are too many of them; what was announced may be wrong."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive = receive
        self._most = most
        self._left = most

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _too_large(self._most)
        return message


def _announced(headers: Headers) -> int:
    """Return the length that a body is said to have; 0 when nothing sensible is said."""
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, f"That is too large: at most {most:,} bytes are read.")
