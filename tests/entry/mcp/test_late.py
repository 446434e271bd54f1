"""The SDK is imported when a client first asks, once, and a server that ends before that ends all the same."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from fablewright.entry.mcp import late
from fablewright.entry.mcp.late import LateMcp, has_sdk

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.entry.mcp.open_table import OpenTable

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8080"
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
ROLL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "roll", "arguments": {"dice": "2d6"}, "_meta": META},
}
HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "roll",
}


async def rolled(app: LateMcp, times: int = 1) -> list[httpx.Response]:
    transport = httpx.ASGITransport(cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", headers=HEADERS) as http:
        return await asyncio.gather(*(http.post("/mcp", json=ROLL) for _ in range(times)))


async def test_those_who_come_first_share_one_import_and_all_are_answered(
    table: OpenTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[object] = []
    imported = late._imported

    def counted() -> Any:
        made.append(object())
        return imported()

    monkeypatch.setattr(late, "_imported", counted)
    async with LateMcp(table, hosts=[HOST]) as app:
        assert made == []
        for answer in await rolled(app, 5):
            assert "2d6" in answer.text
        await rolled(app)
        assert len(made) == 1
        app.say_goodbye()
        assert (await rolled(app))[0].status_code == 503


async def test_a_server_that_ends_first_says_so_and_answers_nothing(table: OpenTable) -> None:
    app = LateMcp(table, hosts=[HOST])
    async with app:
        app.say_goodbye()
        assert (await rolled(app))[0].status_code == 503
    assert has_sdk()


@pytest.mark.skipif(sys.platform == "win32", reason="it is ended by a signal")
def test_a_server_starts_without_the_sdk(tmp_path: Path) -> None:
    environment = {**os.environ, "FABLEWRIGHT_DATA_DIR": str(tmp_path), "FABLEWRIGHT_PROSE": "off"}
    command = [sys.executable, "-X", "importtime", "-m", "fablewright", "serve", "--port", "0"]
    pipe = subprocess.PIPE
    with (
        (tmp_path / "imports").open("w") as told,
        subprocess.Popen(command, env=environment, stdout=pipe, stderr=told, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r"(http://[^/]+)/", process.stdout.readline())
            assert found

            def imported() -> set[str]:
                return set(re.findall(r"[\w.]+$", (tmp_path / "imports").read_text(), re.MULTILINE))

            assert httpx.get(f"{found[1]}/readyz", timeout=60).is_success
            assert "uvicorn.server" in imported()
            assert "mcp" not in imported()
            answer = httpx.post(f"{found[1]}/mcp", json=ROLL, headers=HEADERS, timeout=60)
            assert "2d6" in answer.text
            assert "mcp" in imported()
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
