"""Set-up on the page: chosen, checked, used at once, and kept."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from fablewright.entry.chosen import chosen_file
from fablewright.entry.config import Settings, load_settings
from fablewright.entry.web.app import web_app
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import Sitting, sitting
from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8710"
RAW = {"content-type": "application/octet-stream"}


@asynccontextmanager
async def client(
    tmp_path: Path, *, asked_from: str = "127.0.0.1", door: Door | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Sitting]]:
    async with sitting(Settings(data_dir=tmp_path, prose="off", timeout=60.0, rag_request_timeout=50.0)) as table:
        app = web_app(table, door or Door(frozenset({HOST})))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(asked_from, 1))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", timeout=60) as asking:
            yield asking, table


async def test_from_dropped_files_to_an_answer_out_of_them(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, table):
        assert (await asking.get("/api/v1/setup")).json()["is_sample"]
        upload = (await asking.post("/api/v1/uploads")).json()["id"]
        note = b"# The Tallow Fair\n\nThe fair is run by Odo Marsh, who owes the guild forty crowns.\n"
        put = await asking.put(f"/api/v1/uploads/{upload}/town/Fair.md", content=note, headers=RAW)
        assert (put.status_code, put.json()) == (201, {"bytes": len(note)})
        chosen = await asking.put("/api/v1/setup", json={"upload": upload, "party": "3x5", "rules": "2014"})
        assert chosen.status_code == 200
        assert chosen.json()["party"] == "3x5"
        assert not chosen.json()["is_sample"]
        answer = (await asking.post("/api/v1/answers", json={"words": "Who runs the Tallow Fair?"})).json()
        assert "Odo Marsh" in answer["answer"][0]["text"]
        assert answer["citations"][0]["file"] == "town/Fair.md"
        assert table.settings.rules == "2014"
    kept = load_settings({"data_dir": str(tmp_path)}, environ={}, directory=tmp_path)
    assert kept.settings.party == "3x5"
    assert kept.settings.notes == table.settings.notes
    assert kept.origins["party"] == str(chosen_file(tmp_path))
    flag = load_settings({"data_dir": str(tmp_path), "party": "4x2"}, environ={}, directory=tmp_path)
    assert flag.settings.party == "4x2"


@pytest.mark.parametrize(
    "choice",
    [
        {"party": "many"},
        {"rules": "1974"},
        {"folders": ["/nowhere/at/all"]},
        {"model_url": "file:///etc/passwd", "model": "x"},
        {"model_url": "http://127.0.0.1:1/v1", "prose": "auto"},
        {"partie": "4x2"},
        {"folders": [""]},
    ],
)
async def test_what_makes_no_sense_changes_nothing(tmp_path: Path, choice: dict[str, object]) -> None:
    async with client(tmp_path) as (asking, table):
        bus = table.bus
        if "model_url" in choice:
            choice = {"prose": "auto", **choice}
        refused = await asking.put("/api/v1/setup", json=choice)
        assert refused.status_code == 422
        assert table.bus is bus
        assert not chosen_file(tmp_path).exists()
        assert (await asking.post("/api/v1/answers", json={"words": "roll d20"})).status_code == 200


@pytest.mark.parametrize(
    "choice", [{"folders": ["/etc"]}, {"model_url": "http://169.254.169.254/v1"}, {"model": "x.gguf"}]
)
async def test_another_machine_cannot_make_this_one_read_or_call(tmp_path: Path, choice: dict[str, object]) -> None:
    async with client(tmp_path, asked_from="192.168.1.66") as (asking, table):
        assert (await asking.put("/api/v1/setup", json=choice)).status_code == 403
        assert (await asking.put("/api/v1/setup", json={"party": "4x4"})).status_code == 200
        assert table.settings.party == "4x4"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://table.example"},
        {"X-Forwarded-For": "192.168.1.66"},
        {"Forwarded": "for=192.168.1.66"},
        {"Host": "table.example"},
    ],
)
async def test_nor_can_it_through_a_server_in_front_of_this_one(tmp_path: Path, headers: dict[str, str]) -> None:
    door = Door(frozenset({HOST}), None, {}, frozenset({"table.example"}))
    async with client(tmp_path, door=door) as (asking, _):
        folders: dict[str, Any] = {"folders": []}
        assert (await asking.put("/api/v1/setup", json=folders, headers=headers)).status_code == 403
        assert (await asking.put("/api/v1/setup", json={"party": "4x4"}, headers=headers)).status_code == 200
        assert (await asking.put("/api/v1/setup", json=folders, headers={"Origin": f"http://{HOST}"})).is_success


async def test_the_key_is_kept_from_others_and_never_sent_back(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        chosen = await asking.put("/api/v1/setup", json={"model_key": "sk-very-secret"})
        assert chosen.json()["has_model_key"]
        assert "sk-very-secret" not in chosen.text
        assert "sk-very-secret" not in (await asking.get("/api/v1/setup")).text
    assert chosen_file(tmp_path).stat().st_mode & 0o077 == 0
    assert load_settings({"data_dir": str(tmp_path)}, environ={}, directory=tmp_path).settings.model_key.reveal()


async def test_an_upload_says_how_long_it_is_and_comes_as_it_is(tmp_path: Path) -> None:
    async with client(tmp_path) as (asking, _):
        upload = (await asking.post("/api/v1/uploads")).json()["id"]

        async def parts() -> AsyncIterator[bytes]:
            yield b"x"

        where = f"/api/v1/uploads/{upload}/x.md"
        assert (await asking.put(where, content=parts(), headers=RAW)).status_code == 411
        assert (await asking.put(where, content=b"{}", headers={"content-type": "application/json"})).status_code == 415
        assert (await asking.put(where, files={"f": b"x"})).status_code == 403
        announced = {**RAW, "content-length": "1000000000"}
        assert (await asking.put(where, content=b"x", headers=announced)).status_code == 413
        for name in ("..%2f..%2fx.md", "%2e%2e/x.md", "a%00.md", "x.svg"):
            refused = await asking.put(f"/api/v1/uploads/{upload}/{name}", content=b"x", headers=RAW)
            assert refused.status_code in {400, 404, 415}, name
        assert (await asking.put(where, content=b"x", headers=RAW)).status_code == 201
        assert (await asking.get(where)).status_code in {404, 405}


async def test_a_damaged_file_of_choices_is_named(tmp_path: Path) -> None:
    chosen_file(tmp_path).write_text("{")
    with pytest.raises(ConfigurationError, match=r"chosen\.json is damaged"):
        load_settings({"data_dir": str(tmp_path)}, environ={}, directory=tmp_path)
