"""Below ``/v1/`` every problem has OpenAI's shape, whoever found it: clients of that API show ``error.message``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from starlette.datastructures import MutableHeaders

from fablewright.entry.web.problem import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OpenAIErrors", "openai_error"]

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded"}


def openai_error(status: int, message: str) -> dict[str, Any]:
    """Return a problem in OpenAI's shape."""
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": _CODES.get(status)}}


class OpenAIErrors:
    """ASGI middleware that gives problems below ``/v1/`` their shape."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a request, and change what is answered if it is a problem."""
        is_theirs = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await self._app(scope, receive, _Reshaped(send) if is_theirs else send)


class _Reshaped:
    """Sends what is no problem as it is; holds a problem's head back until its body is there."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._head: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            if headers.get("content-type") == "application/problem+json":
                self._head = message
                return
        if self._head is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body", False):
            await self._answer(self._head)

    async def _answer(self, head: Message) -> None:
        problem = msgspec.json.decode(self._body, type=Problem)
        body = msgspec.json.encode(openai_error(problem.status, problem.detail))
        headers = MutableHeaders(raw=[*head["headers"]])
        headers["content-type"] = "application/json"
        headers["content-length"] = str(len(body))
        await self._send({**head, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})
