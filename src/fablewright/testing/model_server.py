"""A language model's server for tests: speaks OpenAI's protocol over real sockets, and misbehaves as it is told.

::

    async with ModelServer(Turn('{"read_aloud": …}'), Turn(after=math.inf)) as server:
        ...  # the first call is answered, the second and all after it hang; server.url ends with /v1
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = ["Call", "ModelServer", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """How one call is answered.

    Attributes:
        text: What the model writes.
        status: Of HTTP.
        after: Seconds before the first byte; infinite: it never comes.
        every: Seconds between two pieces.
        size: Characters of a piece of ``text``; bytes of a piece of ``raw``.
        cut_after: Pieces after which the connection breaks; None: it does not.
        raw: Sent as the body instead, as it stands.
        headers: Further ones.
        endless: Whether the pieces begin anew when they are all sent.
    """

    text: str = ""
    status: int = 200
    after: float = 0.0
    every: float = 0.0
    size: int = 16
    cut_after: int | None = None
    raw: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    endless: bool = False

    def pieces(self) -> Iterator[bytes]:
        """Yield the body."""
        if self.raw is not None:
            yield from (self.raw[at : at + self.size] for at in range(0, len(self.raw), self.size))
            return
        for at in range(0, len(self.text), self.size):
            yield _chunk({"role": "assistant", "content": self.text[at : at + self.size]}, None)
        yield _chunk({}, "stop")
        yield b"data: [DONE]\n\n"


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came.

    Attributes:
        path: Of the URL.
        headers: In small letters.
        body: What was asked; None for a GET.
    """

    path: str
    headers: dict[str, str]
    body: Any


class ModelServer:
    """Listens on this machine at a free port.

    Args:
        turns: How the calls are answered, one after the other; the last of them again and again.
        models: What ``/api/tags`` lists, as Ollama does.

    Attributes:
        calls: What was asked so far, ``/api/tags`` aside.
        url: Where the API is, with ``/v1``.
        open: Connections that are being answered.
    """

    def __init__(self, *turns: Turn, models: tuple[str, ...] = ()) -> None:
        self.calls: list[Call] = []
        self.url = ""
        self.open = 0
        self._turns = list(turns) or [Turn()]
        self._models = models
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            call = await _read(reader)
            if call.path == "/api/tags":
                body = json.dumps({"models": [{"name": name} for name in self._models]}).encode()
                writer.write(_head(200, {"content-length": str(len(body))}) + body)
                await writer.drain()
                return
            self.calls.append(call)
            turn = self._turns.pop(0) if len(self._turns) > 1 else self._turns[0]
            await self._answer(turn, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, turn: Turn, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _wait(turn.after, reader)
        writer.write(_head(turn.status, {"content-type": "text/event-stream", **turn.headers}))
        sent = 0
        while True:
            for piece in turn.pieces():
                if sent == turn.cut_after:
                    writer.transport.abort()
                    return
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
                sent += 1
                await _wait(turn.every, reader)
            if not turn.endless:
                break
        writer.write(b"0\r\n\r\n")
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Call:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    length = int(headers.get("content-length", 0))
    return Call(first.split()[1], headers, json.loads(await reader.readexactly(length)) if length else None)


async def _wait(seconds: float, reader: asyncio.StreamReader) -> None:
    """Wait, but no longer than the client does: it sends nothing more, so what can be read is its end."""
    if not seconds:
        return
    try:
        async with asyncio.timeout(None if seconds == math.inf else seconds):
            await reader.read(1)
    except TimeoutError:
        return
    raise ConnectionError


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    content = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "tiny", "choices": [choice]}
    return f"data: {json.dumps(content)}\n\n".encode()


def _head(status: int, headers: dict[str, str]) -> bytes:
    if "content-length" not in headers:
        headers = {**headers, "transfer-encoding": "chunked"}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} X\r\nconnection: close\r\n{lines}\r\n".encode()
