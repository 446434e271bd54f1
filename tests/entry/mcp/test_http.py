"""Streamable HTTP: a real uvicorn on 127.0.0.1, the official client, and those whom nobody invited."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import uvicorn
from mcp import Client
from starlette.applications import Starlette
from starlette.routing import Route

from fablewright.entry.mcp.http import HttpLimits, McpApp
from fablewright.protocol.pending import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from fablewright.entry.mcp.open_table import OpenTable

pytestmark = pytest.mark.anyio

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
LIMITS = HttpLimits(sessions=4, idle=60.0, exchanges=3, body=20_000, patience=0.5)
HANGS = "hangs for ever"


def message(method: str, number: int | None = 1, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params, **({} if number is None else {"id": number})}


OPENING = message(
    "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"}
)
_numbers = itertools.count(100)


def roll() -> dict[str, Any]:
    return message("tools/call", next(_numbers), name="roll", arguments={"dice": "2d6"})


class Served:
    """A server that runs: where, and a way to it that is no MCP client."""

    def __init__(self, host: str, http: httpx.AsyncClient) -> None:
        self.host = host
        self.url = f"http://{host}/mcp"
        self.http = http

    async def post(self, body: Any, **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(self.url, content=content, headers={**HEADERS, **named})

    async def opened(self, **headers: str) -> str:
        """Open a session and return its id."""
        answer = await self.post(OPENING, **headers)
        assert answer.status_code == 200, answer.text
        session = answer.headers["mcp-session-id"]
        ready = message("notifications/initialized", None)
        assert (await self.post(ready, mcp_session_id=session, **headers)).is_success
        return str(session)


@asynccontextmanager
async def uvicorn_running(app: Starlette, listening: socket.socket) -> AsyncIterator[httpx.AsyncClient]:
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=2))
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve, [listening])
        with anyio.fail_after(30):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for that
                await asyncio.sleep(0.01)
        async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
            yield http
        server.should_exit = True


@asynccontextmanager
async def serving(table: OpenTable, limits: HttpLimits = LIMITS) -> AsyncIterator[Served]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        mcp = McpApp(table, hosts=[host], limits=limits)
        app = Starlette(routes=[Route("/mcp", endpoint=mcp)], lifespan=lambda _app: mcp.running())
        async with uvicorn_running(app, listening) as http:
            yield Served(host, http)


@pytest.fixture
async def served(table: OpenTable) -> AsyncIterator[Served]:
    async with serving(table) as served:
        yield served


# -------------------------------------------------------------- the official client


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_official_client_lists_calls_reads_and_hears_progress(served: Served, mode: str) -> None:
    heard: list[str | None] = []

    async def hear(_progress: float, _total: float | None, words: str | None) -> None:
        heard.append(words)

    async with Client(served.url, mode=mode) as client:
        assert len((await client.list_tools()).tools) == 9
        scene = await client.call_tool("scene", {"request": "the mill", "seed": 1}, progress_callback=hear)
        assert "Odo Brandt" in json.dumps(scene.structured_content)
        chosen = await client.call_tool("choose", {"option": 1, "roll": 17})
        assert not chosen.is_error, chosen.content
        recap = await client.call_tool("recap", {})
        assert "mill" in json.dumps(recap.structured_content)
        assert (await client.call_tool("roll", {"dice": "2d0"})).is_error
        [content] = (await client.read_resource("fablewright://scenes/1")).contents
        assert "Odo Brandt" in content.text
    assert heard[0] == "Reading the request"
    assert "Searching the notes" in heard


@pytest.mark.usefixtures("hanging_searches")
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_call_that_is_cancelled_ends_at_once_on_the_bus(
    table: OpenTable, mode: str, nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    started = anyio.Event()

    async def hear(_progress: float, _total: float | None, words: str | None) -> None:
        if words == "Searching the notes":
            started.set()

    async with serving(table) as served, Client(served.url, mode=mode) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.call_tool("ask", {"question": HANGS}, progress_callback=hear))
            with anyio.fail_after(20):
                await started.wait()
            assert table.bus.statistics().pending > 0
            group.cancel_scope.cancel()
        await nothing_is_left()
        assert table.bus.statistics().outcomes[Outcome.CANCELLED] > 0
        assert not (await client.call_tool("roll", {"dice": "2d6"})).is_error


@pytest.mark.usefixtures("hanging_searches")
async def test_a_server_that_stops_leaves_nothing_behind(
    table: OpenTable, nothing_is_left: Callable[[], Awaitable[None]]
) -> None:
    async with anyio.create_task_group() as group, serving(table) as served:
        session = await served.opened()
        ask = message("tools/call", 5, name="ask", arguments={"question": HANGS})

        async def hang() -> None:
            with contextlib.suppress(httpx.HTTPError):
                assert "Connection closed" in (await served.post(ask, mcp_session_id=session)).text

        group.start_soon(hang)
        with anyio.fail_after(20):
            while not table.bus.statistics().pending:  # noqa: ASYNC110 - it is on its way over a socket
                await asyncio.sleep(0.01)
    await nothing_is_left()


async def test_streams_end_with_the_application_not_with_the_server(table: OpenTable, slowness: float) -> None:
    """So that whoever serves can end them first, and need not wait for clients that listen on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        mcp = McpApp(table, hosts=[host])
        app = Starlette(routes=[Route("/mcp", endpoint=mcp)])
        async with mcp.running(), uvicorn_running(app, listening) as http:
            served = Served(host, http)
            session = await served.opened()
            named = {**HEADERS, "mcp-session-id": session}
            async with http.stream("GET", served.url, headers=named) as listens, asyncio.timeout(5 * slowness):
                assert listens.status_code == 200
                mcp.say_goodbye()
                assert [chunk async for chunk in listens.aiter_bytes()] == []
            assert (await served.post(OPENING)).status_code == 503


