"""Asks a server of ours over HTTP how it is doing, and switches its circuit breakers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx

from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["ServerClient"]

_PATIENCE = 5.0
"""Seconds; the server answers from memory."""


class ServerClient:
    """One server; used as ``async with``.

    Args:
        url: As it printed it.
        token: What it wants to be shown; empty for none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._http = httpx.AsyncClient(base_url=url, headers=headers, timeout=_PATIENCE, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def report(self) -> bytes:
        """Return how it is doing, as JSON.

        Raises:
            FablewrightError: It does not answer, or will not say.
        """
        return await self._ask("GET", "/api/v1/system", None)

    async def force(self, agent: str, action: str, state: str) -> None:
        """Have a circuit breaker ``open``, ``closed``, or judge by itself (``auto``).

        Raises:
            FablewrightError: It does not answer, or will not do it.
        """
        await self._ask("POST", "/api/v1/breakers", {"agent": agent, "action": action, "state": state})

    async def _ask(self, method: str, path: str, body: object) -> bytes:
        try:
            response = await self._http.request(method, path, json=body)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise FablewrightError(f"Nothing answers at {self._url}") from error
        if response.is_success:
            return response.content
        try:
            detail = str(json.loads(response.content)["detail"])
        except (ValueError, LookupError, TypeError):
            detail = f"What answers at {self._url} is no Fablewright"
        raise FablewrightError(detail.removesuffix("."))
