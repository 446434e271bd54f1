"""Which queue keeps the work that is to survive this process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.entry.bus_network import nats_servers
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
    """Open the queue. A lease lasts longer than a scene can take.

    Raises:
        ConfigurationError: It is to be on NATS, and the URL is none, or the key or the certificates cannot be used.
        MissingExtra: It is to be on NATS, and what that needs is not installed.
    """
    threads = Threads(name="work")
    rules = JobRules(lease=settings.timeout + settings.model_timeout + _TO_KEEP)
    queue = _on_nats(settings, rules) if settings.work else SqliteQueue(settings.state_dir / _FILE, threads, rules)
    try:
        yield queue
    finally:
        await queue.close()
        threads.close()


def _on_nats(settings: Settings, rules: JobRules) -> WorkQueue:
    from fablewright.adapters.jetstream_queue import JetStreamQueue  # noqa: PLC0415 - only where it is wanted
    from fablewright.adapters.nats_access import Access  # noqa: PLC0415 - as above

    servers = nats_servers(settings.work, "The work queue")
    return JetStreamQueue(servers, rules, access=Access(settings.work_key, settings.bus_ca), owner=settings.owner)
