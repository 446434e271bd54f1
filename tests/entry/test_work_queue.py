"""Work that is to survive is kept for each owner apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.entry.config import Settings
from fablewright.entry.work_queue import work_queue
from fablewright.gm.preparing.ports import Batch, Task

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_owners_have_work_of_their_own(tmp_path: Path) -> None:
    batch = Batch("b", "Tuesday")
    async with work_queue(Settings(data_dir=tmp_path, owner="anna")) as queue:
        await queue.accept(batch, [Task("t", "{}")])
    for owner, found in (("anna", batch), ("bob", None), ("", None)):
        async with work_queue(Settings(data_dir=tmp_path, owner=owner)) as queue:
            assert await queue.latest("Tuesday") == found
