"""A node of the first release, played word for word: where it sends what, and where it looks for answers.

What stands in the bodies is held by ``tests/adapters/wire/test_releases.py``. The words here are added to, and none is
ever changed: a process of another release may be at the other end while machines are brought up to date one by one.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest
from nats.aio.client import Client

from fablewright import Agent, Bus, Context, Request, StreamRequest, handles, streams
from fablewright.adapters.nats_network import NatsNetwork
from fablewright.adapters.wire.codec import Wire
from fablewright.errors import RemoteError
from fablewright.protocol.message import Message
from fablewright.runtime import node
from fablewright.runtime.policies import BusOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.aio.msg import Msg

    from fablewright.testing.nats_server import NatsServer

pytestmark = pytest.mark.anyio

HEADERS = {"fw-version": "1"}
ASK = (
    b'{"kind":"ask","message_id":"old-1","to":"smith","action":"open","type":"Open","body":{"what":"gate"},'
    b'"correlation_id":"old-1","reply_to":"old"}'
)
STREAM = (
    b'{"kind":"ask","message_id":"old-2","to":"smith","action":"strike","type":"Strike","body":{"times":3},'
    b'"correlation_id":"old-2","reply_to":"old","headers":{"fw-room":"2"}}'
)


@dataclass(frozen=True, slots=True)
class Open(Request[str]):
    action: ClassVar[str] = "open"
    what: str = ""


@dataclass(frozen=True, slots=True)
class Strike(StreamRequest[int]):
    action: ClassVar[str] = "strike"
    times: int = 0


@dataclass(frozen=True, slots=True)
class Opened(Message):
    action: ClassVar[str] = "opened"
    what: str = ""


class Smith(Agent):
    name = "smith"

    def __init__(self) -> None:
        self.stopped = asyncio.Event()

    @handles(Open)
    async def open(self, request: Open, ctx: Context) -> str:
        if request.what == "jammed":
            try:
                await asyncio.sleep(60)
            finally:
                self.stopped.set()
        ctx.publish(Opened(request.what))
        return f"the {request.what} is open"

    @streams(Strike)
    async def strike(self, request: Strike, _ctx: Context) -> AsyncIterator[int]:
        for number in range(request.times):
            yield number


def bus(server: NatsServer, *agents: Agent) -> Bus:
    made = Bus(BusOptions(network=NatsNetwork(server.url, Wire([Open, Strike, Opened]))), node="new")
    for agent in agents:
        made.register(agent)
    return made


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Old:
    """The client, and what came to it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._heard: asyncio.Queue[Msg] = asyncio.Queue()

    async def listen(self, subject: str, queue: str = "") -> None:
        await self._client.subscribe(subject, queue=queue, cb=self._heard.put)
        await self._client.flush()

    async def hear(self) -> tuple[str, str, dict[str, str], object]:
        """Return the next thing that came: subject, where answers go, headers, and the body."""
        async with asyncio.timeout(5):
            message = await self._heard.get()
        body = json.loads(message.data) if message.data.startswith(b"{") else message.data
        return message.subject, message.reply, message.headers or {}, body

    async def say(self, subject: str, body: bytes, reply: str = "", **headers: str) -> None:
        named = {f"fw-{name}": value for name, value in headers.items()}
        await self._client.publish(subject, body, reply=reply, headers={**HEADERS, **named})


@asynccontextmanager
async def old_node(server: NatsServer) -> AsyncIterator[Old]:
    client = Client()
    await client.connect(server.url)
    old = Old(client)
    await old.listen("fw-in._.old.>")
    yield old
    await client.close()


async def test_it_asks_and_is_answered(nats_server: NatsServer) -> None:
    async with old_node(nats_server) as old, bus(nats_server, Smith()):
        await old.listen("fw-event.*")
        await old.say("fw.smith.open", ASK, "fw-in._.old.old-1", remaining="5000")
        subject, _, headers, event = await old.hear()
        assert (subject, headers) == ("fw-event.opened", HEADERS)
        assert isinstance(event, dict)
        assert (event["kind"], event["type"], event["body"]) == ("tell", "Opened", {"what": "gate"})
        answer = {
            "kind": "ended",
            "message_id": "old-1",
            "outcome": "replied",
            "type": "Open",
            "body": "the gate is open",
        }
        assert await old.hear() == ("fw-in._.old._mail", "", HEADERS, answer)


