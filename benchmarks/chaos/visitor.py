"""Asks a server for scenes as a page or a program does: over HTTP, of whichever process serves at that time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from benchmarks.chaos.books import key_of_late, key_of_scene
from fablewright.entry.safety_net import PROMISE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

__all__ = ["ACCEPTED", "PROMISED", "TIMEOUT", "Heard", "Visitor"]

ACCEPTED = "promised"
"""The outcome where the server says that the scene will be there later: it has accepted it."""
TIMEOUT = 4.0
"""Seconds that the server is told to take for an answer, "timeout" among its settings."""
PROMISED = TIMEOUT + 0.5
"""Seconds until it has an answer: one that is too late is tried once more, shortly, without the notes."""
_MORE = 0.5
"""Seconds that one waits longer than that before one hangs up."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a request.

    Attributes:
        outcome: An answer's status, the status of HTTP, or the name of what went wrong.
        key: Of the scene; empty where there is none.
    """

    outcome: str
    key: str = ""


class Visitor:
    """See the top of the file.

    Args:
        address: Returns where the server is now.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client = httpx.AsyncClient(timeout=2 * PROMISED, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def ask(self, words: str, *, seed: int) -> Heard:
        """Ask for a scene; who hears nothing hangs up in the end."""
        order = {"words": words, "want": "scene", "seed": seed, "prose": False}
        try:
            async with asyncio.timeout(PROMISED + _MORE):
                reply = await self._client.post(f"{self._address()}/api/v1/answers", json=order)
        except httpx.HTTPError as error:
            return Heard(type(error).__name__)
        except TimeoutError:
            return Heard("hung up")
        if reply.status_code != httpx.codes.OK:
            return Heard(f"HTTP {reply.status_code}")
        answer = reply.json()
        if PROMISE in answer["missing"]:
            return Heard(ACCEPTED, key_of_late(seed))
        scene = answer["scene"]
        return Heard(answer["status"], key_of_scene(scene["title"]["text"], reply.text) if scene else "")
