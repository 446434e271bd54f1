"""What only several nodes have: replicas, nodes that die or are cut off, and messages that are too large to travel."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from provisional import Count, Echo, JsonCodec, Noise, Odd, Worker

from fablewright.errors import (
    ContractViolation,
    FablewrightError,
    PeerLost,
    Rejected,
    UnknownRecipient,
    Unreachable,
)
from fablewright.protocol.envelope import Envelope, Kind
from fablewright.protocol.pending import Ended, Outcome, Withdraw
from fablewright.protocol.retry import RetryRules
from fablewright.runtime import node
from fablewright.runtime.bus import Bus
from fablewright.runtime.network import Chunk, Grant, Unreadable
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.faults import FaultPlan, Faults
from fablewright.testing.memory_network import Hub
from fablewright.testing.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fablewright.runtime.network import Network, Parcel, RequestOf

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["in memory", "NATS"])
def kind(request: pytest.FixtureRequest) -> str:
    return request.param  # type: ignore[no-any-return]


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(condition: Callable[[], object], seconds: float = 2.0) -> None:
    give_up = now() + seconds
    while not condition():
        assert now() < give_up, "it did not come about"
        await asyncio.sleep(0.01)


# ---------------------------------------------------------------- over either network


async def test_replicas_share_the_work_and_one_more_needs_no_restart(networks: Callable[[], Network]) -> None:
    workers = [Worker() for _ in range(3)]
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(Bus(BusOptions(network=networks())))
        for worker in workers[:2]:
            await stack.enter_async_context(with_agent(worker, networks))
        for n in range(40):
            await front.ask("worker", Echo(str(n)))
        assert sorted(text for worker in workers for text in worker.ended) == sorted(str(n) for n in range(40))
        assert all(worker.ended for worker in workers[:2])
        await stack.enter_async_context(with_agent(workers[2], networks))
        for n in range(40):
            await front.ask("worker", Echo(f"more {n}"))
        assert workers[2].ended


async def test_a_node_answers_its_own_questions_itself(networks: Callable[[], Network]) -> None:
    near, far = Worker(), Worker()
    async with with_agent(far, networks), with_agent(near, networks) as bus:
        for n in range(20):
            await bus.ask("worker", Echo(str(n)))
        assert (len(near.ended), len(far.ended)) == (20, 0)


async def test_work_goes_on_longer_than_a_node_may_be_silent(
    networks: Callable[[], Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_BEAT", 0.25)
    async with with_agent(Worker(), networks), Bus(BusOptions(network=networks())) as front:
        assert await front.ask("worker", Echo("slow", 1.6), timeout=30) == "slow from worker"


async def test_the_order_in_which_they_start_does_not_matter(networks: Callable[[], Network]) -> None:
    policies = {("worker", "echo"): Policy(retry=RetryRules(retries=1))}
    async with Bus(BusOptions(network=networks(), policies=policies)) as front:
        with pytest.raises(UnknownRecipient, match="No agent named worker answers now"):
            await front.ask("worker", Echo("early"))
        async with with_agent(Worker(), networks):
            assert await front.ask("worker", Echo("now")) == "now from worker"
        with pytest.raises(UnknownRecipient):
            await front.ask("worker", Echo("late"))


class SlowToWarmUp(Worker):
    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.is_warm = asyncio.Event()
        self.error = error

    async def warm_up(self) -> None:
        if self.error is not None:
            raise self.error
        await self.is_warm.wait()


async def test_who_is_not_warm_yet_is_not_asked_where_another_is(networks: Callable[[], Network]) -> None:
    warm, cold = Worker(), SlowToWarmUp()
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(Bus(BusOptions(network=networks())))
        old = await stack.enter_async_context(with_agent(warm, networks))
        new = await stack.enter_async_context(with_agent(cold, networks))
        assert await new.ask("worker", Echo("own")) == "own from worker"  # who lives beside it need not go elsewhere
        for n in range(20):
            await front.ask("worker", Echo(str(n)))
        assert (len(warm.ended), len(cold.ended)) == (20, 1)
        cold.is_warm.set()
        await new.warm()
        await old.stop()
        for n in range(20):
            await front.ask("worker", Echo(str(n)))
        assert (len(warm.ended), len(cold.ended)) == (20, 21)


async def test_who_cannot_warm_up_or_takes_too_long_is_asked_all_the_same(
    networks: Callable[[], Network], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_TO_WARM_UP", 0.1)
    for worker in (SlowToWarmUp(), SlowToWarmUp(OSError("no disk"))):
        async with with_agent(worker, networks) as back, Bus(BusOptions(network=networks())) as front:
            await back.warm()
            assert await front.ask("worker", Echo("hi")) == "hi from worker"


async def test_who_stops_before_it_is_warm_leaves_nothing_behind(networks: Callable[[], Network]) -> None:
    async with with_agent(SlowToWarmUp(), networks) as back:
        await asyncio.sleep(0.01)
        before = back.statistics().tasks
        await back.remove("worker")
        await back.add(SlowToWarmUp())
        await asyncio.sleep(0.01)
        assert back.statistics().tasks == before
    assert back.statistics().tasks == 0


async def test_names_may_have_any_signs(networks: Callable[[], Network]) -> None:
    for name in ("old agent.v2", "*", "héros >", "a%2Eb"):
        async with with_agent(Worker(name), networks), Bus(BusOptions(network=networks())) as front:
            assert await front.ask(name, Echo("hi")) == f"hi from {name}"


def with_agent(worker: Worker, networks: Callable[[], Network]) -> Bus:
    bus = Bus(BusOptions(network=networks()))
    bus.register(worker)
    return bus


# ---------------------------------------------------------------- in memory, where nodes can be cut off


def two(hub: Hub) -> tuple[Bus, Bus, Worker]:
    worker = Worker()
    front = Bus(BusOptions(network=hub.network()), node="front")
    back = Bus(BusOptions(network=hub.network()), node="back")
    back.register(worker)
    return front, back, worker


def test_who_waits_for_a_node_that_dies_is_told_within_seconds() -> None:
    async def run() -> None:
        hub = Hub()
        front, back, worker = two(hub)
        async with front, back:
            asked = [front.ask("worker", Echo("a", 60), timeout=60), front.ask("worker", Odd("defer"), timeout=60)]
            waiting = asyncio.gather(*asked, return_exceptions=True)
            reading = asyncio.gather(read(front, 60), return_exceptions=True)
            await asyncio.sleep(2.5)
            began = now()
            hub.cut("back")
            outcomes = [*await waiting, *await reading]
            assert [type(each) for each in outcomes] == [PeerLost] * 3
            assert now() - began <= 4.5
            assert "no word of worker" in str(outcomes[0])
            assert not len(front._dispatch.node.abroad)  # type: ignore[union-attr]
            began = now()
            with pytest.raises(PeerLost):  # the hub knows of no death: it is sent there, and no word comes
                await front.ask("worker", Echo("b"), timeout=60)
            assert now() - began <= 4.5
            hub.cut("back", off=False)
            assert await front.ask("worker", Echo("c")) == "c from worker"
            assert worker.began == ["a", "c"]
            worker.tokens.clear()

    run_virtual(run())


async def read(bus: Bus, timeout: float) -> list[int]:
    return [each async for each in bus.ask_stream("worker", Count(1000, 1.0), timeout=timeout)]


def test_the_work_for_a_node_that_left_without_a_word_is_stopped() -> None:
    async def run() -> None:
        hub = Hub()
        front, back, worker = two(hub)
        async with back:
            await front.start()
            asked = asyncio.gather(front.ask("worker", Echo("a", 600), timeout=600), return_exceptions=True)
            await asyncio.sleep(1.5)
            hub.cut("front")
            del hub.nodes["front"]
            began = now()
            await until(lambda: worker.stopped == ["a"], 10)
            assert now() - began <= 4.0
            assert [type(each) for each in await asked] == [PeerLost]
            await front.stop()

    run_virtual(run())


def test_who_is_cut_off_is_told_at_once_and_nothing_is_sent_later() -> None:
    async def run() -> None:
        hub = Hub()
        front, back, worker = two(hub)
        async with front, back:
            hub.cut("front")
            with pytest.raises(Unreachable, match="worker cannot be reached: the network is down"):
                await front.ask("worker", Echo("a"))
            front.tell("worker", Noise("bang"))
            front.publish(Noise("bang"))
            hub.cut("front", off=False)
            await asyncio.sleep(5)
            assert (worker.began, worker.noises) == ([], [])
            assert len(front.dead_letters()) == 1

    run_virtual(run())


def test_an_idempotent_question_is_asked_again_when_the_network_is_back() -> None:
    async def run() -> None:
        hub = Hub()
        worker = Worker()
        policies = {("worker", "echo"): Policy(retry=RetryRules(retries=5))}
        front = Bus(BusOptions(network=hub.network(), policies=policies), node="front")
        back = Bus(BusOptions(network=hub.network()))
        back.register(worker)
        async with front, back:
            hub.cut("front")
            asyncio.get_running_loop().call_later(0.05, lambda: hub.cut("front", off=False))
            assert await front.ask("worker", Echo("a")) == "a from worker"

    run_virtual(run())


class Garbling(JsonCodec):
    """Cannot read one kind of parcel; says what it is about, as far as that can be known."""

    def __init__(self, kind: type[tuple[object, ...]]) -> None:
        self.kind = kind

    def decode(self, headers: Mapping[str, str], body: bytes, now: float, request_of: RequestOf) -> Parcel:
        parcel = super().decode(headers, body, now, request_of)
        if isinstance(parcel, self.kind):
            reply_to = (parcel.reply_to or "") if isinstance(parcel, Envelope) else ""
            raise Unreadable("spoilt", message_id=parcel.message_id, reply_to=reply_to)
        return parcel


@pytest.mark.parametrize(
    ("kind", "error"), [(Envelope, Rejected), (Ended, ContractViolation)], ids=["question", "answer"]
)
def test_what_cannot_be_read_is_told_at_once(kind: type[tuple[object, ...]], error: type[Exception]) -> None:
    async def run() -> None:
        front, back, _ = two(Hub(Garbling(kind)))
        async with front, back:
            began = now()
            with pytest.raises(error, match="spoilt"):
                await front.ask("worker", Echo("a"), timeout=60)
            assert now() - began < 0.1

    run_virtual(run())


def test_what_is_too_large_is_told_at_once_to_whom_it_concerns() -> None:
    async def run() -> None:
        front, back, worker = two(Hub(JsonCodec()))
        async with front, back:
            with pytest.raises(ContractViolation, match="too large for the network"):
                await front.ask("worker", Echo("x" * 2_000_000))
            assert worker.began == []
            with pytest.raises(ContractViolation, match="answer of worker cannot travel"):
                await front.ask("worker", Odd("huge"))
            assert (front.statistics().pending, len(back._dispatch.node.guests)) == (0, 0)  # type: ignore[union-attr]

    run_virtual(run())


def test_parcels_that_nobody_expects_change_nothing() -> None:
    async def run() -> None:
        front, back, worker = two(Hub())
        async with front, back:
            node = back._dispatch.node
            assert node is not None
            for parcel in (Chunk("?-1", 0, 7), Grant("?-1", 9), Ended(0.0, "?-1", Outcome.REPLIED, "hm")):
                node.arrived(parcel, "front")
            node.arrived(Withdraw("?-2", "worker"), "")
            twice = Envelope("front-7", Kind.ASK, "", "worker", "echo", Echo("a"), "s", None, "front", now() + 9)
            node.arrived(twice, "")
            node.arrived(twice, "")
            late = twice._replace(message_id="front-8", deadline=now())
            node.arrived(late, "")
            withdrawn = twice._replace(message_id="?-2")
            node.arrived(withdrawn, "")
            await asyncio.sleep(0.1)
            assert worker.began == ["a"]
            assert Counter(letter.reason.value for letter in back.dead_letters()) == {
                "duplicate": 1,
                "expired": 2,
                "unknown": 1,
            }
            assert len(node.guests) == 0

    run_virtual(run())


def test_a_grant_that_no_reader_can_have_given_disturbs_nobody() -> None:
    async def run() -> None:
        front, back, _ = two(Hub())
        async with front, back:
            stream = front.ask_stream("worker", Count(50), room=2)
            assert await anext(stream) == 0
            back._dispatch.node.arrived(Grant("front-1", 10**9), "front")  # type: ignore[union-attr]
            assert [each async for each in stream] == list(range(1, 50))

    run_virtual(run())


def test_a_stream_between_nodes_has_bounded_room() -> None:
    async def run() -> None:
        front, back, _ = two(Hub())
        async with front, back:
            with pytest.raises(ContractViolation, match="4096"):
                await anext(front.ask_stream("worker", Count(3), room=5000))
            assert await anext(front.ask_stream("worker", Count(3), room=4096)) == 0

    run_virtual(run())


def test_a_bus_has_a_transport_or_a_network() -> None:
    with pytest.raises(ContractViolation, match="not both"):
        BusOptions(network=Hub().network(), transport=Faults(FaultPlan()))


plans = st.builds(
    FaultPlan,
    drop=st.sampled_from([0.0, 0.1, 0.3]),
    duplicate=st.sampled_from([0.0, 0.2]),
    delay=st.sampled_from([0.0, 0.3]),
    reorder=st.sampled_from([0.0, 0.1]),
)


@settings(max_examples=25)
@given(plan=plans, seed=st.integers(0, 2**16))
def test_each_question_has_one_outcome_by_its_deadline_whatever_the_network_does(plan: FaultPlan, seed: int) -> None:
    async def ask(bus: Bus, n: int) -> object:
        began = now()
        asking = bus.ask("worker", Echo(str(n), (n % 4) * 0.5), timeout=1 + n % 7)
        outcome = (await asyncio.gather(asking, return_exceptions=True))[0]
        assert now() - began <= 1 + n % 7 + 0.05
        assert outcome == f"{n} from worker" or isinstance(outcome, FablewrightError)
        return outcome

    async def run() -> None:
        front, back, worker = two(Hub(faults=Faults(plan, seed=seed)))
        async with front, back:
            outcomes = await asyncio.gather(*(ask(front, n) for n in range(12)))
            assert plan != FaultPlan() or not any(isinstance(each, Exception) for each in outcomes[:7])
            assert max(Counter(worker.began).values(), default=0) <= 1  # nothing is handled twice
            await asyncio.sleep(20)
            for bus in (front, back):
                node = bus._dispatch.node
                assert node is not None
                assert (bus.statistics().pending, bus.statistics().tasks) == (0, 0)
                assert (len(node.abroad), len(node.guests), len(node.guests._receiving)) == (0, 0, 0)

    run_virtual(run(), seed=seed)
