from __future__ import annotations

import asyncio
import time

import pytest

from fablewright.adapters.ollama import Ollama, ollama_url
from fablewright.errors import FablewrightError
from fablewright.testing.model_server import ModelServer

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("[::]", "http://127.0.0.1:11434"),
        ("10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("https://models.example", "https://models.example:443"),
        ("[::1]:11434", "http://[::1]:11434"),
    ],
)
def test_where_it_is(said: str, url: str) -> None:
    assert ollama_url({"OLLAMA_HOST": said}) == url


async def test_the_first_model_that_writes_is_taken() -> None:
    async with ModelServer(models=("nomic-embed-text:latest", "llama3.2:3b", "qwen3:8b")) as server:
        ollama = Ollama(url=server.url.removesuffix("/v1"))
        assert await ollama.model() == "llama3.2:3b"
        endpoint = await ollama.endpoint()
        assert (endpoint.url, endpoint.model, endpoint.key) == (server.url, "llama3.2:3b", "")
        named = Ollama("qwen3:8b", url=server.url.removesuffix("/v1"))
        assert (await named.endpoint()).model == "qwen3:8b"


async def test_without_it_there_is_no_model_and_it_is_looked_for_again() -> None:
    async with ModelServer() as server:
        url = server.url.removesuffix("/v1")
        assert await Ollama(url=url).model() == ""  # it has none that writes
    ollama = Ollama(url=url)
    began = time.monotonic()
    assert await ollama.model() == ""
    assert time.monotonic() - began < 0.5
    with pytest.raises(FablewrightError, match="does not answer"):
        await ollama.endpoint()
    await ollama.close()


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0\r\n\r\n[1]", b'x\r\n\r\n{"models": 3}', b"."]
)
async def test_who_else_sits_at_its_port_is_not_it(reply: bytes, slowness: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while reply == b".":  # for ever
                writer.write(reply)
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.write(reply)
        except ConnectionError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listener:
        began = time.monotonic()
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        assert await Ollama(url=url).model() == ""
        assert time.monotonic() - began < 0.6 + 0.1 * slowness
        listener.close()
