"""When each part of the assistant answered well last, and what it said when it did not."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.runtime.events import Event

__all__ = ["GoodAnswers", "Part"]

Part: TypeAlias = Literal["notes", "model", "rules"]

_PARTS: Mapping[tuple[str, str], Part] = {
    ("haystack_pipeline", "retrieve_documents"): "notes",
    ("writer", "write_prose"): "model",
    ("orchestrator", "handle_request"): "rules",  # every answer went through them
}


@dataclass(slots=True)
class GoodAnswers:
    """An observer of the bus.

    Attributes:
        clock: Returns seconds that only grow.
    """

    clock: Callable[[], float] = time.monotonic
    _at: dict[Part, float] = field(default_factory=dict)
    _trouble: dict[Part, str] = field(default_factory=dict)

    def observe(self, event: Event) -> None:
        """Take note of how a request ended."""
        part = _PARTS.get((event.to, event.action))
        if part is None:
            return
        if event.what == "refused":
            self._trouble[part] = "left alone for a while, after it failed several times"
        elif event.what == "ended" and event.detail.startswith("expired"):
            self._trouble[part] = "did not answer in time"
        elif event.what == "ended" and event.detail.startswith("failed"):
            self._trouble[part] = "failed when it was asked last"
        elif part != "model" and (event.what == "cached" or (event.what == "ended" and event.detail == "replied")):
            self.good(part)  # a stream of prose also ends well where there is no model: see ``Runs``

    def good(self, part: Part) -> None:
        """Take note of a good answer."""
        self._at[part] = self.clock()
        self._trouble.pop(part, None)

    def age(self, part: Part) -> float | None:
        """Return the seconds since the last good answer; None where there was none."""
        return self.clock() - self._at[part] if part in self._at else None

    def trouble(self, part: Part) -> str:
        """Return what went wrong since; empty where nothing did."""
        return self._trouble.get(part, "")
