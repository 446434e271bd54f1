"""How a server that runs says how it is doing, and its switch for circuit breakers."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import httpx
import pytest
from textual.widgets import Static

from fablewright.adapters.server_client import ServerClient
from fablewright.entry.top import Top

get, post = partial(httpx.get, timeout=30), partial(httpx.post, timeout=30)
SCENE = {"words": "generate scenario for the first encounter"}
SEARCH = {"agent": "haystack_pipeline", "action": "retrieve_documents"}


def system(served: Any) -> Any:
    return get(f"{served.url}/api/v1/system").json()


def breaker_of_search(served: Any) -> Any:
    return next(each for each in system(served)["breakers"] if each["action"] == "retrieve_documents")


def test_what_was_asked_is_counted_and_timed(served: Any) -> None:
    assert post(f"{served.url}/api/v1/answers", json=SCENE).status_code == 200
    seen = system(served)
    assert seen["asked"] == sum(seen["outcomes"].values()) + seen["pending_count"]
    names = {agent["name"] for agent in seen["agents"]}
    assert {"orchestrator", "scenario_generator", "haystack_pipeline", "campaign_memory"} <= names
    assert all(agent["room"] >= agent["waiting"] and agent["concurrency"] >= 1 for agent in seen["agents"])
    asked = next(each for each in seen["actions"] if each["action"] == "handle_request")
    assert asked["outcomes"]["replied"] == sum(bucket["count"] for bucket in asked["latency"]) >= 1
    assert asked["p50_ms"] <= asked["p95_ms"] <= asked["p99_ms"] <= 1.26 * asked["latency"][-1]["upto_ms"]
    cache = next(each for each in seen["caches"] if each["action"] == "retrieve_documents")
    assert cache["entries"] >= 1


def test_a_breaker_is_forced_open_closed_and_released(served: Any) -> None:
    url = f"{served.url}/api/v1/breakers"
    try:
        opened = post(url, json={**SEARCH, "state": "open"}).json()
        assert (opened["state"], opened["retry_ms"]) == ("forced_open", None)
        answer = post(f"{served.url}/api/v1/answers", json={"words": "the ferryman's daughter at the inn"}).json()
        assert not answer["used_rag"], "nothing was searched"
        assert answer["missing"]
        closed = post(url, json={**SEARCH, "state": "closed"}).json()
        assert closed["state"] == "forced_closed" == breaker_of_search(served)["state"]
    finally:
        assert post(url, json={**SEARCH, "state": "auto"}).json()["state"] == "closed"


@pytest.mark.parametrize(
    ("order", "status"),
    [
        ({**SEARCH, "state": "ajar"}, 422),
        ({**SEARCH}, 422),
        ({"agent": "nobody", "action": "x", "state": "open"}, 404),
        ({"agent": "orchestrator", "action": "handle_request", "state": "open"}, 404),
    ],
)
def test_a_breaker_that_is_not_there_is_refused(served: Any, order: Any, status: int) -> None:
    assert post(f"{served.url}/api/v1/breakers", json=order).json()["status"] == status


def test_a_requests_story_is_told(served: Any) -> None:
    words = "roll 4d4 for the story"
    post(f"{served.url}/api/v1/answers", json={"words": words})
    told: Any = []
    until = time.monotonic() + 10
    while not told and time.monotonic() < until:  # the file is written each second
        stories = get(f"{served.url}/api/v1/stories").json()["stories"]
        told = [story for story in stories if story["asked"] == words and story["outcome"]]
        time.sleep(0.1)
    story = get(f"{served.url}/api/v1/stories/{told[0]['id']}").json()
    assert story["story"] == told[0]
    first = story["spans"][0]
    assert (first["to"], first["action"], first["depth"], first["outcome"]) == (
        "orchestrator",
        "handle_request",
        0,
        "replied",
    )
    assert first["at_ms"] <= first["started_ms"] <= first["ended_ms"]


def test_a_story_that_is_not_there_is_none(served: Any) -> None:
    for wanted in ("nothing-1", "..%2f..%2fetc", "%00"):
        assert get(f"{served.url}/api/v1/stories/{wanted}").status_code == 404


@pytest.mark.anyio
async def test_top_shows_a_server_that_runs(served: Any) -> None:
    async with ServerClient(served.url) as server:
        app = Top(server, served.url)
        async with app.run_test(size=(100, 40)) as pilot:
            await pilot.pause()
            assert "up to date" in str(app.query_one("#state", Static).render())
            assert "requests" in app.export_screenshot()
