from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import MailboxFull, PeerLost
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from fablewright.protocol.mailbox import Overflow
    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio

word: contextvars.ContextVar[str] = contextvars.ContextVar("word", default="none")


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Work(Request[int]):
    action: ClassVar[str] = "work"
    number: int = 0
    seconds: float = 0.0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Urgent(Request[int]):
    action: ClassVar[str] = "urgent"
    priority = 9
    number: int = 0


@dataclass(frozen=True, slots=True)
class Misbehave(Request[str]):
    action: ClassVar[str] = "misbehave"
    how: str = ""


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"
    number: int = 0


class Worker(Agent):
    name = "worker"

    def __init__(self) -> None:
        self.order: list[int] = []
        self.at_once = 0
        self.most_at_once = 0

    @handles(Work)
    async def work(self, request: Work, ctx: Context) -> int:
        self.order.append(request.number)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if request.seconds:
                await asyncio.sleep(request.seconds)
        finally:
            self.at_once -= 1
        return request.number

    @handles(Urgent)
    async def urgent(self, request: Urgent, ctx: Context) -> int:
        self.order.append(request.number)
        return request.number

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        self.order.append(message.number)

    @handles(Misbehave)
    async def misbehave(self, request: Misbehave, ctx: Context) -> str:
        task = asyncio.current_task()
        assert task is not None
        seen = word.get()
        match request.how:
            case "set":
                word.set("changed")
            case "set and wait":
                word.set("changed")
                await asyncio.sleep(0.25)
                assert word.get() == "changed"
            case "wait":
                await asyncio.sleep(0.25)
            case "cancel itself later":
                task.cancel()
            case "time out":
                try:
                    async with asyncio.timeout(0.25):
                        await asyncio.sleep(60.0)
                except TimeoutError:
                    seen = "timed out"
            case "group":
                async with asyncio.TaskGroup() as group:
                    parts = [group.create_task(asyncio.sleep(0.25, part)) for part in "ab"]
                seen = "".join(part.result() for part in parts)
            case "swallow":
                try:
                    await asyncio.sleep(60.0)
                except asyncio.CancelledError:
                    await asyncio.sleep(1.0)
        assert task is asyncio.current_task()
        return seen


class One(Worker):
    concurrency = 1


def workers() -> int:
    return sum("worker worker" in task.get_name() for task in asyncio.all_tasks())


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def begin(agent: Agent) -> Bus:
    bus = Bus()
    bus.register(agent)
    await bus.start()
    return bus


# ------------------------------------------------------------------ workers


