"""Against a server on this machine that speaks OpenAI's protocol, well and badly."""

from __future__ import annotations

import asyncio
import gzip
import json
import math
import time
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.chat_model.writer import ChatWriter, KnownServer
from fablewright.errors import ConfigurationError, FablewrightError
from fablewright.gm.writing.parts import Part, schema
from fablewright.gm.writing.ports import Endpoint, Prompt
from fablewright.testing.model_server import ModelServer, Turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"
PROMPT = Prompt("You write.", "Write “one” line.")
SCHEMA = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}


class Known(KnownServer):
    """Counts what it is told."""

    silences = 0

    async def was_silent(self) -> None:
        self.silences += 1


@asynccontextmanager
async def writing(server: ModelServer, **options: Any) -> AsyncIterator[tuple[ChatWriter, Known]]:
    known = Known(Endpoint(server.url, "tiny", KEY))
    writer = ChatWriter(known, **options)
    try:
        yield writer, known
    finally:
        await writer.close()
        await writer.close()
    assert len(writer._calls) == 0


async def written(writer: ChatWriter) -> list[str]:
    async with aclosing(writer.write(PROMPT, schema=SCHEMA, most_tokens=40)) as pieces:
        return [piece async for piece in pieces]


async def test_what_the_model_writes_comes_in_pieces() -> None:
    text = json.dumps({"a": 'A “quoted” line, "too".'}, ensure_ascii=False)
    async with ModelServer(Turn(text, size=5)) as server, writing(server) as (writer, known):
        pieces = await written(writer)
        assert "".join(pieces) == text
        assert len(pieces) == -(-len(text) // 5)
        assert await writer.name() == "tiny"
        assert known.silences == 0
    call = server.calls[0]
    assert call.path == "/v1/chat/completions"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.body["model"] == "tiny"
    assert call.body["max_tokens"] == 40
    assert call.body["stream"] is True
    assert call.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert [message["role"] for message in call.body["messages"]] == ["system", "user"]
    assert call.body["messages"][1]["content"] == PROMPT.user


async def test_pieces_are_there_before_the_end() -> None:
    turn = Turn("first second", size=6, every=0.2)
    async with ModelServer(turn) as server, writing(server) as (writer, _):
        await written(writer)  # loads the client
        began = time.monotonic()
        async with aclosing(writer.write(PROMPT, schema=SCHEMA, most_tokens=40)) as pieces:
            assert await anext(pieces) == "first "
            first = time.monotonic() - began
            assert [piece async for piece in pieces] == ["second"]
        assert first < time.monotonic() - began - 0.3


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (Turn(status=401), "refused the key; set FABLEWRIGHT_MODEL_KEY"),
        (Turn(status=404), "does not know the model tiny"),
        (Turn(status=429), "too much to do"),
        (Turn(status=500, text="KEY=sk-very-secret"), "answered with status 500"),
        (Turn(raw=b"data: {not json\n\n"), "something else than OpenAI's protocol"),
        (Turn(raw=b'data: {"choices": "none"}\n\n'), "something else than OpenAI's protocol"),
        (Turn("a long story", size=3, cut_after=2), "broke off"),
        (Turn(raw=b'data: {"error": {"message": "out of memory"}}\n\n'), "something else than OpenAI's protocol"),
        (Turn(raw=b"data: \xff\xfe\xc3\x28\n\n" * 3), "something else than OpenAI's protocol"),
        (Turn(headers={"x-endless": "x" * 8_000_000}), "broke off"),
        (Turn(headers={f"x-{number}": "x" for number in range(200_000)}), "broke off"),
        (Turn(raw=b"x" * 65_536, size=65_536, endless=True), "more than 200,000 bytes"),
        (Turn("once upon a time " * 20_000, size=1000), "more than 200,000 bytes"),
        (
            Turn(raw=gzip.compress(b"data: x\n\n" * 1_000_000), size=4096, headers={"content-encoding": "gzip"}),
            "a packed reply",
        ),
    ],
)
async def test_a_server_that_does_badly_is_an_error_for_people(turn: Turn, words: str) -> None:
    async with ModelServer(turn) as server, writing(server, most_bytes=200_000) as (writer, _):
        with pytest.raises(FablewrightError) as caught:
            await written(writer)
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert str(caught.value)[0].isupper()


