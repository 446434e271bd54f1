"""Where the runtime reads the time: here and nowhere else."""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Clock", "LoopClock"]


class Clock(Protocol):
    """A monotonic clock."""

    def now(self) -> float:
        """Return the time in seconds; only differences mean anything."""
        ...


class LoopClock:
    """The running event loop's clock, so that deadlines and timers agree, also in virtual time."""

    def now(self) -> float:
        """Return the loop's time in seconds."""
        return asyncio.get_running_loop().time()
