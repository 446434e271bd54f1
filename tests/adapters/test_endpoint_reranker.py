"""Against a server on this machine that speaks both protocols, well and badly."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Literal

import pytest

from fablewright.adapters.endpoint_reranker import EndpointReranker
from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"


class Server:
    """Scores a text by how many words of the question it has, the best first; misbehaves when told to."""

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
            self.requests.append((head[0].split()[1], headers, content))
            body = self.scored(content) if self.body is None else self.body
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

    def scored(self, content: dict[str, Any]) -> bytes:
        words = set(content["query"].lower().split())
        texts = content.get("texts") or content["documents"]
        scores = {at: float(len(words & set(text.lower().split()))) - 5 for at, text in enumerate(texts)}
        best = sorted(scores, key=lambda at: -scores[at])
        if "texts" in content:
            return json.dumps([{"index": at, "score": scores[at]} for at in best]).encode()
        found = [{"index": at, "relevance_score": scores[at], "document": {"text": texts[at]}} for at in best]
        return json.dumps({"id": "x", "results": found, "usage": {"total_tokens": 3}}).encode()


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
async def reranking(
    server: Server, protocol: Literal["jina", "tei"] = "jina", model: str = "tiny", **options: Any
) -> AsyncIterator[EndpointReranker]:
    reranker = EndpointReranker(protocol, model, url=f"{server.address}/v1/", key=KEY, **options)
    try:
        yield reranker
    finally:
        await reranker.close()
        await reranker.close()


async def test_scores_come_back_in_the_order_of_the_texts() -> None:
    texts = ["It rains.", "the inn of the heron", "the inn"]
    async with serving() as server, reranking(server) as jina, reranking(server, "tei", "") as tei:
        assert await jina.rerank("the inn of Hob", texts) == [-5.0, -2.0, -3.0]
        assert await tei.rerank("the inn of Hob", texts) == [-5.0, -2.0, -3.0]
        assert await jina.rerank("x", []) == []
    (path, headers, first), (_, _, second) = server.requests
    assert path == "/v1/rerank"
    assert headers["authorization"] == f"bearer {KEY}"
    assert first == {"model": "tiny", "query": "the inn of Hob", "documents": texts}
    assert second == {"query": "the inn of Hob", "texts": texts, "truncate": True}


async def test_without_a_key_none_is_sent() -> None:
    async with serving() as server:
        reranker = EndpointReranker("jina", "tiny", url=server.address)
        await reranker.rerank("x", ["y"])
        await reranker.close()
    assert "authorization" not in server.requests[0][1]


async def test_a_trickling_server_is_left_at_the_deadline() -> None:
    async with serving() as server, reranking(server, timeout=0.3) as reranker:
        server.trickle = 0.02
        began = time.monotonic()
        with pytest.raises(FablewrightError, match=r"reranking server did not answer in 0\.3 s"):
            await reranker.rerank("owl", ["owl"])
        assert time.monotonic() - began < 2


async def test_an_endless_reply_is_cut_off() -> None:
    async with serving() as server, reranking(server, max_bytes=1000) as reranker:
        server.body = b" " * 1_000_000
        with pytest.raises(FablewrightError, match="more than 1,000 bytes"):
            await reranker.rerank("owl", ["owl"])


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (403, ConfigurationError, "refused the key; set FABLEWRIGHT_RERANKING_KEY"),
        (404, ConfigurationError, "does not know the model tiny"),
        (302, FablewrightError, "status 302"),
        (500, FablewrightError, "status 500"),
    ],
)
async def test_refusals_say_what_to_do_and_never_the_key(status: int, kind: type[Exception], said: str) -> None:
    async with serving() as server, reranking(server) as reranker:
        server.status = status
        with pytest.raises(kind, match=said) as caught:
            await reranker.rerank("owl", ["owl"])
    assert KEY not in f"{caught.value!r} {reranker!r} {vars(reranker)!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"\xff\xfe",
        b'{"results": 3}',
        b'{"results": []}',
        b'{"results": [{"index": 0, "relevance_score": "x"}]}',
        b'{"results": [{"index": 1, "relevance_score": 1}]}',
        b'{"results": [{"index": -1, "relevance_score": 1}]}',
        b'{"results": [{"index": 0, "relevance_score": 1}, {"index": 1, "relevance_score": 1}]}',
        b'{"results": [{"index": 0, "relevance_score": 1e999}]}',
        b'[{"index": 0, "score": 1}]',
        b"[" * 200_000,
    ],
)
async def test_whatever_else_is_sent_is_no_score(body: bytes) -> None:
    async with serving() as server, reranking(server) as reranker:
        server.body = body
        with pytest.raises(FablewrightError, match="reranking server sent") as caught:
            await reranker.rerank("owl", ["owl"])
        assert "\n" not in str(caught.value)


async def test_nobody_there() -> None:
    reranker = EndpointReranker("tei", "", url="http://127.0.0.1:9")
    with pytest.raises(FablewrightError, match=r"cannot be reached .*is it running"):
        await reranker.rerank("owl", ["owl"])
    await reranker.close()


def test_what_cannot_work_is_said_before_it_is_tried() -> None:
    with pytest.raises(ConfigurationError, match="set reranking_url"):
        EndpointReranker("jina", "m", url="")
    with pytest.raises(ConfigurationError, match="set reranking_model"):
        EndpointReranker("jina", "", url="http://127.0.0.1")
    with pytest.raises(ConfigurationError, match="begins with http"):
        EndpointReranker("tei", "", url="file:///etc/passwd")