# -------------------------------------------------------------- who may not come in


FOREIGN: list[tuple[dict[str, str], int]] = [
    ({}, 200),  # the control: absent Origin, right Host
    ({"Origin": "http://HOST"}, 200),
    ({"Host": "evil.example"}, 421),
    ({"Host": "HOST.evil.example"}, 421),
    ({"Host": "evil.example:80"}, 421),
    ({"Host": "127.0.0.1"}, 421),
    ({"Host": "localhost.evil.example"}, 421),
    ({"Host": ""}, 421),
    ({"Origin": "null"}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "http://HOST.evil.example"}, 403),
    ({"Origin": "http://evil.example?http://HOST"}, 403),
    ({"Origin": "http://127.0.0.1"}, 403),
    ({"Origin": "file://HOST"}, 403),
    ({"Content-Type": "text/plain"}, 400),
    ({"Content-Type": "application/x-www-form-urlencoded"}, 400),
    ({"Accept": "text/html"}, 406),
]


async def test_foreign_hosts_and_origins_reach_no_handler(table: OpenTable, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the protocol's newer manner a single request would be answered, without a session."""
    rolled: list[str] = []

    def counted(expression: str, _seed: object) -> tuple[str, dict[str, Any]]:
        rolled.append(expression)
        return "7", {}

    monkeypatch.setattr("fablewright.entry.mcp.calls.rolled", counted)
    host = "127.0.0.1:8080"
    app = McpApp(table, hosts=[host])
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    body = message("tools/call", 2, name="roll", arguments={"dice": "2d6"}, _meta=meta)
    newer = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "roll"}
    transport = httpx.ASGITransport(app)
    async with app.running(), httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as http:
        for headers, status in FOREIGN:
            rolled.clear()
            named = {name: value.replace("HOST", host) for name, value in headers.items()}
            answer = await http.post("/mcp", json=body, headers={**HEADERS, **newer, **named})
            assert answer.status_code == status, (headers, answer.text)
            assert bool(rolled) is (status == 200), headers
            assert "access-control-allow-origin" not in answer.headers