async def test_it_lets_a_stream_go_on(nats_server: NatsServer) -> None:
    async with old_node(nats_server) as old, bus(nats_server, Smith()):
        await old.say("fw.smith.strike", STREAM, "fw-in._.old.old-2", remaining="5000")
        for number in range(2):
            piece = {"kind": "chunk", "message_id": "old-2", "type": "Strike", "sequence": number, "body": number}
            assert await old.hear() == ("fw-in._.old._mail", "fw-in._.new._mail", HEADERS, piece)
        await asyncio.sleep(0.05)
        await old.say("fw-in._.new._mail", b'{"kind":"grant","message_id":"old-2","granted":4}')
        assert (await old.hear())[3] == {
            "kind": "chunk",
            "message_id": "old-2",
            "type": "Strike",
            "sequence": 2,
            "body": 2,
        }
        *_, ended = await old.hear()
        assert isinstance(ended, dict)
        assert (ended["kind"], ended["outcome"]) == ("ended", "replied")


async def test_it_is_reminded_and_calls_off(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "_BEAT", 0.05)
    smith = Smith()
    async with old_node(nats_server) as old, bus(nats_server, smith):
        await old.say("fw.smith.open", ASK.replace(b"gate", b"jammed"), "fw-in._.old.old-1", remaining="60000")
        subject, reply, _, body = await old.hear()
        assert (subject, reply, body) == ("fw-in._.old._beat", "fw-in._.new._gone.old", b"old-1")
        await old.say("fw-stop.smith", b'{"kind":"withdraw","message_id":"old-1","to":"smith"}')
        async with asyncio.timeout(5):
            await smith.stopped.wait()


async def test_it_answers(nats_server: NatsServer) -> None:
    async with old_node(nats_server) as old, bus(nats_server) as new:
        await old.listen("fw.smith.*", queue="smith")
        asked = asyncio.gather(new.ask("smith", Open("door"), timeout=5))
        subject, reply, headers, ask = await old.hear()
        assert isinstance(ask, dict)
        assert (subject, reply) == ("fw.smith.open", f"fw-in._.new.{ask['message_id']}")
        assert headers["fw-version"] == "1"
        assert 4000 < int(headers["fw-remaining"]) <= 5000
        ended = {"kind": "ended", "message_id": ask["message_id"], "outcome": "replied", "type": "Open", "body": "done"}
        await old.say("fw-in._.new._mail", json.dumps({**ended, "of a later release": 1}).encode())
        assert await asked == ["done"]


async def test_it_answers_in_pieces_or_says_what_went_wrong(nats_server: NatsServer) -> None:
    async with old_node(nats_server) as old, bus(nats_server) as new:
        await old.listen("fw.smith.*", queue="smith")

        heard: list[int] = []

        async def read() -> None:
            async with new.ask_stream("smith", Strike(2), timeout=5) as pieces:
                async for piece in pieces:
                    heard.append(piece)  # noqa: PERF401 - an error ends it

        asked = asyncio.gather(read())
        *_, ask = await old.hear()
        assert isinstance(ask, dict)
        about = {"message_id": ask["message_id"], "type": "Strike"}
        for number in range(2):
            piece = {"kind": "chunk", **about, "sequence": number, "body": number + 7}
            await old.say("fw-in._.new._mail", json.dumps(piece).encode(), "fw-in._.old._mail")
        failures = [{"error": "RemoteError", "text": "it is bent"}]
        ended = {"kind": "ended", "message_id": ask["message_id"], "outcome": "failed", "failures": failures}
        await old.say("fw-in._.new._mail", json.dumps(ended).encode())
        with pytest.raises(RemoteError, match="it is bent"):
            await asked
        assert heard == [7, 8]
