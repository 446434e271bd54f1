"""What the tests of the MCP server share: an open table over notes of their own, and one whose search hangs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry.assemble import open_notes
from fablewright.entry.config import Settings
from fablewright.entry.mcp.open_table import open_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from fablewright.entry.mcp.open_table import OpenTable
    from fablewright.gm.reading.notes import Passage

MILL = """# The mill

The miller is called Odo Brandt. He owes forty crowns.

## Secret

> [!danger] GM only
> Odo Brandt buried the bell under the wheel.
"""
HANGS = "hangs"


@pytest.fixture
def notes_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    (folder / "Places & people").mkdir(parents=True)
    (folder / "Places & people" / "The mill #1 (50%).md").write_text(MILL, "utf-8")
    (folder / "plain.txt").write_text("A ferry runs at noon.\n", "utf-8")
    (tmp_path / "outside.md").write_text("# Nobody may read this\n", "utf-8")
    return folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", timeout=30.0)


@pytest.fixture
async def table(settings: Settings, notes_folder: Path) -> AsyncIterator[OpenTable]:
    async with open_table(settings, open_notes(settings, [notes_folder])) as table:
        yield table


class Hanging(HaystackRetriever):
    """A retriever that never comes back from some searches."""

    async def retrieve(self, query: str, *, max_docs: int, filters: Mapping[str, str]) -> Sequence[Passage]:
        if HANGS in query:
            await asyncio.Event().wait()
        return await super().retrieve(query, max_docs=max_docs, filters=filters)


@pytest.fixture
def hanging_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fablewright.entry.crew.HaystackRetriever", Hanging)


@pytest.fixture
def nothing_is_left(table: OpenTable) -> Callable[[], Awaitable[None]]:
    """Wait until nothing is under way on the bus, and nobody follows anything: that is so at once or never."""

    async def wait() -> None:
        for _ in range(100):
            if not table.bus.statistics().pending:
                break
            await asyncio.sleep(0.01)
        assert table.bus.statistics().pending == 0
        assert not table.stages._stories
        assert not table.stages._followers

    return wait
