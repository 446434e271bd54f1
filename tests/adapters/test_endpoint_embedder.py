"""Against a server on this machine that speaks both protocols, well and badly."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest

from fablewright.adapters.endpoint_embedder import EndpointEmbedder
from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"


class Server:
    """Embeds a text as its length and the number of its words; misbehaves when told to."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.body: bytes | None = None
        self.trickle = 0.0
        self.address = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            content = json.loads(await reader.readexactly(int(headers["content-length"])))
            path = head[0].split()[1]
            self.requests.append((path, headers, content))
            vectors = [[len(text), text.count(" ") + 1.5] for text in content["input"]]
            if path.endswith("/api/embed"):
                body = json.dumps({"model": content["model"], "embeddings": vectors}).encode()
            else:
                data = [{"object": "embedding", "index": n, "embedding": v} for n, v in enumerate(vectors)]
                body = json.dumps({"object": "list", "data": data[::-1]}).encode()
            body = body if self.body is None else self.body
            writer.write(f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode())
            for byte in body if self.trickle else []:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.trickle)
            if not self.trickle:
                writer.write(body)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()


@asynccontextmanager
async def embedding(
    server: Server, protocol: Literal["openai", "ollama"] = "openai", model: str = "tiny", **options: Any
) -> AsyncIterator[EndpointEmbedder]:
    url = f"{server.address}/v1" if protocol == "openai" else server.address
    embedder = EndpointEmbedder(protocol, model, url=url, key=KEY, **options)
    try:
        yield embedder
    finally:
        await embedder.close()
        await embedder.close()


@pytest.mark.parametrize(("protocol", "path"), [("openai", "/v1/embeddings"), ("ollama", "/api/embed")])
async def test_one_call_for_all_texts_in_their_order(protocol: Literal["openai", "ollama"], path: str) -> None:
    async with serving() as server, embedding(server, protocol) as embedder:
        vectors = await embedder.embed(["an inn", "a much longer passage"], "passage")
        assert await embedder.embed([], "query") == []
    ((asked, headers, content),) = server.requests
    assert asked == path
    assert headers["authorization"] == f"bearer {KEY}"
    assert content == {"model": "tiny", "input": ["an inn", "a much longer passage"]}
    for vector, numbers in zip(vectors, [(6, 2.5), (21, 4.5)], strict=True):
        length = (numbers[0] ** 2 + numbers[1] ** 2) ** 0.5
        assert list(memoryview(vector).cast("f")) == pytest.approx([number / length for number in numbers])


async def test_models_get_the_words_before_a_text_that_they_were_made_for() -> None:
    async with serving() as server, embedding(server, "ollama", "nomic-embed-text") as embedder:
        await embedder.embed(["owl"], "query")
        await embedder.embed(["owl"], "passage")
    assert [content["input"] for _, _, content in server.requests] == [["search_query: owl"], ["search_document: owl"]]


async def test_a_trickling_server_is_left_at_the_deadline() -> None:
    async with serving() as server, embedding(server, timeout=0.3) as embedder:
        server.trickle = 0.02
        began = time.monotonic()
        with pytest.raises(FablewrightError, match=r"did not answer in 0\.3 s"):
            await embedder.embed(["owl"], "query")
        assert time.monotonic() - began < 2


async def test_an_endless_reply_is_cut_off() -> None:
    async with serving() as server, embedding(server, max_bytes=1000) as embedder:
        server.body = b" " * 1_000_000
        with pytest.raises(FablewrightError, match="more than 1,000 bytes"):
            await embedder.embed(["owl"], "query")


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, ConfigurationError, "refused the key"),
        (404, ConfigurationError, "does not know the model tiny"),
        (302, FablewrightError, "status 302"),
        (500, FablewrightError, "status 500"),
    ],
)
async def test_refusals_say_what_to_do_and_never_the_key(status: int, kind: type[Exception], said: str) -> None:
    async with serving() as server, embedding(server) as embedder:
        server.status = status
        with pytest.raises(kind, match=said) as caught:
            await embedder.embed(["owl"], "query")
    assert KEY not in f"{caught.value!r} {embedder!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b'{"data": 3}',
        b'{"data": [{"index": 0, "embedding": ["x"]}]}',
        b'{"data": [{"index": 0, "embedding": []}]}',
        b'{"data": [{"index": 0, "embedding": [0, 0]}]}',
        b'{"data": [{"index": 7, "embedding": [1, 0]}]}',
        b'{"data": [{"index": 0, "embedding": [1e999]}]}',
        b'{"data": []}',
        b"[" * 200_000,
    ],
)
async def test_whatever_else_is_sent_is_no_vector(body: bytes) -> None:
    async with serving() as server, embedding(server) as embedder:
        server.body = body
        with pytest.raises(FablewrightError, match="embedding server sent") as caught:
            await embedder.embed(["owl"], "query")
        assert "\n" not in str(caught.value)


async def test_nobody_there() -> None:
    embedder = EndpointEmbedder("ollama", "tiny", url="http://127.0.0.1:9")
    with pytest.raises(FablewrightError, match=r"cannot be reached .*is it running"):
        await embedder.embed(["owl"], "query")
    await embedder.close()


def test_what_cannot_work_is_said_before_it_is_tried() -> None:
    with pytest.raises(ConfigurationError, match="set embedding_model"):
        EndpointEmbedder("openai", "")
    with pytest.raises(ConfigurationError, match="begins with http"):
        EndpointEmbedder("openai", "m", url="file:///etc/passwd")
    assert EndpointEmbedder("openai", "m", key=KEY).model == "openai:m"
