"""MCP over HTTP for a server that has more to do: its SDK is imported when a client first asks, not at the start.

That takes a second or two, which most evenings need nobody pay.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fablewright.runtime.threads import IMPORTING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from starlette.types import Receive, Scope, Send

    from fablewright.entry.mcp.http import McpApp
    from fablewright.entry.mcp.open_table import OpenTable

__all__ = ["LateMcp", "has_sdk"]


def has_sdk() -> bool:
    """Whether the SDK is installed; nothing is imported."""
    return all(find_spec(name) is not None for name in ("mcp", "mcp_types"))  # SDKs before the second have no types


class LateMcp:
    """An ASGI application; used as ``async with`` for as long as it is served.

    Args:
        table: Who answers.
        hosts: What a ``Host`` header may be, with the port.
    """

    def __init__(self, table: OpenTable, *, hosts: Sequence[str]) -> None:
        self._table = table
        self._hosts = hosts
        self._app: McpApp | None = None
        self._opening = asyncio.Lock()
        self._is_ending = False
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.say_goodbye()
        await self._running.aclose()

    def say_goodbye(self) -> None:
        """End all sessions and streams now; whoever comes later is told that the server ends."""
        self._is_ending = True
        if self._app is not None:
            self._app.say_goodbye()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the first waits for the import."""
        app = self._app or await self._opened()
        await app(scope, receive, send)

    async def _opened(self) -> McpApp:
        async with self._opening:
            if self._app is None:
                app = (await self._table.bus.on_thread(_imported))(self._table, hosts=self._hosts)
                await self._running.enter_async_context(app.running())
                self._app = app
                if self._is_ending:
                    app.say_goodbye()
            return self._app


def _imported() -> type[McpApp]:
    with IMPORTING:
        from fablewright.entry.mcp.http import McpApp  # noqa: PLC0415 - it needs the SDK

        return McpApp
