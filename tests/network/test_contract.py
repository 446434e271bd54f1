"""What an asker, a handler and a bus may rely on, whether they are in one process or on two nodes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from provisional import Count, Echo, Noise, Odd, Relay, Single, Unknown, Worker

from fablewright.errors import (
    ContractViolation,
    DeadlineExceeded,
    MailboxFull,
    PeerLost,
    Rejected,
    RemoteError,
    RequestFailed,
    UnknownRecipient,
)
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.policies import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.runtime.bus import Bus

    Open = Callable[..., Any]

pytestmark = pytest.mark.anyio

SOON = 0.5
"""Seconds that are much for a message and little for a deadline."""


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], seconds: float = 2.0) -> None:
    give_up = now() + seconds
    while not condition():
        assert now() < give_up, "it did not come about"
        await asyncio.sleep(0.01)


async def quiet(*buses: Bus) -> None:
    """Nothing is left over: I7."""
    await asyncio.sleep(0.05)
    for bus in buses:
        seen, node = bus.statistics(), bus._dispatch.node
        assert (seen.pending, seen.tasks, len(bus._dispatch.channels)) == (0, 0, 0)
        assert seen.asked == sum(seen.outcomes.values())
        if node is not None:
            assert (len(node.abroad), len(node.guests), len(node.guests._receiving)) == (0, 0, 0)
            assert not node.abroad._writers


# ---------------------------------------------------------------- outcomes


async def test_a_question_is_answered(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        assert await front.ask("worker", Echo("tea")) == "tea from worker"
        await quiet(front, back)


async def test_many_questions_are_answered_at_once_each_with_its_own_answer(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        began = now()
        asked = [front.ask("worker", Echo(str(n), 0.2)) for n in range(8)]
        assert await asyncio.gather(*asked) == [f"{n} from worker" for n in range(8)]
        assert now() - began < 0.2 + SOON
        await quiet(front, back)


async def test_an_error_of_the_handler_is_told_with_its_words(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        with pytest.raises(RemoteError, match=r"worker failed on odd.*the ink is dry") as failed:
            await front.ask("worker", Odd("raise"))
        assert failed.value.__cause__ is not None
        assert (failed.value.to, failed.value.action) == ("worker", "odd")
        await quiet(front, back)


@pytest.mark.parametrize(
    ("way", "kind"), [("nothing", ContractViolation), ("drop", PeerLost)], ids=["no reply", "a dropped token"]
)
async def test_a_broken_promise_is_told_at_once(buses: Open, way: str, kind: type[Exception]) -> None:
    async with buses([Worker()]) as (front, back):
        began = now()
        with pytest.raises(kind):
            await front.ask("worker", Odd(way), timeout=9)
        assert now() - began < SOON
        await quiet(front, back)


async def test_a_deferred_question_is_answered_later(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        asking = asyncio.gather(front.ask("worker", Odd("defer"), timeout=9))
        await until(lambda: worker.tokens)
        token = worker.tokens.pop()
        assert token.wanted
        assert 5 < token.remaining <= 9
        token.answer("at last")
        assert await asking == ["at last"]
        assert not token.wanted
        await quiet(front, back)


async def test_nobody_of_that_name_is_said_at_once(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        began = now()
        with pytest.raises(UnknownRecipient, match="nobody"):
            await front.ask("nobody", Echo())
        with pytest.raises(UnknownRecipient, match="worker cannot"):
            await front.ask("worker", Unknown())
        assert now() - began < SOON
        await quiet(front, back)


async def test_a_full_mailbox_is_said_at_once_and_disturbs_nobody(buses: Open) -> None:
    single = Single()
    async with buses([single, Worker("other")]) as (front, back):
        first = asyncio.gather(front.ask("worker", Echo("1", 0.5)))
        await until(lambda: single.began)
        second = asyncio.gather(front.ask("worker", Echo("2")))
        await asyncio.sleep(0.05)
        began = now()
        with pytest.raises(MailboxFull):
            await front.ask("worker", Echo("3"))
        assert await front.ask("other", Echo("4")) == "4 from other"
        assert now() - began < 0.3
        assert [*await first, *await second] == ["1 from worker", "2 from worker"]
        assert single.began == ["1", "2"]
        await quiet(front, back)


# ---------------------------------------------------------------- time


async def test_at_its_deadline_the_asker_knows_and_the_work_stops(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        began = now()
        with pytest.raises(DeadlineExceeded):
            await front.ask("worker", Echo("late", 60), timeout=0.2)
        assert 0.2 <= now() - began < 0.2 + 0.05 + SOON * 0.2
        await until(lambda: worker.stopped == ["late"], 0.1 + SOON * 0.2)
        await quiet(front, back)


async def test_nothing_begins_after_its_deadline(buses: Open) -> None:
    single = Single()
    async with buses([single]) as (front, back):
        first = asyncio.gather(front.ask("worker", Echo("1", 0.4)))
        await until(lambda: single.began)
        with pytest.raises(DeadlineExceeded):
            await front.ask("worker", Echo("2"), timeout=0.1)
        await first
        await asyncio.sleep(0.05)
        assert single.began == ["1"]
        await quiet(front, back)


async def test_each_hop_has_less_time_than_the_one_before(buses: Open) -> None:
    async with buses([Worker("b"), Worker("d")], [Worker("a"), Worker("c")]) as (front, back):
        assert await front.ask("b", Relay(("c", "d")), timeout=5) <= 5
        assert await front.ask("b", Relay(("c", "d"), timeout=2), timeout=5) <= 2
        assert await front.ask("b", Relay(("c", "d"), timeout=60), timeout=5) <= 5
        await quiet(front, back)


async def test_what_a_handler_waits_for_ends_with_it(buses: Open) -> None:
    worker = Worker("b")
    async with buses([worker, Worker("d")], [Worker("a"), Worker("c")]) as (front, back):
        began = now()
        with pytest.raises(RequestFailed):
            await front.ask("c", Relay(("b", "nobody")), timeout=5)
        assert now() - began < SOON
        await quiet(front, back)


# ---------------------------------------------------------------- withdrawal


async def test_who_leaves_stops_the_work(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        asking = asyncio.gather(front.ask("worker", Echo("left", 60), timeout=50))
        await until(lambda: worker.began)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(lambda: worker.stopped == ["left"], 0.1 + SOON * 0.2)
        await quiet(front, back)


async def test_who_leaves_takes_the_question_out_of_the_mailbox(buses: Open) -> None:
    single = Single()
    async with buses([single]) as (front, back):
        first = asyncio.gather(front.ask("worker", Echo("1", 0.3)))
        await until(lambda: single.began)
        second = asyncio.gather(front.ask("worker", Echo("2")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0.05)
        assert await front.ask("worker", Echo("3")) == "3 from worker"
        await first
        assert single.began == ["1", "3"]
        await quiet(front, back)


async def test_who_deferred_is_told_that_nobody_waits_any_more(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        with pytest.raises(DeadlineExceeded):
            await front.ask("worker", Odd("defer"), timeout=0.1)
        await until(lambda: worker.withdrawn == 1)
        (token,) = worker.tokens
        assert not token.wanted
        token.answer("too late")
        worker.tokens.clear()
        await quiet(front, back)
        assert sum(bus.statistics().dead_letters.get(reason, 0) for bus in {front, back} for reason in Reason) == 1


async def test_who_asks_in_a_circle_is_told_so(buses: Open) -> None:
    async with buses([Worker("b")], [Worker("a")]) as (front, back):
        began = now()
        with pytest.raises(RemoteError) as failed:
            await front.ask("a", Relay(("b", "a")), timeout=9)
        cause: BaseException | None = failed.value
        said = []
        while cause is not None:
            said.append(str(cause))
            cause = cause.__cause__
        assert any("a → b → a" in each for each in said)
        assert now() - began < SOON
        await quiet(front, back)


# ---------------------------------------------------------------- streams


async def read(stream: Any) -> list[int]:
    return [each async for each in stream]


@pytest.mark.parametrize("room", [1, 3, 16])
async def test_a_stream_comes_whole_and_in_order(buses: Open, room: int) -> None:
    async with buses([Worker()]) as (front, back):
        assert await read(front.ask_stream("worker", Count(50), room=room)) == list(range(50))
        assert await read(front.ask_stream("worker", Count(0), room=room)) == []
        await quiet(front, back)


async def test_streams_beside_each_other_do_not_mix(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        streams = [read(front.ask_stream("worker", Count(n, 0.001), room=2)) for n in (5, 10, 15)]
        assert await asyncio.gather(*streams) == [list(range(n)) for n in (5, 10, 15)]
        await quiet(front, back)


async def test_a_slow_reader_holds_the_handler(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        async with front.ask_stream("worker", Count(100), room=4) as stream:
            assert [await anext(stream) for _ in range(3)] == [0, 1, 2]
            await asyncio.sleep(0.2)
            assert worker.made <= 3 + 4
            assert [await anext(stream) for _ in range(97)] == list(range(3, 100))
        await quiet(front, back)


async def test_who_leaves_a_stream_stops_its_handler(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        async with front.ask_stream("worker", Count(1000, 0.02), timeout=50) as stream:
            assert await anext(stream) == 0
        await until(lambda: worker.stopped == ["count"], 0.1 + SOON * 0.2)
        assert worker.made < 50
        await quiet(front, back)


async def test_a_stream_that_fails_gives_what_came_before(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        stream = front.ask_stream("worker", Count(9, fails_at=5))
        assert [await anext(stream) for _ in range(5)] == [0, 1, 2, 3, 4]
        with pytest.raises(RemoteError, match="the ink is dry"):
            await anext(stream)
        await quiet(front, back)


async def test_a_stream_ends_at_its_deadline(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        with pytest.raises(DeadlineExceeded):
            await read(front.ask_stream("worker", Count(1000, 0.05), timeout=0.2))
        await until(lambda: worker.stopped == ["count"])
        await quiet(front, back)


async def test_what_streams_is_not_asked_and_what_is_asked_does_not_stream(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        with pytest.raises(ContractViolation, match="ask_stream"):
            await front.ask("worker", Count())  # type: ignore[type-var]
        with pytest.raises(ContractViolation, match="does not stream"):
            await read(front.ask_stream("worker", Echo()))
        await quiet(front, back)


# ---------------------------------------------------------------- told and published


async def test_what_is_told_arrives_and_what_nobody_takes_is_a_dead_letter(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        front.tell("worker", Noise("bang"))
        await until(lambda: worker.noises == ["bang"])
        front.tell("nobody", Noise("bang"))
        await until(lambda: front.statistics().dead_letters.get(Reason.UNDELIVERABLE) == 1)
        assert front.dead_letters()[-1].body == Noise("bang")
        await quiet(front, back)


async def test_what_is_published_is_heard_everywhere_but_by_its_sender(buses: Open) -> None:
    here, there = Worker("here"), Worker("there")
    async with buses([there], [here]) as (front, back):
        with front.subscribe(Noise) as ours, back.subscribe(Noise) as theirs:
            front.publish(Noise("bang"))
            assert (await anext(ours), await anext(theirs)) == (Noise("bang"), Noise("bang"))
            await until(lambda: here.noises == there.noises == ["bang"])
            front.tell("there", Noise("louder"))
            await until(lambda: here.noises == ["bang", "loud"])
            assert (await anext(ours), await anext(theirs)) == (Noise("loud"), Noise("loud"))
            assert there.noises == ["bang", "louder"]
            assert (ours.take(), theirs.take()) == (None, None)
        await quiet(front, back)


# ---------------------------------------------------------------- policies, and the end


async def test_a_policy_holds_for_an_agent_that_is_elsewhere(buses: Open) -> None:
    policy = Policy(share=True, retry=RetryRules(retries=1))
    worker = Worker()
    async with buses([worker], policies={("worker", "echo"): policy}) as (front, back):
        asked = [front.ask("worker", Echo("once", 0.1)) for _ in range(5)]
        assert await asyncio.gather(*asked) == ["once from worker"] * 5
        assert worker.began == ["once"]
        await quiet(front, back)


async def test_a_late_answer_is_told_to_who_wants_it(buses: Open) -> None:
    late: list[str] = []
    policies = {("worker", "echo"): Policy(linger=5)}
    async with buses([Worker()], policies=policies) as (front, back):
        with pytest.raises(DeadlineExceeded):
            await front.ask("worker", Echo("late", 0.3), timeout=0.1, on_late=late.append)
        await until(lambda: late == ["late from worker"])
        await quiet(front, back)


async def test_a_bus_that_stops_answers_all_who_wait(buses: Open) -> None:
    worker = Worker()
    async with buses([worker, Single("single")]) as (front, back):
        waiting = [front.ask("worker", Odd("defer"), timeout=60), front.ask("worker", Echo("run", 60), timeout=60)]
        waiting += [front.ask("single", Echo(str(n), 60), timeout=60) for n in range(2)]
        asked = [asyncio.gather(each, return_exceptions=True) for each in waiting]
        await until(lambda: worker.tokens and worker.began)
        await asyncio.sleep(0.05)
        began = now()
        await back.stop()
        outcomes = [(await each)[0] for each in asked]
        assert [type(each) for each in outcomes] == [PeerLost] * 4
        assert now() - began < 2 * SOON
        worker.tokens.clear()
        with pytest.raises(Rejected):
            await front.ask("worker", Echo())


async def test_an_asker_that_stops_ends_the_work_for_it(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        asked = asyncio.gather(front.ask("worker", Echo("gone", 60), timeout=60), return_exceptions=True)
        await until(lambda: worker.began)
        await front.stop()
        assert [type(each) for each in await asked] == [PeerLost]
        await until(lambda: worker.stopped == ["gone"])
        await quiet(back)


async def test_a_bus_that_drains_finishes_what_it_has_and_takes_no_more(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        asked = asyncio.gather(front.ask("worker", Echo("last", 0.4), timeout=5))
        await until(lambda: worker.began)
        stopping = asyncio.gather(back.stop(drain=3))
        await asyncio.sleep(0.1)
        with pytest.raises(Rejected):
            await front.ask("worker", Echo("more"))
        assert await asked == ["last from worker"]
        await stopping
        assert worker.ended == ["last"]


async def test_agents_come_and_go(buses: Open) -> None:
    async with buses([Worker()]) as (front, back):
        await back.add(Worker("later"))
        assert await front.ask("later", Echo("hi")) == "hi from later"
        await back.remove("later")
        with pytest.raises(UnknownRecipient):
            await front.ask("later", Echo("hi"))
        assert await front.ask("worker", Echo("hi")) == "hi from worker"
        await quiet(front, back)


async def test_a_crash_is_told_at_once_and_the_agent_comes_back(buses: Open) -> None:
    worker = Worker()
    async with buses([worker]) as (front, back):
        asked = asyncio.gather(front.ask("worker", Echo("lost", 60), timeout=60), return_exceptions=True)
        await until(lambda: worker.began)
        began = now()
        back.crash("worker")
        assert [type(each) for each in await asked] == [PeerLost]
        assert now() - began < SOON
        assert await front.ask("worker", Echo("again")) == "again from worker"
        await quiet(front, back)
