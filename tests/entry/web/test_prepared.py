"""What is prepared, over the API: listed, and taken to the table."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from fablewright.entry.config import Settings
from fablewright.entry.scene_order import order_written
from fablewright.entry.web.app import web_app
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import sitting
from fablewright.gm.campaign.memory import CampaignMemory, RecallScene
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.preparing.accepted import AcceptedScene

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8710"


async def test_a_scene_that_its_asker_did_not_live_to_see_is_listed_and_taken_to_the_table(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, prose="off", timeout=60.0)
    async with sitting(settings) as table:
        app = web_app(table, Door(frozenset({HOST})))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}") as client:
            assert (await client.get("/api/v1/prepared")).json() == {"words": "", "scenes": []}
            missing = await client.post("/api/v1/prepared/1")
            assert (missing.status_code, missing.json()["detail"]) == (422, "There is no scene 1: nothing is prepared.")
            assert table.net.scenes is not None
            request = HandleRequest("the first encounter", request_key="abc", prose=False)
            asked = AcceptedScene("abc", request.words, time.time() - 60, 0.0, order_written(request))
            await table.net.scenes.accept(asked)
            news = table.news.follow(after=table.news.last_id)
            async for event in news:
                if event.kind == "prepared":
                    assert json.loads(event.data) == {"words": "the first encounter"}
                    break
            (scene,) = (await client.get("/api/v1/prepared")).json()["scenes"]
            assert scene["title"] == "First encounter: the Small Change robs the queue"
            assert scene["why"].startswith("you asked for it at ")
            assert scene["why"].endswith(", and it came late")
            assert (scene["state"], scene["number"]) == ("done", 1)
            assert "First encounter.md" in scene["sources"]
            before = await table.bus.ask(CampaignMemory.name, RecallScene(), timeout=10.0)
            assert before.prepared is None  # until it is taken, the table goes on with what it has
            taken = (await client.post("/api/v1/prepared/1")).json()
            assert taken["answer"]["scene"]["title"]["text"] == scene["title"]
            assert (await client.get(f"/api/v1/runs/{taken['id']}")).json()["state"] == "done"
            after = await table.bus.ask(CampaignMemory.name, RecallScene(), timeout=10.0)
            assert after.prepared is not None
