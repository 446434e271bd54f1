"""What keeps the work that is to survive this process: batches in a queue, scenes of the table in a ledger."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.adapters.sqlite_ledger import SqliteLedger
from fablewright.adapters.sqlite_queue import SqliteQueue
from fablewright.entry.bus_network import nats_servers
from fablewright.protocol.job import JobRules
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fablewright.adapters.nats_access import Access
    from fablewright.entry.config import Settings
    from fablewright.gm.preparing.ledger import Ledger
    from fablewright.gm.preparing.ports import WorkQueue

__all__ = ["open_ledger", "rules", "work_queue"]

_FILE, _ACCEPTED = "work.sqlite", "accepted.sqlite"
_TO_KEEP = 30.0
"""Seconds that a piece of work may take beside its answer: to be begun, and to be kept."""


@asynccontextmanager
async def work_queue(settings: Settings) -> AsyncIterator[WorkQueue]:
    """Open the queue.

    Raises:
        ConfigurationError: It is to be on NATS, and the URL is none, or the key or the certificates cannot be used.
        MissingExtra: It is to be on NATS, and what that needs is not installed.
    """
    threads = Threads(name="work")
    file = settings.state_dir / _FILE
    queue = _nats_queue(settings) if settings.work else SqliteQueue(file, threads, rules(settings))
    try:
        yield queue
    finally:
        await queue.close()
        threads.close()


@asynccontextmanager
async def open_ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger; raises as ``work_queue``."""
    threads = Threads(name="accepted")
    ledger = _nats_ledger(settings) if settings.work else SqliteLedger(settings.state_dir / _ACCEPTED, threads)
    try:
        yield ledger
    finally:
        await ledger.close()
        threads.close()


def rules(settings: Settings) -> JobRules:
    """Return how long a piece of work is somebody's: longer than a scene can take."""
    return JobRules(lease=settings.timeout + settings.model_timeout + _TO_KEEP)


def _nats_queue(settings: Settings) -> WorkQueue:
    from fablewright.adapters.jetstream_queue import JetStreamQueue  # noqa: PLC0415 - only where it is wanted

    servers, access = _nats(settings)
    return JetStreamQueue(servers, rules(settings), access=access, owner=settings.owner)


def _nats_ledger(settings: Settings) -> Ledger:
    from fablewright.adapters.jetstream_ledger import JetStreamLedger  # noqa: PLC0415 - as above

    servers, access = _nats(settings)
    return JetStreamLedger(servers, access=access, owner=settings.owner)


def _nats(settings: Settings) -> tuple[list[str], Access]:
    """Return which servers keep the work, and how they are entered."""
    from fablewright.adapters.nats_access import Access  # noqa: PLC0415 - as above

    return nats_servers(settings.work, "The work queue"), Access(settings.work_key, settings.bus_ca)