async def test_no_other_page_is_allowed_in_by_a_preflight(served: Served) -> None:
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for headers in ({}, asked):
        answer = await served.http.options(served.url, headers=headers)
        assert not answer.is_success
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_session_is_nobodys_but_whose_who_opened_it(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    mine, theirs = {"authorization": "Bearer mine"}, {"authorization": "Bearer theirs"}
    session = await served.opened(**mine)
    for other in (theirs, {}):
        assert (await served.post(roll(), mcp_session_id=session, **other)).status_code == 404
        named = {**HEADERS, "mcp-session-id": session, **other}
        assert (await served.http.get(served.url, headers=named)).status_code == 404
        assert (await served.http.delete(served.url, headers=named)).status_code == 404
    assert (await served.post(roll(), mcp_session_id="0" * 32, **mine)).status_code == 404
    assert "2d6" in (await served.post(roll(), mcp_session_id=session, **mine)).text  # and nobody has ended it
    ended = await served.http.delete(served.url, headers={**HEADERS, "mcp-session-id": session, **mine})
    assert ended.is_success
    assert (await served.post(roll(), mcp_session_id=session, **mine)).status_code == 404
    assert "POST" in caplog.text  # something was logged, and the session's id was not
    assert session not in caplog.text


# -------------------------------------------------------------- how much may be taken


async def test_sessions_are_counted_and_make_room_when_they_end(served: Served) -> None:
    sessions = [await served.opened() for _ in range(LIMITS.sessions)]
    beyond = await served.post(OPENING)
    assert beyond.status_code == 503
    assert "mcp-session-id" not in beyond.headers
    assert (
        "2d6" in (await served.post(roll(), mcp_session_id=sessions[0])).text
    )  # those that are open are not disturbed
    await served.http.delete(served.url, headers={**HEADERS, "mcp-session-id": sessions[1]})
    assert await served.opened() not in sessions


async def test_idle_sessions_end(table: OpenTable) -> None:
    async with serving(table, HttpLimits(sessions=1, idle=0.2)) as served:
        session = await served.opened()
        with anyio.fail_after(20):
            while (await served.post(OPENING)).status_code == 503:  # noqa: ASYNC110 - until there is room again
                await asyncio.sleep(0.05)
        assert (await served.post(roll(), mcp_session_id=session)).status_code == 404


async def test_ten_thousand_sessions_are_refused_but_for_the_first(table: OpenTable) -> None:
    host = "127.0.0.1:8080"
    app = McpApp(table, hosts=[host])
    sent = json.dumps(OPENING).encode()
    headers = [(b"host", host.encode()), *((name.lower().encode(), value.encode()) for name, value in HEADERS.items())]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "query_string": b"", "headers": headers}
    statuses: dict[int, int] = {}

    def once() -> Callable[[], Awaitable[dict[str, Any]]]:
        parts = iter([{"type": "http.request", "body": sent, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(parts, {"type": "http.disconnect"})

        return receive

    async def send(part: Any) -> None:
        if part["type"] == "http.response.start":
            statuses[part["status"]] = statuses.get(part["status"], 0) + 1

    async with app.running():
        for _ in range(10_000):
            await app(scope, once(), send)
        assert statuses == {200: HttpLimits().sessions, 503: 10_000 - HttpLimits().sessions}
        assert len(asyncio.all_tasks()) < 10 * HttpLimits().sessions


@pytest.mark.usefixtures("hanging_searches")
async def test_what_is_under_way_is_counted(table: OpenTable, nothing_is_left: Callable[[], Awaitable[None]]) -> None:
    ask = message("tools/call", 5, name="ask", arguments={"question": HANGS})
    async with serving(table) as served:
        session = await served.opened()
        async with anyio.create_task_group() as group:
            for number in range(LIMITS.exchanges):
                call = {**ask, "id": 10 + number}
                group.start_soon(lambda call=call: served.post(call, mcp_session_id=session))
            with anyio.fail_after(20):
                while table.bus.statistics().agents["orchestrator"].running < LIMITS.exchanges:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            beyond = await served.post(roll(), mcp_session_id=session)
            assert beyond.status_code == 429
            assert beyond.headers["retry-after"] == "1"
            assert "try again" in beyond.json()["error"]["message"]
            group.cancel_scope.cancel()
            cancelled = [message("notifications/cancelled", None, requestId=10 + n) for n in range(LIMITS.exchanges)]
        async with asyncio.timeout(20):
            for each in cancelled:
                while (await served.post(each, mcp_session_id=session)).status_code == 429:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        assert "2d6" in (await served.post(roll(), mcp_session_id=session)).text
        await nothing_is_left()


async def test_a_body_has_a_size_and_a_time(served: Served) -> None:
    session = await served.opened()
    padded = {**roll(), "padding": "x" * (LIMITS.body - 1_000)}
    assert "2d6" in (await served.post(padded, mcp_session_id=session)).text
    padded["padding"] *= 2
    assert (await served.post(padded, mcp_session_id=session)).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_000

    named = {**HEADERS, "mcp-session-id": session}
    assert (await served.http.post(served.url, content=endless(), headers=named)).status_code == 413

    name, port = served.host.split(":")
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(name, int(port))
        head = ("POST /mcp HTTP/1.1", f"Host: {served.host}", "Content-Type: application/json", "Content-Length: 9")
        writer.write("\r\n".join([*head, "", "{"]).encode())  # and no more
        assert b" 408 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


NO_MESSAGES = (b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"jsonrpc":"2.0","id":1}', b"[" * 5_000, b'{"a":' * 3_000)


async def test_what_is_no_message_is_refused_and_opens_nothing(served: Served) -> None:
    for body in NO_MESSAGES:
        for headers in ({}, {"MCP_Protocol_Version": "2026-07-28"}):
            answer = await served.post(body, **headers)
            assert answer.status_code == 400, (body[:20], answer.text)
            assert "Traceback" not in answer.text
    assert len([await served.opened() for _ in range(LIMITS.sessions)]) == LIMITS.sessions


async def test_half_a_character_is_an_answer_too(served: Served) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    for tool, arguments in (
        ("choose", {"option": "\ud800"}),
        ("ask", {"question": "\ud800?"}),
        ("npc", {"words": "\ud800"}),
    ):
        body = message("tools/call", 2, name=tool, arguments=arguments, _meta=meta)
        newer = {"MCP_Protocol_Version": "2026-07-28", "Mcp_Method": "tools/call", "Mcp_Name": tool}
        answer = await served.post(body, **newer)
        assert answer.status_code == 200, answer.text
        assert "went wrong" not in answer.text
