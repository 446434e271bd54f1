"""The client of our own server, against sockets that say what they are told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.server_client import ServerClient
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "k3Jx_9mQvT-2wLz8RbYc7N"  # noqa: S105 - of a test


@pytest.fixture
def told() -> dict[str, Any]:
    return {"status": 200, "body": b"{}", "asked": []}


@pytest.fixture
def url(told: dict[str, Any]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told["asked"].append((self.command, self.path, self.headers["authorization"], body))
            self.send_response(told["status"])
            self.send_header("content-length", str(len(told["body"])))
            self.end_headers()
            self.wfile.write(told["body"])

        do_POST = do_GET  # noqa: N815 - so it is called

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.anyio
async def test_it_shows_the_token_and_sends_json(url: str, told: dict[str, Any]) -> None:
    async with ServerClient(url, TOKEN) as server:
        assert await server.report() == b"{}"
        await server.force("a", "b", "open")
    first, second = told["asked"]
    assert first == ("GET", "/api/v1/system", f"Bearer {TOKEN}", b"")
    assert second[:3] == ("POST", "/api/v1/breakers", f"Bearer {TOKEN}")
    assert json.loads(second[3]) == {"agent": "a", "action": "b", "state": "open"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"detail": "This server wants its token."}', "This server wants its token"),
        (404, b"<html>", "What answers at {url} is no Fablewright"),
        (500, b"[]", "What answers at {url} is no Fablewright"),
    ],
)
async def test_what_goes_wrong_is_said(url: str, told: dict[str, Any], status: int, body: bytes, said: str) -> None:
    told.update(status=status, body=body)
    async with ServerClient(url) as server:
        with pytest.raises(FablewrightError) as caught:
            await server.report()
    assert str(caught.value) == said.format(url=url)


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://[", "nowhere"])
async def test_nobody_there_is_said(url: str) -> None:
    with pytest.raises(FablewrightError, match="Nothing answers at"):
        async with ServerClient(url) as server:
            await server.report()
