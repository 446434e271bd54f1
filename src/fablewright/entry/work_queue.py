"""Which queue keeps the work that is to survive this process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fablewright.entry.config import Settings
    from fablewright.gm.preparing.ports import WorkQueue

__all__ = ["work_queue"]

_FILE = "work.sqlite"
_TO_KEEP = 30.0
"""Seconds that a piece of work may take beside its answer: to be begun, and to be kept."""


@asynccontextmanager
async def work_queue(settings: Settings) -> AsyncIterator[WorkQueue]:
    """Open the queue. A lease lasts longer than a scene can take."""
    threads = Threads(name="work")
    queue = SqliteQueue(settings.data_dir / _FILE, threads, _rules(settings))
    try:
        yield queue
    finally:
        await queue.close()
        threads.close()


def _rules(settings: Settings) -> JobRules:
    return JobRules(lease=settings.timeout + settings.model_timeout + _TO_KEEP)
