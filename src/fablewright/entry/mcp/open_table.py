"""A table that is open for questions: the assistant that runs, and whose notes and settings it has."""

from __future__ import annotations

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fablewright.entry.answering import settle
from fablewright.entry.assemble import assistant
from fablewright.entry.stages import Stages

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings
    from fablewright.runtime.bus import Bus

__all__ = ["OpenTable", "open_table"]


class OpenTable(Protocol):
    """What a request needs; asked anew for each, so a server may go on with other settings."""

    @property
    def bus(self) -> Bus:
        """With all agents up."""
        ...

    @property
    def settings(self) -> Settings:
        """Who plays, and how long an answer may take."""
        ...

    @property
    def notes(self) -> Notes:
        """What the agents search."""
        ...

    @property
    def stages(self) -> Stages:
        """Observes the bus."""
        ...

    @property
    def seeds(self) -> Iterator[int | None]:
        """One for each request that brings none: the same dice all evening would make a dull game."""
        ...


@dataclass(frozen=True, slots=True)
class _Opened:
    bus: Bus
    settings: Settings
    notes: Notes
    stages: Stages
    seeds: Iterator[int | None]


@asynccontextmanager
async def open_table(settings: Settings, notes: Notes) -> AsyncIterator[OpenTable]:
    """Run the assistant; what was told to the campaign's memory is kept before it ends.

    Raises:
        FablewrightError: As ``assistant``.
    """
    stages = Stages()
    seeds = itertools.repeat(None) if settings.seed is None else itertools.count(settings.seed)
    async with assistant(settings, notes, on_report=stages.read) as bus:
        bus.observe(stages)
        try:
            yield _Opened(bus, settings, notes, stages, seeds)
        finally:
            await settle(bus)
