"""Every response holds a browser to what the page needs: pages, files, data, streams, and refusals of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from fablewright.entry.config import Settings
from fablewright.entry.secret import Secret
from fablewright.entry.web.app import web_app
from fablewright.entry.web.assets import version
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import sitting
from fablewright.entry.web.token import Gate, new_token

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8710"
TOKEN = f"very-secret-{new_token()}"
SET = {"default-src", "script-src", "style-src", "img-src", "connect-src", "manifest-src"}


def policy_of(response: httpx.Response) -> dict[str, set[str]]:
    parts = (part.split() for part in response.headers["content-security-policy"].split(";"))
    return {name: set(values) for name, *values in parts}


async def test_every_response_has_them(tmp_path: Path) -> None:
    door = Door(frozenset({HOST}), Gate(Secret(TOKEN), lambda: 0.0))
    chosen = Settings(data_dir=tmp_path, prose="off", timeout=60.0, rag_request_timeout=50.0)
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    async with sitting(chosen) as table:
        transport = httpx.ASGITransport(web_app(table, door), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", timeout=60) as asking:
            run = (await asking.post("/api/v1/runs", json={"words": "2d6"}, headers=bearer)).json()
            asked = [
                ("GET", "/", bearer, 200),
                ("GET", "/play", bearer, 200),
                ("GET", "/system", bearer, 200),
                ("GET", f"/assets/{version()}/table.js", {}, 200),
                ("GET", "/api/v1/setup", bearer, 200),
                ("GET", "/api/v1/openapi.json", bearer, 200),
                ("GET", run["events"], bearer, 200),
                ("GET", "/healthz", {}, 200),
                ("GET", f"/?token={TOKEN}", {}, 303),
                ("GET", "/", {}, 401),
                ("GET", "/", {**bearer, "Host": "evil.example"}, 421),
                ("POST", "/api/v1/runs", {**bearer, "Content-Type": "text/plain"}, 403),
                ("GET", "/nowhere", bearer, 404),
                ("DELETE", "/", bearer, 405),
                ("GET", "/v1/nowhere", bearer, 404),
            ]
            for method, path, headers, status in asked:
                asking.cookies.clear()
                response = await asking.request(method, path, headers=headers)
                assert response.status_code == status, path
                policy = policy_of(response)
                assert policy["default-src"] == {"'none'"}, path
                assert all(policy.get(name, {"'none'"}) <= {"'self'", "'none'"} for name in SET), path
                for name in ("base-uri", "form-action", "frame-ancestors"):
                    assert policy[name] == {"'none'"}, path
                assert policy["require-trusted-types-for"] == {"'script'"}, path
                assert response.headers["x-content-type-options"] == "nosniff", path
                assert response.headers["referrer-policy"] == "no-referrer", path
                assert response.headers["cross-origin-resource-policy"] == "same-origin", path
                assert not [name for name in response.headers if name.startswith("access-control-")], path
                assert TOKEN not in response.text, path
                assert TOKEN not in str({**response.headers, "set-cookie": ""}), path
                kept = response.headers["cache-control"]
                assert "immutable" in kept if path.startswith("/assets/") else kept == "no-store", path
