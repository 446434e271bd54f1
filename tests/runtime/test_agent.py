from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.runtime.agent import Agent, batches, handles, hears, streams
from fablewright.runtime.bus import Bus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class One(Request[str]):
    action: ClassVar[str] = "one"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Two(Request[str]):
    action: ClassVar[str] = "two"


@dataclass(frozen=True, slots=True)
class Pieces(StreamRequest[str]):
    action: ClassVar[str] = "pieces"


@dataclass(frozen=True, slots=True)
class Noise(Message):
    action: ClassVar[str] = "noise"


class Ones:
    """What an agent may have besides: no agent itself."""

    @handles(One)
    async def one(self, request: One, ctx: Context) -> str:
        return "mixed in"


class Plain(Agent):
    name = "plain"

    @handles(One)
    async def one(self, request: One, ctx: Context) -> str:
        return "plain"

    @hears(Noise)
    async def noise(self, message: Noise, ctx: Context) -> None: ...

    @streams(Pieces)
    async def pieces(self, request: Pieces, ctx: Context) -> AsyncIterator[str]:
        yield "piece"


class Another(Agent):
    name = "another"

    @handles(Two)
    async def two(self, request: Two, ctx: Context) -> str:
        return "another"


async def asked(agent: Agent, request: Request[str]) -> str:
    bus = Bus()
    bus.register(agent)
    async with bus:
        return await bus.ask(agent.name, request)


# ------------------------------------------------------------------ which handlers an agent has


async def test_handlers_are_inherited_as_methods_are() -> None:
    class Mixed(Ones, Agent):
        name = "mixed"

    class Both(Plain, Another):
        name = "both"

    class Override(Plain):
        @handles(One)
        async def one(self, request: One, ctx: Context) -> str:
            return "overridden"

    class UnderAnotherName(Plain):
        @handles(One)
        async def uno(self, request: One, ctx: Context) -> str:
            return "uno"

    assert await asked(Mixed(), One()) == "mixed in"
    assert await asked(Both(), One()) == "plain"
    assert await asked(Both(), Two()) == "another"
    assert await asked(Override(), One()) == "overridden"
    assert await asked(UnderAnotherName(), One()) == "uno"
    assert await asked(Plain(), One()) == "plain"
    assert (Both.heard, Both.streamed) == ({"noise"}, {"pieces"})


def test_a_method_that_takes_anothers_place_takes_its_action_away() -> None:
    class Changed(Plain):
        @handles(Two)  # type: ignore[arg-type]  # Liskov would mind, and rightly
        async def one(self, request: Two, ctx: Context) -> str:  # type: ignore[override]  # as above
            return "two"

    assert set(Changed.handlers) == {"two", "noise", "pieces"}


def test_what_is_heard_or_streamed_can_become_an_ordinary_reply() -> None:
    class Changed(Plain):
        @handles(Two)
        async def noise(self, request: Two, ctx: Context) -> str:  # type: ignore[override]  # another message
            return "noise"

    assert Changed.heard == frozenset()
    assert Changed.streamed == {"pieces"}


def test_an_override_that_is_not_marked_is_refused() -> None:
    with pytest.raises(ContractViolation, match=r"Forgetful\.one overrides a handler"):

        class Forgetful(Plain):
            async def one(self, request: One, ctx: Context) -> str:
                return "never called"


def test_two_handlers_for_one_action_are_refused() -> None:
    with pytest.raises(ContractViolation, match="two handlers for one"):

        class Double(Agent):
            @handles(One)
            async def first(self, request: One, ctx: Context) -> str:
                return ""

            @batches(One)
            async def second(self, requests: Sequence[One], ctx: Context) -> list[str]:
                return [""]


def test_one_method_handles_one_message() -> None:
    with pytest.raises(ContractViolation, match="is a handler already"):

        class Greedy(Agent):
            @handles(One)
            @handles(Two)  # type: ignore[arg-type]  # typed for one of them only
            async def both(self, request: Two, ctx: Context) -> str:
                return ""


# ------------------------------------------------------------------ what can be a handler


async def _coroutine(self: Any, request: Any, ctx: Context) -> str:
    return ""


async def _pieces(self: Any, request: Any, ctx: Context) -> AsyncIterator[str]:
    yield ""


def _generator(self: Any, request: Any, ctx: Context) -> Iterator[str]:
    yield ""


@pytest.mark.parametrize(
    ("mark", "method", "said"),
    [
        (handles(One), _pieces, "is marked with `streams`"),
        (handles(One), _generator, "is marked with `streams`"),
        (hears(Noise), _pieces, "is marked with `streams`"),
        (batches(One), _pieces, "is marked with `streams`"),
        (streams(Pieces), _coroutine, "must be an `async def` with a `yield`"),
        (streams(Pieces), _generator, "must be an `async def` with a `yield`"),
        (handles(Request), _coroutine, "names no action"),
    ],
)
def test_what_cannot_be_such_a_handler_is_refused_when_it_is_marked(
    mark: Callable[[Any], Any], method: Any, said: str
) -> None:
    with pytest.raises(ContractViolation, match=said):
        mark(method)


async def test_a_coroutine_function_in_disguise_is_one() -> None:
    def logged(method: Any) -> Any:
        @functools.wraps(method)
        def call(*args: Any) -> Any:
            calls.append(method.__name__)
            return method(*args)

        return call

    calls: list[str] = []

    class Decorated(Agent):
        name = "decorated"

        @handles(One)
        @logged
        async def one(self, request: One, ctx: Context) -> str:
            return "awaited"

    assert await asked(Decorated(), One()) == "awaited"
    assert calls == ["one"]


# ------------------------------------------------------------------ types


def test_mypy_accepts_and_refuses_what_it_should() -> None:
    sample = Path(__file__).with_name("typed_agent.py")
    expected = Counter(
        (number, match[1])
        for number, line in enumerate(sample.read_text(encoding="utf-8").splitlines(), 1)
        if (match := re.search(r"# wrong: (\S+)$", line))
    )
    assert len(expected) >= 10
    project = Path(__file__).parents[2]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(sample)],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
    )
    found = re.findall(r"typed_agent\.py:(\d+): error: .*\[([\w-]+)\]$", checked.stdout, re.MULTILINE)
    assert {(int(line), code) for line, code in found} == set(expected), checked.stdout + checked.stderr
