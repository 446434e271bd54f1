from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.entry.stages import Stages
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.reading.notes import FileReport

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_each_follower_hears_of_her_own_request_and_of_each_stage_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", timeout=30.0)
    stages, heard, others = Stages(), list[str](), list[str]()
    async with assistant(settings, open_notes(settings, ())) as bus:
        bus.observe(stages)
        with stages.followed(others.append):
            await bus.ask("orchestrator", HandleRequest("2d6", want="dice"))
        with stages.followed(heard.append):
            await bus.ask("orchestrator", HandleRequest("the first encounter", want="scene", seed=1), timeout=30.0)
        await bus.ask("orchestrator", HandleRequest("the first encounter", want="scene", seed=1), timeout=30.0)
    assert others == ["Reading the request"]
    assert heard[0] == "Reading the request"
    assert len(heard) == len(set(heard))
    assert [words for words in heard if words.startswith(("Prep", "Search", "Found"))] == [
        "Preparing a scene",
        "Searching the notes",
        "Found passages; putting the answer together",
    ]
    assert not stages._stories


async def test_nothing_is_kept_of_a_request_that_nobody_follows_to_its_end(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", timeout=30.0)
    stages = Stages()
    async with assistant(settings, open_notes(settings, ())) as bus:
        bus.observe(stages)
        with stages.followed(lambda _words: None), pytest.raises(Exception, match="no agent"):
            await bus.ask("nobody", HandleRequest("2d6"))
        assert not stages._stories
        assert not stages._followers


def test_how_many_notes_are_read_is_told_now_and_then() -> None:
    stages, heard = Stages(), list[str]()
    stages.read(FileReport("early.md", "read"))
    with stages.followed(heard.append):
        for number in range(60):
            stages.read(FileReport(f"{number}.md", "read"))
            stages.read(FileReport(f"old {number}.md", "unchanged"))
    assert heard == ["Reading the notes: 25 files so far", "Reading the notes: 50 files so far"]
