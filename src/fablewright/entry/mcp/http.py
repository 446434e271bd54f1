"""The server over streamable HTTP: an ASGI application to be put under a path of another one.

It has limits of its own, whatever stands in front of it. Host and Origin are checked before a byte of the body is
read. A session belongs to whoever opened it: for everybody else it is not there. Sessions are counted, end when they
are idle, and so are requests that are under way; a body has a size and a time. Clients of the protocol's newest
version need no session: their requests stand for themselves.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response

from fablewright.entry.mcp.server import mcp_server
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from fablewright.entry.mcp.open_table import OpenTable

__all__ = ["HttpLimits", "McpApp", "caller"]


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What clients may take.

    Attributes:
        sessions: That are open at once; beyond, 503.
        idle: Seconds without a request after which a session ends.
        exchanges: HTTP requests that are under way at once; beyond, 429. At most ``server.MOST_CALLS`` of them have
            a tool at work, so that there is always room to cancel one.
        body: Bytes of a request; beyond, 413.
        patience: Seconds that a request's body may take to arrive; beyond, 408.
    """

    sessions: int = 64
    idle: float = 1800.0
    exchanges: int = 128
    body: int = 256_000
    patience: float = 10.0


_LIMITS = HttpLimits()
_TO_LEAVE = 5.0
"""Seconds that sessions have to end in; each only has to tell its client."""


def caller(scope: Scope) -> str:
    """Say who sends a request, as well as it can be told: from which address, and with which credential."""
    address = (scope.get("client") or ("",))[0]
    credential = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    return f"{address} {hashlib.sha256(credential).hexdigest()}"


class McpApp:
    """The application; nothing is answered before it is ``running``.

    ::

        mcp = McpApp(table, hosts=["127.0.0.1:8080", "localhost:8080"])
        app = Starlette(routes=[Route("/mcp", endpoint=mcp)], lifespan=lambda app: mcp.running())

    Args:
        table: Who answers.
        hosts: What a ``Host`` header may be, with the port; an ``Origin`` may be absent, or one of these over HTTP(S).
        who: Tells those who send requests apart; what it returns is compared and never shown.
        limits: What they may take.
    """

    def __init__(
        self,
        table: OpenTable,
        *,
        hosts: Sequence[str],
        who: Callable[[Scope], str] = caller,
        limits: HttpLimits = _LIMITS,
    ) -> None:
        origins = [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
        security = TransportSecuritySettings(allowed_hosts=list(hosts), allowed_origins=origins)
        self._security = TransportSecurityMiddleware(security)
        self._sessions = StreamableHTTPSessionManager(
            mcp_server(table),
            security_settings=security,
            session_idle_timeout=limits.idle,
            max_request_body_size=limits.body,
            max_sessions=limits.sessions,
        )
        # It would write a line, with the session's id in it, for each request that is refused.
        logging.getLogger("mcp.server").setLevel(logging.ERROR)
        self._who = who
        self._limits = limits
        self._exchanges = 0
        self._ending = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer requests within; at the end sessions are closed and what is under way is cancelled. Once only."""
        supervisor, ready = Supervisor(), asyncio.Event()

        async def run() -> None:  # in a task of its own, for the SDK's scopes end in the order in which they began
            async with self._sessions.run():
                ready.set()
                await self._ending.wait()

        task = supervisor.start(run(), name="MCP sessions", on_end=ready.set)
        await ready.wait()
        try:
            yield
        finally:
            self.say_goodbye()
            await asyncio.wait([task], timeout=_TO_LEAVE)
            await supervisor.stop()

    def say_goodbye(self) -> None:
        """End all sessions and streams now, so that a server which shuts down need not wait for who listens."""
        self._ending.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        refusal = await self._security.validate_request(Request(scope))
        if refusal is None and self._ending.is_set():
            refusal = _refusal(503, "The server ends.")
        if refusal is None and scope["method"] == "POST" and self._exchanges >= self._limits.exchanges:
            refusal = _refusal(429, "Too many requests are under way; try again in a moment.")
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # The SDK gives a session to nobody but the user who opened it.
        user = AuthenticatedUser(AccessToken(token="", client_id=self._who(scope), scopes=[]))
        body = _Body(receive, self._limits.patience)
        counts = scope["method"] == "POST"  # a GET is a session's one stream, and sessions are counted
        self._exchanges += counts
        try:
            await self._sessions.handle_request({**scope, "user": user}, body.receive, send)
        except TimeoutError:
            if body.is_whole:
                raise
            await _refusal(408, "The request took too long to arrive.")(scope, receive, send)
        finally:
            self._exchanges -= counts


class _Body:
    """What the client sends, as long as it does not take too long; that it hangs up may take as long as it likes."""

    def __init__(self, receive: Receive, patience: float) -> None:
        self._receive = receive
        self._until = asyncio.get_running_loop().time() + patience
        self.is_whole = False

    async def receive(self) -> Message:
        if self.is_whole:
            return await self._receive()
        async with asyncio.timeout_at(self._until):
            message = await self._receive()
        self.is_whole = not message.get("more_body", False)
        return message


def _refusal(status: int, words: str) -> Response:
    content = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": words}}
    headers = {"Retry-After": "1"} if status == 429 else {}
    return Response(json.dumps(content), status, headers, "application/json")
