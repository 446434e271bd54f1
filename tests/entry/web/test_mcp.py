"""The official MCP client against ``fablewright serve``, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from fablewright.entry.web.token import new_token

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


@pytest.mark.skipif(sys.platform == "win32", reason="it is ended by a signal")
async def test_the_official_client_is_answered_with_the_token_and_nobody_without(tmp_path: Path) -> None:
    token = new_token()
    environment = {**os.environ, "FABLEWRIGHT_DATA_DIR": str(tmp_path), "FABLEWRIGHT_TOKEN": token}
    command = [sys.executable, "-m", "fablewright", "serve", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:  # noqa: ASYNC220
        try:
            assert process.stdout is not None
            found = re.search(r"(http://[^/]+)/", process.stdout.readline())
            assert found
            url = f"{found[1]}/mcp"
            assert httpx.post(url, json={}, trust_env=False).status_code == 401  # noqa: ASYNC210
            bearer = {"Authorization": f"Bearer {token}"}
            foreign = httpx.post(url, json={}, headers={**bearer, "Origin": "http://evil.example"}, trust_env=False)  # noqa: ASYNC210
            assert foreign.status_code == 403
            heard: list[str | None] = []

            async def hear(_progress: float, _total: float | None, words: str | None) -> None:
                heard.append(words)

            for mode in ("legacy", "auto"):
                heard.clear()
                async with (
                    httpx2.AsyncClient(headers=bearer, trust_env=False, timeout=60) as http,
                    Client(streamable_http_client(url, http_client=http), mode=mode) as client,
                ):
                    asked = {"request": "generate scenario for the first encounter", "seed": 3}
                    scene = await client.call_tool("scene", asked, progress_callback=hear)
                    assert scene.structured_content["scene"]["read_aloud"], json.dumps(scene.structured_content)
                    assert heard[0] == "Reading the request"
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()