@given(
    seconds=st.lists(st.sampled_from([0.0, 0.0, 0.25, 1.0]), min_size=1, max_size=40),
    concurrency=st.integers(1, 5),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_all_are_handled_never_more_at_once_than_may_be_and_one_worker_is_left(
    seconds: list[float], concurrency: int, seed: int | None
) -> None:
    class Bounded(Worker):
        pass

    Bounded.concurrency = concurrency

    async def main() -> None:
        worker = Bounded()
        before = len(asyncio.all_tasks())
        bus = await begin(worker)
        asks = [bus.ask("worker", Work(n, each), timeout=1000.0) for n, each in enumerate(seconds)]
        assert await asyncio.gather(*asks) == list(range(len(seconds)))
        assert worker.most_at_once <= concurrency
        await settle()
        assert workers() <= 1
        assert len(asyncio.all_tasks()) <= before + 1
        assert bus.statistics().tasks == 0
        await bus.stop()
        assert len(asyncio.all_tasks()) == before

    run_virtual(main(), seed=seed)


async def test_slow_handlers_delay_nobody_while_there_is_another_to_take_over() -> None:
    bus = await begin(Worker())
    slow = asyncio.gather(*(bus.ask("worker", Work(n, 60.0), timeout=99.0) for n in range(63)))
    await settle()
    assert await bus.ask("worker", Work(99)) == 99
    assert bus.now() == 0.0
    assert await slow == list(range(63))
    await bus.stop()


async def test_a_crowd_of_messages_lets_others_on_the_loop_have_their_turn() -> None:
    worker = One()
    bus = await begin(worker)
    for number in range(640):
        bus.tell("worker", Note(number))
    turns = [0]
    while len(worker.order) < 640:
        await asyncio.sleep(0)
        turns.append(len(worker.order))
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 64
    assert worker.order == list(range(640))
    await bus.stop()


# ------------------------------------------------------------------ priorities and overflow, end to end


async def test_what_is_urgent_goes_first_by_its_class_and_by_its_field() -> None:
    worker = One()
    bus = await begin(worker)
    busy = asyncio.gather(bus.ask("worker", Work(0, 1.0)))
    await settle()
    requests: list[Request[int]] = [Work(1), Work(2, priority=-1), Work(3, priority=5), Urgent(4), Work(5), Urgent(6)]
    await asyncio.gather(*(bus.ask("worker", request) for request in requests))
    await busy
    assert worker.order == [0, 4, 6, 3, 1, 5, 2]
    await bus.stop()


@pytest.mark.parametrize(
    ("overflow", "handled"),
    [("reject", [0, 1, 2]), ("drop_oldest", [0, 4, 5]), ("wait", [0, 1, 2, 3, 4])],
)
async def test_what_a_full_mailbox_does_with_asks(overflow: Overflow, handled: list[int]) -> None:
    class Narrow(One):
        mailbox_capacity = 2

    Narrow.overflow = overflow
    worker = Narrow()
    bus = await begin(worker)
    busy = asyncio.gather(bus.ask("worker", Work(0, 1.0)))
    await settle()
    asks = (bus.ask("worker", Work(number)) for number in range(1, 6))
    results: list[Any] = [0, *await asyncio.gather(*asks, return_exceptions=True)]
    await busy
    assert worker.order == handled
    for number, result in enumerate(results):
        assert result == number if number in handled else isinstance(result, MailboxFull)
    await settle()
    assert bus.statistics().pending == 0
    await bus.stop()


async def test_what_is_told_and_dropped_becomes_a_dead_letter() -> None:
    class Narrow(One):
        mailbox_capacity = 1
        overflow = "drop_oldest"

    bus = await begin(Narrow())
    busy = asyncio.gather(bus.ask("worker", Work(0, 1.0)))
    await settle()
    for number in range(1, 4):
        bus.tell("worker", Note(number))
    assert [(letter.reason, letter.body) for letter in bus.dead_letters()] == [
        (Reason.UNDELIVERABLE, Note(1)),
        (Reason.UNDELIVERABLE, Note(2)),
    ]
    await busy
    await bus.stop()


# ------------------------------------------------------------------ one handler's doings are not another's


@given(
    hows=st.lists(st.sampled_from(["set", "set and wait", "wait", ""]), min_size=1, max_size=12),
    concurrency=st.integers(1, 3),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_a_context_variable_that_a_handler_sets_is_seen_by_no_other(
    hows: list[str], concurrency: int, seed: int | None
) -> None:
    class Bounded(Worker):
        pass

    Bounded.concurrency = concurrency

    async def main() -> None:
        word.set("from outside")
        bus = await begin(Bounded())
        seen = await asyncio.gather(*(bus.ask("worker", Misbehave(how)) for how in hows))
        assert seen == ["from outside"] * len(hows)
        for how in hows:
            assert await bus.ask("worker", Misbehave(how)) == "from outside"
        await bus.stop()

    run_virtual(main(), seed=seed)


async def test_a_cancellation_that_a_handler_leaves_behind_hits_nobody_else() -> None:
    bus = await begin(One())
    hows = ["cancel itself later", "wait", "", "cancel itself later", "wait"]
    assert await asyncio.gather(*(bus.ask("worker", Misbehave(how)) for how in hows)) == ["none"] * len(hows)
    for how in hows:
        assert await bus.ask("worker", Misbehave(how)) == "none"
    await settle()
    assert workers() <= 1
    await bus.stop()


async def test_time_outs_and_groups_of_tasks_mean_what_they_always_mean() -> None:
    bus = await begin(One())
    hows = ["time out", "group", "wait", "time out"]
    results = await asyncio.gather(*(bus.ask("worker", Misbehave(how)) for how in hows))
    assert results == ["timed out", "ab", "none", "timed out"]
    await bus.stop()


async def test_a_handler_that_swallows_its_cancellation_leaves_and_the_next_is_whole() -> None:
    bus = await begin(One())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await bus.ask("worker", Misbehave("swallow"))
    assert await bus.ask("worker", Misbehave("wait")) == "none"
    assert bus.now() == 1.75
    await bus.stop()


async def test_a_handler_in_a_group_that_is_withdrawn_takes_its_children_along() -> None:
    bus = await begin(Worker())
    before = len(asyncio.all_tasks())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.125):
            await bus.ask("worker", Misbehave("group"))
    await settle()
    assert len(asyncio.all_tasks()) <= before
    await bus.stop()


async def test_a_worker_that_ends_at_the_stop_leaves_no_asker_behind() -> None:
    bus = await begin(One())
    asks = asyncio.gather(*(bus.ask("worker", Misbehave("wait")) for _ in range(3)), return_exceptions=True)
    await settle()
    await bus.stop()
    assert [type(result) for result in await asks] == [PeerLost] * 3
    assert workers() == 0
