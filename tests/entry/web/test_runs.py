"""Requests of clients over the real assistant: begun, followed, stopped, taken up again."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry.config import Settings
from fablewright.entry.web.app import web_app
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import Sitting, sitting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8710"
SCENE = {"words": "generate scenario for the first encounter", "seed": 3}


@asynccontextmanager
async def client(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Sitting]]:
    chosen = Settings(data_dir=tmp_path, prose="off", timeout=60.0, rag_request_timeout=50.0, **settings)
    async with sitting(chosen) as table:
        transport = httpx.ASGITransport(web_app(table, Door(frozenset({HOST}))), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", timeout=60) as asking:
            yield asking, table


def events(text: str) -> list[tuple[str, str, Any]]:
    """Return what a browser would make of a stream: id, kind and data of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields.get("id", ""), fields["event"], json.loads(fields["data"])))
    return found


async def test_a_request_is_begun_followed_and_taken_up_again(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        begun = await asking.post("/api/v1/runs", json=SCENE)
        assert begun.status_code == 202
        assert begun.headers["location"] == f"/api/v1/runs/{begun.json()['id']}"
        stream = begun.json()["events"]
        told = events((await asking.get(stream)).text)
        kinds = [kind for _, kind, _ in told]
        assert kinds[-2:] == ["answer", "end"]
        assert set(kinds[:-2]) == {"stage"}
        assert told[-1][2]["state"] == "done"
        scene = told[-2][2]["answer"]["scene"]
        assert scene["read_aloud"]
        again = events((await asking.get(stream, headers={"last-event-id": told[1][0]})).text)
        assert again == told[2:]
        assert (await asking.get(stream, headers={"last-event-id": told[-1][0]})).status_code == 204
        seen = (await asking.get(begun.headers["location"])).json()
        assert seen["state"] == "done"
        assert seen["answer"]["scene"] == scene
        assert table.bus.statistics().pending == 0


async def test_an_answer_in_one_go_is_the_same_as_on_the_command_line(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        answered = await asking.post("/api/v1/answers", json={"words": "roll 1d2+3"})
        assert answered.status_code == 200
        assert answered.json()["want"] == "dice"
        assert any(total in answered.json()["answer"][0]["text"] for total in ("4", "5"))


async def test_one_that_is_stopped_ends_at_once_and_nothing_waits_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searching = asyncio.Event()

    async def hang(*_: Any, **__: Any) -> None:
        searching.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(HaystackRetriever, "retrieve", hang)
    async with client(tmp_path) as (asking, table):
        begun = (await asking.post("/api/v1/runs", json=SCENE)).json()
        await searching.wait()
        stopped = (await asking.delete(f"/api/v1/runs/{begun['id']}")).json()
        assert stopped["state"] == "stopped"
        assert events((await asking.get(begun["events"])).text)[-1][2]["state"] == "stopped"
        assert (await asking.delete(f"/api/v1/runs/{begun['id']}")).json()["state"] == "stopped"
        for _ in range(100):  # what is withdrawn goes down the hops, a turn of the loop each
            await asyncio.sleep(0)
        assert table.bus.statistics().pending == 0


async def test_the_same_key_is_the_same_request(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        key = {"Idempotency-Key": "tab 1, request 7"}
        first = (await asking.post("/api/v1/runs", json={"words": "roll d20"}, headers=key)).json()
        again = (await asking.post("/api/v1/runs", json={"words": "roll d20"}, headers=key)).json()
        other = await asking.post("/api/v1/runs", json={"words": "roll d12"}, headers=key)
        without = (await asking.post("/api/v1/runs", json={"words": "roll d20"})).json()
        assert first["id"] == again["id"] != without["id"]
        assert other.status_code == 422
        assert (
            await asking.post("/api/v1/runs", json=SCENE, headers={"Idempotency-Key": "x" * 201})
        ).status_code == 400


async def test_parts_of_an_earlier_scene_stay(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        begun = (await asking.post("/api/v1/runs", json=SCENE)).json()
        await asking.get(begun["events"])
        before = (await asking.get(f"/api/v1/runs/{begun['id']}")).json()["answer"]["scene"]
        keep = {"run": begun["id"], "parts": ["read_aloud", "foes"]}
        order = {"words": "another scene at the mill", "seed": 9, "keep": keep}
        after = (await asking.post("/api/v1/answers", json=order)).json()["scene"]
        assert [(foe["name"], foe["count"]) for foe in after["foes"]] == [
            (foe["name"], foe["count"]) for foe in before["foes"]
        ]
        assert [line["text"] for line in after["read_aloud"]] == [line["text"] for line in before["read_aloud"]]
        order["keep"] = {"run": "nowhere", "parts": ["foes"]}
        assert (await asking.post("/api/v1/answers", json=order)).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"[" * 100_000, 422, "object"),
        (b'{"words": ' + b"[" * 100_000, 422, "words"),
        (b'{"words": "\xff"}', 400, "no JSON"),
        (b"[]", 422, "object"),
        (b"{}", 422, "words"),
        (b'{"words": ""}', 422, "words is empty"),
        (b'{"words": "  "}', 422, "Say what you need"),
        (b'{"words": "x", "wrods": 1}', 422, "wrods"),
        (b'{"words": "x", "want": "tea"}', 422, "tea"),
        (b'{"words": "x", "party": "many"}', 422, "many"),
        (b'{"words": "x", "seed": 1e400}', 422, "seed"),
        (b'{"words": "x", "seed": NaN}', 400, "no JSON"),
        (b'{"words": "x", "variants": 6}', 422, "5"),
        (b'{"words": "choose 9", "want": "choose"}', 422, ""),
    ],
)
async def test_bad_input_is_answered_in_words(tmp_path: Path, body: bytes, status: int, said: str) -> None:
    async with client(tmp_path) as (asking, _):
        answered = await asking.post("/api/v1/answers", content=body, headers={"content-type": "application/json"})
        assert answered.status_code == status
        assert answered.headers["content-type"] == "application/problem+json"
        assert said in answered.json()["detail"]
        assert "Traceback" not in answered.text


async def test_a_prompt_of_a_megabyte_is_not_read(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        assert (await asking.post("/api/v1/runs", json={"words": "x" * 1_000_000})).status_code == 413
        assert (await asking.post("/api/v1/runs", json={"words": "x" * 5000})).status_code == 422
        assert table.bus.statistics().asked == 0 or not table.runs._runs


async def test_a_thousand_requests_at_once_are_answered_or_told_to_come_again(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        orders = [asking.post("/api/v1/answers", json={"words": f"roll d{number + 2}"}) for number in range(1000)]
        answered = await asyncio.gather(*orders)
        statuses = [each.status_code for each in answered]
        assert set(statuses) == {200, 429}
        assert all("retry-after" in each.headers for each in answered if each.status_code == 429)
        assert len(table.runs._runs) <= 201
        assert (await asking.post("/api/v1/answers", json={"words": "roll d20"})).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/nope",
        "/api/v1/runs/../../etc/passwd",
        "/api/v1/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/v1/runs/%00",
        "/api/v1/runs/nope/events",
        "/etc/passwd",
        "//etc/passwd",
        "/..%2f..%2fetc/passwd",
    ],
)
async def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    async with client(tmp_path) as (asking, _):
        answered = await asking.get(path)
        assert answered.status_code == 404
        assert "root:" not in answered.text


async def test_a_crash_of_ours_shows_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(tmp_path) as (asking, table):
        monkeypatch.setattr(table.runs, "find", lambda _id: 1 / 0)
        answered = await asking.get("/api/v1/runs/x")
        assert answered.status_code == 500
        assert "division" not in answered.text
        assert answered.headers["content-security-policy"].startswith("default-src 'none'")