@pytest.mark.parametrize("raw", [b"", b"<html>a captive portal</html>", b": a ping\n\n"])
async def test_a_reply_without_a_piece_is_no_text(raw: bytes) -> None:
    async with ModelServer(Turn(raw=raw)) as server, writing(server) as (writer, known):
        assert await written(writer) == []
        assert known.silences == 1


@pytest.mark.parametrize("turn", [Turn(after=math.inf), Turn("slowly " * 100, size=1, every=0.05)])
async def test_one_deadline_stands_around_a_call_whatever_its_pace(turn: Turn, slowness: float) -> None:
    async with ModelServer(Turn("warm"), turn) as server:
        async with writing(server, timeout=10.0) as (writer, known):
            await written(writer)  # loads the client
            writer._timeout = 0.5
            began = time.monotonic()
            with pytest.raises(FablewrightError, match=r"did not finish within 0\.5 s"):
                await written(writer)
            assert time.monotonic() - began < 0.5 + 0.2 * slowness
            assert known.silences == (1 if math.isinf(turn.after) else 0)
        await asyncio.sleep(0.05)
        assert server.open == 0


async def test_whoever_leaves_early_leaves_no_connection_behind() -> None:
    async with ModelServer(Turn("on and on ", size=3, every=0.01, endless=True)) as server:
        async with writing(server) as (writer, _), aclosing(writer.write(PROMPT, schema={}, most_tokens=40)) as pieces:
            assert await anext(pieces) == "on "
        await asyncio.sleep(0.05)
        assert server.open == 0


async def test_nobody_is_sent_elsewhere() -> None:
    async with ModelServer(Turn("stolen")) as other:
        turn = Turn(status=307, headers={"location": f"{other.url}/chat/completions"})
        async with ModelServer(turn) as server, writing(server) as (writer, _):
            with pytest.raises(ConfigurationError, match="sends us elsewhere"):
                await written(writer)
        assert other.calls == []


async def test_no_url_leads_to_a_clouds_keys() -> None:
    server = KnownServer(Endpoint("http://169.254.169.254/v1", "tiny"))
    writer = ChatWriter(server, timeout=5.0)
    try:
        with pytest.raises(FablewrightError, match="nothing was sent"):
            await written(writer)
    finally:
        await writer.close()


async def test_an_older_server_that_takes_no_schema_is_asked_without() -> None:
    async with ModelServer(Turn(status=400), Turn("{}")) as server, writing(server) as (writer, _):
        assert await written(writer) == ["{}"]
        assert await written(writer) == ["{}"]
    assert ["response_format" in call.body for call in server.calls] == [True, False, False]


async def test_nobody_there() -> None:
    async with ModelServer() as server:
        pass
    async with writing(server) as (writer, known):
        with pytest.raises(FablewrightError, match="cannot be reached"):
            await written(writer)
        assert known.silences == 1


def test_a_url_is_one_of_http() -> None:
    with pytest.raises(ConfigurationError, match="http"):
        KnownServer(Endpoint("127.0.0.1:11434", "tiny"))


def test_the_key_is_never_shown() -> None:
    assert KEY not in repr(Endpoint("http://x", "tiny", KEY))


def test_openai_is_asked_as_it_wants_to_be() -> None:
    writer = ChatWriter(KnownServer(Endpoint("https://api.openai.com/v1", "gpt")))
    form = schema((Part.HERE,), 2)
    asked = writer._options(Endpoint("https://api.openai.com/v1", "gpt"), form, 9)
    assert asked.keys() == {"max_completion_tokens", "response_format"}
    assert "maxLength" not in json.dumps(asked)
    elsewhere = writer._options(Endpoint("http://127.0.0.1:1/v1", "gpt"), form, 9)
    assert elsewhere["response_format"]["json_schema"]["schema"] == form
    assert "maxLength" in json.dumps(elsewhere)
