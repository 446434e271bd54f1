"""Threads have a time of their own: these tests run on real loops."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import threading
import time
import weakref
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import ContractViolation, DeadlineExceeded, FablewrightError, PeerLost, RemoteError
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.from_thread import run_and_block
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.context import Context, ReplyToken

pytestmark = pytest.mark.anyio

word: contextvars.ContextVar[str] = contextvars.ContextVar("word", default="none")


@dataclass(frozen=True, slots=True)
class Echo(Request[str]):
    action: ClassVar[str] = "echo"
    what: str = "hello"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Do(Request[str]):
    action: ClassVar[str] = "do"
    what: str = ""


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"
    text: str = ""


class Echoer(Agent):
    name = "echoer"

    def __init__(self) -> None:
        self.heard_here: list[tuple[str, int]] = []
        self.deadlines: list[float] = []
        self.cancelled = 0

    @handles(Echo)
    async def echo(self, request: Echo, ctx: Context) -> str:
        self.deadlines.append(ctx.remaining)
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return request.what

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        self.heard_here.append((message.text, threading.get_ident()))


class Blocking(Agent):
    """Does what it is told on a thread."""

    name = "blocking"

    def __init__(self) -> None:
        self.threads: set[int] = set()
        self.at_once = 0
        self.most_at_once = 0
        self.go_on = threading.Event()
        self.errors: list[Exception] = []
        self.ended = threading.Event()

    @handles(Do)
    def do(self, request: Do, ctx: Context) -> Any:  # noqa: PLR0911 - a small interpreter
        self.threads.add(threading.get_ident())
        match request.what:
            case "sleep":
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                time.sleep(0.1)
                self.at_once -= 1
                return "slept"
            case "raise":
                raise ValueError("on a thread")
            case "nothing":
                return None
            case "defer":
                token: ReplyToken[str] = ctx.defer()
                threading.Thread(target=partial(token.answer, "later"), daemon=True).start()
                return token
            case "ask":
                return ctx.ask_from_thread("echoer", Echo(f"{ctx.remaining > 0}"), timeout=50.0)
            case "ask down":
                return ctx.ask_from_thread("deeper", Do("sleep"))
            case "ask slowly":
                try:
                    return ctx.ask_from_thread("echoer", Echo(seconds=60.0), timeout=80.0)
                except Exception as error:
                    self.errors.append(error)
                    raise
                finally:
                    self.ended.set()
            case "tell":
                ctx.tell("echoer", Note("told"))
                return str(ctx.publish(Note("published")))
            case "hang":
                self.go_on.wait(30.0)
                return "late"
            case "word":
                seen = word.get()
                word.set("changed")
                return seen
            case _:
                raise AssertionError(request.what)


def started(**options: Any) -> tuple[Bus, Blocking, Echoer]:
    bus, blocking, echoer = Bus(BusOptions(**options)), Blocking(), Echoer()
    bus.register(blocking)
    bus.register(echoer)
    return bus, blocking, echoer


# ------------------------------------------------------------------ handlers on threads


async def test_handlers_on_threads_run_side_by_side_up_to_their_bound_and_never_on_the_loop() -> None:
    bus, blocking, _ = started(threads=3)
    async with bus:
        began = time.monotonic()
        asks = asyncio.gather(*(bus.ask("blocking", Do("sleep")) for _ in range(6)))
        assert await bus.ask("echoer", Echo()) == "hello"
        assert time.monotonic() - began < 0.1  # the loop went on meanwhile
        assert await asks == ["slept"] * 6
        assert blocking.most_at_once == 3
        assert threading.get_ident() not in blocking.threads


async def test_handlers_that_wait_on_all_threads_do_not_keep_those_they_wait_for_from_one() -> None:
    bus, _, _ = started(threads=2)
    deeper = Blocking()
    deeper.name = "deeper"  # type: ignore[misc]  # a second one
    bus.register(deeper)
    async with bus:
        asks = (bus.ask("blocking", Do("ask down"), timeout=5.0) for _ in range(6))
        assert await asyncio.gather(*asks) == ["slept"] * 6
    assert deeper.most_at_once == 2


async def test_handlers_on_threads_are_held_to_the_contract_too() -> None:
    bus, _, _ = started()
    async with bus:
        with pytest.raises(RemoteError, match="ValueError: on a thread"):
            await bus.ask("blocking", Do("raise"))
        with pytest.raises(ContractViolation, match="returned nothing and did not defer"):
            await bus.ask("blocking", Do("nothing"))
        assert await bus.ask("blocking", Do("defer")) == "later"


async def test_handlers_on_threads_ask_within_the_time_that_is_left() -> None:
    bus, _, echoer = started()
    async with bus:
        assert await bus.ask("blocking", Do("ask"), timeout=5.0) == "True"
        assert 0 < echoer.deadlines[0] <= 5.0


async def test_handlers_on_threads_tell_and_publish_on_the_loop() -> None:
    bus, _, echoer = started()
    async with bus:
        assert await bus.ask("blocking", Do("tell")) == "1"
        await asyncio.sleep(0.01)
        assert sorted(echoer.heard_here) == [("published", threading.get_ident()), ("told", threading.get_ident())]


async def test_when_nobody_waits_any_more_the_thread_leaves_and_what_it_asked_for_stops() -> None:
    bus, blocking, echoer = started()
    async with bus:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await bus.ask("blocking", Do("ask slowly"), timeout=70.0)
        await asyncio.sleep(0.2)
        assert blocking.ended.is_set()
        assert echoer.cancelled == 1
        assert [type(error) for error in blocking.errors] == [PeerLost]
        assert bus.statistics().pending == 0


async def test_a_thread_that_hangs_holds_up_neither_its_asker_nor_the_stop() -> None:
    bus, blocking, _ = started()
    began = time.monotonic()
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("blocking", Do("hang"), timeout=0.1)
        asking = asyncio.gather(bus.ask("blocking", Do("hang")), return_exceptions=True)
        await asyncio.sleep(0.01)
    assert [type(error) for error in await asking] == [PeerLost]
    assert time.monotonic() - began < 1.0
    blocking.go_on.set()
    await asyncio.sleep(0.05)  # both come back, and nobody minds
    assert bus.dead_letters() == ()


async def test_a_handler_on_a_thread_sees_the_variables_and_changes_nobodys() -> None:
    word.set("outside")
    bus, _, _ = started()
    async with bus:
        assert [await bus.ask("blocking", Do("word")) for _ in range(2)] == ["outside", "outside"]
    assert word.get() == "outside"


# ------------------------------------------------------------------ asking from threads


async def test_many_threads_ask_at_once() -> None:
    bus, _, _ = started()
    async with bus:
        asks = [asyncio.to_thread(bus.ask_from_thread, "echoer", Echo(str(n), 0.05)) for n in range(40)]
        assert await asyncio.gather(*asks) == [str(n) for n in range(40)]
        assert bus.statistics().pending == 0


async def test_a_thread_is_told_what_anybody_is_told() -> None:
    bus, _, _ = started()
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await asyncio.to_thread(bus.ask_from_thread, "echoer", Echo(seconds=9.0), timeout=0.05)
        with pytest.raises(ContractViolation, match="time-out"):
            await asyncio.to_thread(bus.ask_from_thread, "echoer", Echo(), timeout=-1.0)
        with pytest.raises(ContractViolation, match=r"use `await bus\.ask"):
            bus.ask_from_thread("echoer", Echo())


async def test_a_bus_that_stops_answers_the_threads_that_wait() -> None:
    bus, _, _ = started()
    with pytest.raises(ContractViolation, match="start it before"):
        await asyncio.to_thread(bus.ask_from_thread, "echoer", Echo())
    await bus.start()
    asking = [asyncio.ensure_future(asyncio.to_thread(_outcome, bus)) for _ in range(5)]  # noqa: TID251 - the asker
    await asyncio.sleep(0.1)
    await bus.stop()
    assert [type(error) for error in await asyncio.gather(*asking)] == [PeerLost] * 5
    with pytest.raises(ContractViolation, match="start it before"):
        await asyncio.to_thread(bus.ask_from_thread, "echoer", Echo())


def _outcome(bus: Bus) -> object:
    try:
        return bus.ask_from_thread("echoer", Echo(seconds=60.0), timeout=60.0)
    except FablewrightError as error:
        return error


def test_a_loop_that_is_closed_under_a_waiting_thread_ends_its_waiting() -> None:
    loop = asyncio.new_event_loop()
    outcome: list[object] = []
    thread = threading.Thread(
        target=lambda: outcome.append(_caught(lambda: run_and_block(_never, loop, Supervisor(), lambda: True)))
    )
    thread.start()
    time.sleep(0.1)  # it has asked a loop that does not run
    loop.close()
    thread.join(2.0)
    assert [type(error) for error in outcome] == [PeerLost]
    assert isinstance(_caught(lambda: run_and_block(_never, loop, Supervisor(), lambda: True)), PeerLost)


async def _never() -> str:
    await asyncio.sleep(3600.0)
    return "never"


def _caught(call: Callable[[], object]) -> object:
    try:
        return call()
    except FablewrightError as error:
        return error


async def test_ctrl_c_in_the_waiting_thread_withdraws_what_it_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, _, echoer = started()
    looks: list[int] = []
    wait = concurrent.futures.wait

    def interrupted(*args: Any) -> Any:
        looks.append(1)
        if len(looks) == 3:
            raise KeyboardInterrupt
        return wait(*args)

    # A signal reaches the main thread only, and that runs the loop here.
    monkeypatch.setattr(concurrent.futures, "wait", interrupted)

    def ask() -> str:
        try:
            return bus.ask_from_thread("echoer", Echo(seconds=60.0), timeout=60.0)
        except KeyboardInterrupt:
            return "interrupted"

    async with bus:
        assert await asyncio.to_thread(ask) == "interrupted"
        await asyncio.sleep(0.05)
        assert echoer.cancelled == 1
        assert bus.statistics().pending == 0


async def test_an_error_that_reached_a_thread_leaves_nothing_for_the_cyclic_collector() -> None:
    class Marked(Exception):
        pass

    class Failing(Agent):
        name = "failing"

        @handles(Echo)
        async def echo(self, request: Echo, ctx: Context) -> str:
            error = Marked()
            watched.append(weakref.ref(error))
            try:
                raise error
            finally:
                del error

    watched: list[weakref.ref[Marked]] = []
    bus = Bus()
    bus.register(Failing())

    def ask() -> str:
        try:
            return bus.ask_from_thread("failing", Echo())
        except RemoteError as error:
            return type(error.__cause__).__name__

    async with bus:
        gc.collect()
        gc.disable()
        try:
            assert await asyncio.to_thread(ask) == "Marked"
            await asyncio.sleep(0.05)
            assert watched[0]() is None
        finally:
            gc.enable()
