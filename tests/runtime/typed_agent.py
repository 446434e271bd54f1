"""What mypy has to accept and to refuse; ``test_agent`` has it checked. Each wrong line says which error it is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence  # noqa: TC003 - a sample of how agents are written
from dataclasses import dataclass
from typing import ClassVar, assert_type

from fablewright import (
    Agent,
    Bus,
    Context,
    Message,
    ReplyToken,
    Request,
    StreamRequest,
    batches,
    handles,
    hears,
    streams,
)


@dataclass(frozen=True, slots=True)
class Length(Request[int]):
    action: ClassVar[str] = "length"
    idempotent: ClassVar[bool] = True
    text: str = ""


@dataclass(frozen=True, slots=True)
class Letters(StreamRequest[str]):
    action: ClassVar[str] = "letters"
    text: str = ""


@dataclass(frozen=True, slots=True)
class Noise(Message):
    action: ClassVar[str] = "noise"


class OnTheLoop(Agent):
    name = "on_the_loop"

    @handles(Length)
    async def length(self, request: Length, ctx: Context) -> int:
        assert_type(await ctx.ask("other", request), int)
        assert_type(ctx.ask_from_thread("other", request), int)
        async for letter in ctx.ask_stream("other", Letters()):
            assert_type(letter, str)
        return len(request.text)

    @hears(Noise)
    async def noise(self, message: Noise, ctx: Context) -> None: ...

    @streams(Letters)
    async def letters(self, request: Letters, ctx: Context) -> AsyncIterator[str]:
        yield request.text


class OnAThread(Agent):
    name = "on_a_thread"

    @handles(Length)
    def length(self, request: Length, ctx: Context) -> int:
        return len(request.text)

    @hears(Noise)
    def noise(self, message: Noise, ctx: Context) -> None: ...

    @streams(Letters)
    async def letters(self, request: Letters, ctx: Context) -> AsyncGenerator[str, None]:
        yield request.text


class Deferring(Agent):
    name = "deferring"

    @handles(Length)
    async def length(self, request: Length, ctx: Context) -> int | ReplyToken[int]:
        return ctx.defer()


class Together(Agent):
    name = "together"

    @batches(Length, max_size=4)
    async def length(self, requests: Sequence[Length], ctx: Context) -> list[int | Exception]:
        return [len(request.text) for request in requests]


class TogetherOnAThread(Agent):
    name = "together_on_a_thread"

    @batches(Length)
    def length(self, requests: Sequence[Length], ctx: Context) -> list[int]:
        return [len(request.text) for request in requests]


async def reads(bus: Bus) -> None:
    assert_type(await bus.ask("any", Length()), int)
    async with bus.ask_stream("any", Letters()) as letters:
        async for letter in letters:
            assert_type(letter, str)
    with bus.subscribe(Noise) as noises:
        async for noise in noises:
            assert_type(noise, Noise)


async def asks_wrongly(bus: Bus) -> None:
    await bus.ask("any", Letters())  # wrong: arg-type
    bus.ask_stream("any", Length())  # wrong: arg-type
    await bus.ask("any", Noise())  # wrong: arg-type
    bus.tell("any", "noise")  # wrong: arg-type


class Wrong(Agent):
    name = "wrong"

    @handles(Length)  # wrong: arg-type
    async def another_type(self, request: Length, ctx: Context) -> str:
        return request.text

    @handles(Length)  # wrong: arg-type
    async def perhaps_nothing(self, request: Length, ctx: Context) -> int | None:
        return None

    @handles(Length)  # wrong: arg-type
    def another_type_on_a_thread(self, request: Length, ctx: Context) -> str:
        return request.text

    @handles(Letters)  # wrong: arg-type
    async def stream_as_a_reply(self, request: Letters, ctx: Context) -> str:
        return request.text

    @hears(Noise)  # wrong: arg-type
    async def answers(self, message: Noise, ctx: Context) -> int:
        return 1

    @hears(Noise)  # wrong: arg-type
    async def hears_something_else(self, message: Length, ctx: Context) -> None: ...

    @streams(Letters)  # wrong: arg-type
    async def other_pieces(self, request: Letters, ctx: Context) -> AsyncIterator[int]:
        yield 1

    @streams(Letters)  # wrong: arg-type
    async def no_pieces(self, request: Letters, ctx: Context) -> str:
        return request.text

    @batches(Length)  # wrong: arg-type
    async def one_for_all(self, requests: Sequence[Length], ctx: Context) -> int:
        return 1

    @batches(Length)  # wrong: arg-type
    async def other_results(self, requests: Sequence[Length], ctx: Context) -> list[str]:
        return [request.text for request in requests]
