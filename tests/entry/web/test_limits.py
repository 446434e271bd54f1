"""What is too much is refused, whatever was announced, and what is over makes room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from fablewright.entry.web.limits import Limits, LimitsKeeper

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

pytestmark = pytest.mark.anyio

SMALL = Limits(body=100, upload=1000, requests=3, streams=2)


class Behind:
    """Reads the body, and answers once it is let."""

    def __init__(self) -> None:
        self.bodies: list[int] = []
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(len(await Request(scope, receive).body()))
        await self.go.wait()
        await PlainTextResponse("through")(scope, receive, send)


async def send_body(
    keeper: LimitsKeeper, *parts: bytes, path: str = "/api/v1/runs", announced: str | None = None
) -> tuple[int, dict[str, str]]:
    headers = [] if announced is None else [(b"content-length", announced.encode())]
    waiting = [
        {"type": "http.request", "body": part, "more_body": at < len(parts) - 1} for at, part in enumerate(parts)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Any] = []

    async def receive() -> Any:
        return waiting.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    await keeper({"type": "http", "method": "POST", "path": path, "headers": headers}, receive, send)
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def test_a_body_within_the_limit_comes_through_whole() -> None:
    behind = Behind()
    assert (await send_body(LimitsKeeper(behind, SMALL), b"x" * 60, b"y" * 40))[0] == 200
    assert behind.bodies == [100]


@pytest.mark.parametrize(
    ("parts", "announced"),
    [
        ([b"x" * 101], "101"),
        ([b"x" * 101], None),
        ([b"x" * 101], "5"),
        ([b"x"] * 101, None),
        ([b""], "1000000000"),
        ([b""], "9" * 19),
    ],
)
async def test_a_larger_one_is_refused_whatever_was_announced(parts: list[bytes], announced: str | None) -> None:
    behind = Behind()
    assert (await send_body(LimitsKeeper(behind, SMALL), *parts, announced=announced))[0] == 413
    assert behind.bodies == []


@pytest.mark.parametrize("announced", ["-1", "1e9", "²", "9" * 5000, ""])
async def test_nonsense_in_the_length_changes_nothing(announced: str) -> None:
    assert (await send_body(LimitsKeeper(Behind(), SMALL), b"x", announced=announced))[0] == 200


async def test_a_file_may_be_larger_and_is_bounded_too() -> None:
    keeper = LimitsKeeper(Behind(), SMALL)
    assert (await send_body(keeper, b"x" * 1000, path="/api/v1/uploads/a.md"))[0] == 200
    assert (await send_body(keeper, b"x" * 1001, path="/api/v1/uploads/a.md"))[0] == 413


@pytest.mark.parametrize(("path", "room"), [("/api/v1/runs", 3), ("/api/v1/news/events", 2)])
async def test_too_many_at_once_are_told_when_to_come_again(path: str, room: int) -> None:
    behind = Behind()
    behind.go.clear()
    keeper = LimitsKeeper(behind, SMALL)
    under_way = [asyncio.ensure_future(send_body(keeper, path=path)) for _ in range(room)]  # noqa: TID251 - clients
    await asyncio.sleep(0)
    status, headers = await send_body(keeper, path=path)
    assert status == 429
    assert int(headers["retry-after"]) >= 1
    under_way.pop().cancel()
    await asyncio.sleep(0)
    behind.go.set()
    assert (await send_body(keeper, path=path))[0] == 200
    assert [status for status, _ in await asyncio.gather(*under_way)] == [200] * (room - 1)
    assert keeper._requests == keeper._streams == 0
