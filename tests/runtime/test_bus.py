from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from fablewright.errors import (
    CircuitOpen,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    InvalidInput,
    MailboxFull,
    PeerLost,
    Rejected,
    RemoteError,
    UnknownRecipient,
)
from fablewright.protocol.breaker import BreakerRules, State
from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.message import Message, Request
from fablewright.protocol.pending import Outcome
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Raise, Reply, ScriptedAgent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.runtime.context import Context, ReplyToken

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "documents"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Write(Request[str]):
    action: ClassVar[str] = "write"
    patience: float = 10.0
    keep: float = 0.0


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"
    text: str = ""


@dataclass
class Log:
    started: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)


class Pipeline(Agent):
    """Answers after as long as it is asked to take."""

    name = "pipeline"

    def __init__(self) -> None:
        self.log = Log()

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> str:
        self.log.started.append(request.what)
        self.log.deadlines.append(ctx.envelope.deadline or 0.0)
        try:
            await asyncio.sleep(request.seconds)
        except asyncio.CancelledError:
            self.log.cancelled.append(request.what)
            raise
        return f"three {request.what}"


class Writer(Agent):
    """Asks the pipeline and degrades when it does not answer: the generator of the original system."""

    name = "writer"

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    @handles(Write)
    async def write(self, request: Write, ctx: Context) -> str:
        try:
            found = await ctx.ask("pipeline", Fetch(seconds=self.seconds), timeout=request.patience, keep=request.keep)
        except DeadlineExceeded:
            return "a scene without documents"
        return f"a scene with {found}"


class Odd(Agent):
    """Breaks the contract in every way there is."""

    name = "odd"

    def __init__(self, how: str) -> None:
        self.how = how
        self.token: ReplyToken[str] | None = None

    @handles(Fetch)
    async def fetch(self, request: Fetch, ctx: Context) -> Any:
        match self.how:
            case "nothing":
                return None
            case "raise":
                raise ValueError("the disk is on fire")
            case "self-cancel":
                raise asyncio.CancelledError
            case "defer and return":
                self.token = ctx.defer()
                return "both"
            case "drop":
                return ctx.defer()
            case "defer":
                self.token = ctx.defer()
                return self.token
            case "defer, answer, return":
                ctx.defer().answer("first")
                return "second"
            case "defer twice":
                ctx.defer()
                return ctx.defer()
            case _:
                raise AssertionError(self.how)


async def quiet(bus: Bus) -> None:
    """Nothing is left over: I7."""
    for _ in range(3):  # a task's end is known one turn of the loop after it
        await asyncio.sleep(0)
    statistics = bus.statistics()
    assert statistics.pending == 0
    assert statistics.asked == sum(statistics.outcomes.values())
    assert statistics.tasks == 0
    assert bus._dispatch.outstanding._waiters == {}
    # The one timer is left armed: it fires once, finds nothing, and is gone.
    assert bus._dispatch.outstanding._wakes_at < float("inf") or bus._dispatch.outstanding._timer is None


# ------------------------------------------------------------------ the five defects of the system replaced


async def test_waiting_for_documents_does_not_block_the_bus_that_delivers_them() -> None:
    bus = Bus()
    bus.register(Pipeline())
    bus.register(Writer(seconds=1.0))
    async with bus:
        assert await bus.ask("writer", Write()) == "a scene with three documents"
        assert bus.now() == pytest.approx(1.0)
        await quiet(bus)


async def test_twenty_scenes_wait_side_by_side() -> None:
    bus = Bus()
    bus.register(Pipeline())
    bus.register(Writer(seconds=1.0))
    async with bus:
        await asyncio.gather(*(bus.ask("writer", Write()) for _ in range(20)))
        assert bus.now() == pytest.approx(1.0)


async def test_late_documents_are_kept_as_a_dead_letter_with_its_reason() -> None:
    odd = Odd("defer")
    bus = Bus()
    bus.register(odd)
    async with bus:
        with pytest.raises(DeadlineExceeded, match="odd did not answer fetch in time"):
            await bus.ask("odd", Fetch(), timeout=2.0)
        assert bus.now() == pytest.approx(2.0)
        assert odd.token is not None
        assert odd.token.remaining == 0.0
        odd.token.answer("documents after all")
        [letter] = bus.dead_letters()
        assert (letter.reason, letter.body) == (Reason.LATE, "documents after all")
        await quiet(bus)


@pytest.mark.parametrize("how", ["nothing", "defer and return", "defer twice"])
async def test_a_broken_contract_is_the_askers_to_know_at_once(how: str) -> None:
    bus = Bus()
    bus.register(Odd(how))
    async with bus:
        with pytest.raises((ContractViolation, RemoteError), match=r"returned nothing|as well|twice"):
            await bus.ask("odd", Fetch(), timeout=60.0)
        assert bus.now() == 0.0
        await quiet(bus)


async def test_answering_twice_delivers_the_first_and_names_the_second() -> None:
    odd = Odd("defer")
    bus = Bus()
    bus.register(odd)
    async with bus:
        asking = asyncio.gather(bus.ask("odd", Fetch()))
        await asyncio.sleep(1.0)
        assert odd.token is not None
        odd.token.answer("first")
        with pytest.raises(ContractViolation, match="odd answered fetch twice"):
            odd.token.answer("second")
        assert list(await asking) == ["first"]
        assert repr(odd.token).endswith("fetch answered>")


async def test_answering_by_token_and_by_return_delivers_one() -> None:
    bus = Bus()
    bus.register(Odd("defer, answer, return"))
    async with bus:
        assert await bus.ask("odd", Fetch()) == "first"
        await asyncio.sleep(0)
        assert bus.statistics().contract_violations == 1
        await quiet(bus)


async def test_ten_thousand_requests_that_expire_leave_nothing_behind() -> None:
    bus = Bus()
    pipeline = Pipeline()
    bus.register(pipeline)
    async with bus:
        asks = (bus.ask("pipeline", Fetch(seconds=3600.0), timeout=n % 7 + 1.0) for n in range(1000))
        results = await asyncio.gather(*asks, return_exceptions=True)
        assert {type(result) for result in results} == {DeadlineExceeded}
        await asyncio.sleep(0)
        await quiet(bus)
    assert len(pipeline.log.started) < 1000  # those in the mailbox were never started (I5)


async def test_a_failing_dependency_is_left_alone_and_recovers_by_itself() -> None:
    odd = Odd("raise")
    policy = Policy(breaker=BreakerRules(5, 60.0))
    bus = Bus(BusOptions(policies={("odd", "fetch"): policy}))
    bus.register(odd)
    async with bus:
        for _ in range(5):
            with pytest.raises(RemoteError, match="ValueError: the disk is on fire"):
                await bus.ask("odd", Fetch())
        with pytest.raises(CircuitOpen, match=r"odd\.fetch failed 5 times in a row"):
            await bus.ask("odd", Fetch())
        assert bus.statistics().asked == 5
        assert bus.statistics().breakers == {("odd", "fetch"): State.OPEN}
        await asyncio.sleep(60.0)
        odd.how = "defer, answer, return"
        assert await bus.ask("odd", Fetch()) == "first"
        assert bus.statistics().breakers == {("odd", "fetch"): State.CLOSED}


# ------------------------------------------------------------------ deadlines and cancellation


async def test_a_child_has_no_more_time_than_its_parent_and_leaves_what_is_kept() -> None:
    pipeline = Pipeline()
    bus = Bus()
    bus.register(pipeline)
    bus.register(Writer(seconds=3600.0))
    async with bus:
        assert await bus.ask("writer", Write(keep=0.5), timeout=2.0) == "a scene without documents"
        assert bus.now() == pytest.approx(1.5)
    assert pipeline.log.deadlines == [pytest.approx(1.5)]


async def test_an_hour_of_silence_ends_at_the_deadline() -> None:
    bus = Bus()
    bus.register(Pipeline())
    bus.register(Writer(seconds=3600.0))
    async with bus:
        assert await bus.ask("writer", Write(patience=10.0), timeout=60.0) == "a scene without documents"
        assert bus.now() == pytest.approx(10.0)


async def test_expiry_and_cancel_stop_the_work_down_the_hops() -> None:
    pipeline = Pipeline()
    bus = Bus()
    bus.register(pipeline)
    bus.register(Writer(seconds=3600.0))
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("writer", Write(), timeout=1.0)
        supervisor_task = asyncio.gather(bus.ask("writer", Write(patience=100.0), timeout=100.0))
        await asyncio.sleep(1.0)
        supervisor_task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await supervisor_task
        await asyncio.sleep(0.1)
        await quiet(bus)
    assert pipeline.log.cancelled == ["documents", "documents"]


async def test_no_time_left_is_said_at_once() -> None:
    bus = Bus()
    pipeline = Pipeline()
    bus.register(pipeline)
    async with bus:
        with pytest.raises(DeadlineExceeded):
            await bus.ask("pipeline", Fetch(), timeout=0.0)
    assert pipeline.log.started == []


@pytest.mark.parametrize("timeout", [float("nan"), float("inf"), -1.0, 1e12])
async def test_a_timeout_that_is_no_number_is_refused_to_the_asker(timeout: float) -> None:
    bus = Bus()
    bus.register(Pipeline())
    async with bus:
        with pytest.raises(ContractViolation, match="time-out"):
            await bus.ask("pipeline", Fetch(), timeout=timeout)
        await quiet(bus)


# ------------------------------------------------------------------ refusals, losses, stopping


async def test_nobody_there_is_said_at_once_with_who_is() -> None:
    bus = Bus()
    bus.register(Pipeline())
    async with bus:
        with pytest.raises(UnknownRecipient, match="no agent named piepline; there are: pipeline"):
            await bus.ask("piepline", Fetch())
        with pytest.raises(UnknownRecipient, match="pipeline cannot write; it can: fetch"):
            await bus.ask("pipeline", Write())
        bus.tell("nobody", Note("hello"))
        assert [letter.reason for letter in bus.dead_letters()] == [Reason.UNDELIVERABLE]
        await quiet(bus)


async def test_a_full_mailbox_refuses_at_once_and_the_rest_is_served() -> None:
    class Small(Pipeline):
        concurrency = 2
        mailbox_capacity = 3

    bus = Bus()
    bus.register(Small())
    async with bus:
        asks = [bus.ask("pipeline", Fetch(seconds=1.0)) for _ in range(10)]
        results = await asyncio.gather(*asks, return_exceptions=True)
        assert [type(r) for r in results].count(MailboxFull) == 5
        assert results.count("three documents") == 5
        assert bus.statistics().outcomes == {Outcome.REPLIED: 5, Outcome.REJECTED: 5}
        await quiet(bus)


async def test_a_slow_handler_delays_no_other() -> None:
    bus = Bus()
    bus.register(Pipeline())
    async with bus:
        slow = asyncio.gather(bus.ask("pipeline", Fetch("slow", 60.0), timeout=61.0))
        await asyncio.sleep(0)
        assert await bus.ask("pipeline", Fetch("fast")) == "three fast"
        assert bus.now() == 0.0
        assert list(await slow) == ["three slow"]


async def test_what_a_handler_raises_reaches_the_asker_with_its_cause() -> None:
    bus = Bus()
    bus.register(Odd("raise"))
    async with bus:
        with pytest.raises(RemoteError, match="odd failed on fetch: ValueError: the disk is on fire") as caught:
            await bus.ask("odd", Fetch())
    assert isinstance(caught.value.__cause__, ValueError)
    assert (caught.value.to, caught.value.action) == ("odd", "fetch")


@pytest.mark.parametrize(("how", "said"), [("self-cancel", "gave up on fetch"), ("drop", "dropped its reply token")])
async def test_an_answerer_that_will_never_answer_is_lost_at_once(how: str, said: str) -> None:
    bus = Bus()
    bus.register(Odd(how))
    async with bus:
        with pytest.raises(PeerLost, match=said):
            await bus.ask("odd", Fetch(), timeout=60.0)
        assert bus.now() == 0.0
        gc.collect()
        await quiet(bus)


async def test_stopping_answers_every_waiter() -> None:
    bus = Bus()
    bus.register(Pipeline())
    bus.register(Writer(seconds=3600.0))
    bus.register(Odd("defer"))
    await bus.start()
    asks = asyncio.gather(
        bus.ask("writer", Write()),
        bus.ask("odd", Fetch()),
        bus.ask("pipeline", Fetch(seconds=9.0)),
        return_exceptions=True,
    )
    await asyncio.sleep(1.0)
    await bus.stop()
    assert [type(result) for result in await asks] == [PeerLost] * 3
    assert bus.now() == pytest.approx(1.0)
    await quiet(bus)
    with pytest.raises(Rejected, match="The bus has stopped"):
        await bus.ask("pipeline", Fetch())


async def test_draining_lets_what_is_under_way_finish_first() -> None:
    bus = Bus()
    bus.register(Pipeline())
    await bus.start()
    asks = asyncio.gather(
        bus.ask("pipeline", Fetch("quick", 1.0)),
        bus.ask("pipeline", Fetch("slow", 9.0)),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    await bus.stop(drain=2.0)
    quick, slow = await asks
    assert quick == "three quick"
    assert isinstance(slow, PeerLost)
    assert bus.now() == pytest.approx(2.0)


# ------------------------------------------------------------------ retries


async def test_an_idempotent_ask_is_tried_again_within_its_deadline() -> None:
    tries: list[int] = []

    class Flaky(Agent):
        name = "flaky"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            tries.append(ctx.envelope.attempt)
            if len(tries) < 3:
                raise OSError("try again")
            return "done"

        @handles(Write)
        async def write(self, request: Write, ctx: Context) -> str:
            tries.append(ctx.envelope.attempt)
            raise OSError("once is enough")

    policy = Policy(retry=RetryRules(2))
    options = BusOptions(policies={("flaky", "fetch"): policy, ("flaky", "write"): policy}, draw=lambda: 1.0)
    bus = Bus(options)
    bus.register(Flaky())
    async with bus:
        assert await bus.ask("flaky", Fetch()) == "done"
        assert tries == [1, 2, 3]
        assert bus.now() == pytest.approx(0.05 + 0.1)
        tries.clear()
        with pytest.raises(RemoteError):
            await bus.ask("flaky", Write())
        assert tries == [1]  # writing twice might do harm: it never said that it does not
        tries.clear()
        with pytest.raises(RemoteError):
            await bus.ask("flaky", Fetch(), timeout=0.1)
        assert tries == [1, 2]  # the third would have gone out at the deadline


# ------------------------------------------------------------------ agents


async def test_a_tell_is_handled_and_its_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    class Scribe(Agent):
        name = "scribe"

        @hears(Note)
        async def note(self, message: Note, ctx: Context) -> None:
            heard.append(message.text)
            if not message.text:
                raise ValueError("nothing to write")

    bus = Bus()
    bus.register(Scribe())
    async with bus:
        bus.tell("scribe", Note("hello"))
        bus.tell("scribe", Note(""))
        with caplog.at_level(logging.ERROR):
            await asyncio.sleep(0.1)
    assert heard == ["hello", ""]
    assert "scribe failed on note" in caplog.text


async def test_agents_start_before_and_stop_after_and_work_beside() -> None:
    seen: list[str] = []

    class Worker(Agent):
        name = "worker"

        async def on_start(self, spawn: Any) -> None:
            spawn(self.tick())

        async def tick(self) -> None:
            while True:
                seen.append("tick")
                await asyncio.sleep(1.0)

        async def on_stop(self) -> None:
            seen.append("stopped")
            raise OSError("reported, not raised")

    bus = Bus()
    bus.register(Worker())
    async with bus:
        await asyncio.sleep(2.5)
    assert seen == ["tick", "tick", "tick", "stopped"]
    await quiet(bus)


async def test_an_agent_that_cannot_start_stops_the_others() -> None:
    stopped: list[str] = []

    class Good(Agent):
        name = "good"

        async def on_stop(self) -> None:
            stopped.append(self.name)

    class Bad(Agent):
        name = "bad"

        async def on_start(self, spawn: Any) -> None:
            raise OSError("no disk")

    bus = Bus()
    bus.register(Good())
    bus.register(Bad())
    with pytest.raises(OSError, match="no disk"):
        await bus.start()
    assert stopped == ["good"]


async def test_registering_is_checked() -> None:
    bus = Bus()
    bus.register(Pipeline())
    with pytest.raises(ContractViolation, match="an agent named pipeline already"):
        bus.register(Pipeline())
    with pytest.raises(ContractViolation, match="not running"):
        await bus.ask("pipeline", Fetch())
    async with bus:
        with pytest.raises(ContractViolation, match="before the bus starts"):
            bus.register(Writer())
    with pytest.raises(ContractViolation, match="two handlers for fetch"):

        class Twice(Agent):
            name = "twice"

            @handles(Fetch)
            async def one(self, request: Fetch, ctx: Context) -> str:
                return ""

            @handles(Fetch)
            async def two(self, request: Fetch, ctx: Context) -> str:
                return ""


async def test_a_storys_messages_name_where_they_came_from() -> None:
    envelopes: list[Any] = []

    class Spy(Agent):
        name = "pipeline"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            envelopes.append(ctx.envelope)
            return "x"

    bus = Bus(node="n")
    bus.register(Spy())
    bus.register(Writer())
    async with bus:
        await bus.ask("writer", Write())
    [envelope] = envelopes
    assert (envelope.message_id, envelope.causation_id, envelope.correlation_id) == ("n-2", "n-1", "n-1")
    assert (envelope.sender, envelope.reply_to) == ("writer", "n")


# ------------------------------------------------------------------ what a reviewer broke


async def test_a_handler_that_swallows_its_cancellation_cannot_hold_up_the_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Stubborn(Agent):
        name = "stubborn"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            give_up = asyncio.get_running_loop().time() + 60.0
            while asyncio.get_running_loop().time() < give_up:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(10.0)
            return "too late"

    bus = Bus()
    bus.register(Stubborn())
    await bus.start()
    asking = asyncio.gather(bus.ask("stubborn", Fetch()), return_exceptions=True)
    await asyncio.sleep(0.5)
    await bus.stop()
    assert bus.now() == pytest.approx(1.5)
    assert isinstance((await asking)[0], PeerLost)
    assert "does not end although it was cancelled" in caplog.text
    await asyncio.sleep(100.0)  # it answers into the void, and nothing breaks
    assert [letter.reason for letter in bus.dead_letters()] == [Reason.AFTER_LOSS]


async def test_what_never_started_says_nothing_about_the_answerers_health() -> None:
    class Narrow(Pipeline):
        concurrency = 1

    policy = Policy(breaker=BreakerRules(2))
    bus = Bus(BusOptions(policies={("pipeline", "fetch"): policy}))
    bus.register(Narrow())
    async with bus:
        busy = asyncio.gather(bus.ask("pipeline", Fetch(seconds=60.0), timeout=100.0))
        await asyncio.sleep(0.1)
        for _ in range(5):
            with pytest.raises(DeadlineExceeded) as caught:
                await bus.ask("pipeline", Fetch(), timeout=1.0)
            assert not caught.value.started
            with pytest.raises(DeadlineExceeded):
                await bus.ask("pipeline", Fetch(), timeout=0.0)
        assert bus.statistics().breakers == {("pipeline", "fetch"): State.CLOSED}
        await busy


async def test_input_that_is_refused_is_neither_retried_nor_held_against_the_answerer() -> None:
    agent = ScriptedAgent("picky", {Fetch: Raise(InvalidInput("no such filter"))})
    policy = Policy(retry=RetryRules(2), breaker=BreakerRules(2))
    bus = Bus(BusOptions(policies={("picky", "fetch"): policy}))
    bus.register(agent)
    async with bus:
        for _ in range(5):
            with pytest.raises(RemoteError, match="no such filter"):
                await bus.ask("picky", Fetch())
    assert len(agent.received) == 5


async def test_a_handler_that_ends_the_program_does_not_leave_its_asker_waiting() -> None:
    class Quitter(Agent):
        name = "quitter"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            raise GeneratorExit  # a BaseException that the loop survives

    bus = Bus()
    bus.register(Quitter())
    async with bus:
        with pytest.raises(PeerLost, match="quitter gave up on fetch"):
            await bus.ask("quitter", Fetch(), timeout=60.0)
        assert bus.now() == 0.0


async def test_no_handler_runs_before_every_agent_has_started() -> None:
    seen: list[str] = []

    class Late(Agent):
        name = "late"

        async def on_start(self, spawn: Any) -> None:
            await asyncio.sleep(5.0)
            seen.append("started")

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> str:
            seen.append("handled")
            return "x"

    bus = Bus()
    bus.register(Late())
    starting = asyncio.gather(bus.start())
    await asyncio.sleep(1.0)
    assert await bus.ask("late", Fetch(), timeout=10.0) == "x"
    assert seen == ["started", "handled"]
    await starting
    await bus.stop()


async def test_a_bus_lives_once() -> None:
    stops: list[str] = []

    class Counted(Agent):
        name = "counted"

        async def on_stop(self) -> None:
            stops.append(self.name)

        @hears(Note)
        async def note(self, message: Note, ctx: Context) -> None:
            stops.append(message.text)

    bus = Bus()
    with pytest.raises(ContractViolation, match="not running"):
        bus.tell("counted", Note("too early"))
    await bus.stop()  # nothing was started: nothing happens
    bus.register(Counted())
    async with bus:
        pass
    await bus.stop()
    assert stops == ["counted"]
    bus.tell("counted", Note("too late"))
    assert [letter.reason for letter in bus.dead_letters()] == [Reason.UNDELIVERABLE]
    with pytest.raises(ContractViolation, match="started once"):
        await bus.start()


async def test_only_agents_that_started_are_stopped_again() -> None:
    stopped: list[str] = []

    class Good(Agent):
        name = "good"

        async def on_stop(self) -> None:
            stopped.append(self.name)

    class Bad(Good):
        name = "bad"

        async def on_start(self, spawn: Any) -> None:
            raise OSError("no disk")

    class Never(Good):
        name = "never"

    bus = Bus()
    for agent in (Good(), Bad(), Never()):
        bus.register(agent)
    with pytest.raises(OSError, match="no disk"):
        await bus.start()
    assert stopped == ["good"]


async def test_draining_takes_nothing_new_waits_for_retries_and_buries_what_was_told() -> None:
    flaky = ScriptedAgent("flaky", {Fetch: (Raise(OSError("once")), Reply("done"))})

    class Slow(Agent):
        name = "slow"
        concurrency = 1

        @hears(Note)
        async def note(self, message: Note, ctx: Context) -> None:
            await asyncio.sleep(60.0)

    policy = Policy(retry=RetryRules(1, backoff=1.0))
    bus = Bus(BusOptions(policies={("flaky", "fetch"): policy}, draw=lambda: 1.0))
    bus.register(flaky)
    bus.register(Slow())
    await bus.start()
    asking = asyncio.gather(bus.ask("flaky", Fetch()))
    bus.tell("slow", Note("first"))
    bus.tell("slow", Note("second"))
    await asyncio.sleep(0.5)  # the first attempt has failed, the second is a second away
    stopping = asyncio.gather(bus.stop(drain=5.0))
    await asyncio.sleep(0.0)
    with pytest.raises(Rejected, match="is stopping and takes no new fetch"):
        await bus.ask("flaky", Fetch())
    assert list(await asking) == ["done"]
    await stopping
    assert [letter.body for letter in bus.dead_letters()] == [Note("second")]


async def test_a_drain_that_is_cancelled_still_answers_every_waiter() -> None:
    bus = Bus()
    bus.register(Pipeline())
    await bus.start()
    asking = asyncio.gather(bus.ask("pipeline", Fetch(seconds=60.0), timeout=100.0), return_exceptions=True)
    stopping = asyncio.gather(bus.stop(drain=50.0))
    await asyncio.sleep(1.0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert isinstance((await asking)[0], PeerLost)


@pytest.mark.parametrize("keep", [-1.0, float("nan"), float("inf")])
async def test_what_is_kept_back_must_be_a_sane_number_too(keep: float) -> None:
    bus = Bus()
    bus.register(Pipeline())
    bus.register(Writer())
    async with bus:
        with pytest.raises(RemoteError, match="time-out"):
            await bus.ask("writer", Write(keep=keep), timeout=5.0)


@pytest.mark.parametrize("timeout", ["5", None, [1]])
async def test_a_timeout_of_another_type(timeout: Any) -> None:
    bus = Bus()
    bus.register(Pipeline())
    async with bus:
        if timeout is None:
            assert await bus.ask("pipeline", Fetch(), timeout=None) == "three documents"
        else:
            with pytest.raises(ContractViolation, match="time-out"):
                await bus.ask("pipeline", Fetch(), timeout=timeout)


async def test_a_token_knows_whether_it_is_still_wanted() -> None:
    odd = Odd("defer")
    bus = Bus()
    bus.register(odd)
    async with bus:
        asking = asyncio.gather(bus.ask("odd", Fetch(), timeout=1.0), return_exceptions=True)
        await asyncio.sleep(0.5)
        assert odd.token is not None
        assert odd.token.wanted
        await asking
        assert not odd.token.wanted


async def test_another_handlers_token_is_no_reply() -> None:
    stolen: list[Any] = []

    class Thief(Agent):
        name = "thief"

        @handles(Fetch)
        async def fetch(self, request: Fetch, ctx: Context) -> Any:
            if not stolen:
                stolen.append(ctx.defer())
            return stolen[0]

    bus = Bus()
    bus.register(Thief())
    async with bus:
        first = asyncio.gather(bus.ask("thief", Fetch()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(ContractViolation, match="not its own"):
            await bus.ask("thief", Fetch())
        stolen[0].answer("mine")
        assert list(await first) == ["mine"]


class _Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize(
    ("error", "said"),
    [(_Unprintable(), "_Unprintable"), (AssertionError(), "AssertionError"), (OSError("x"), "OSError: x")],
)
async def test_whatever_a_handler_raises_can_be_told(error: Exception, said: str) -> None:
    bus = Bus()
    bus.register(ScriptedAgent("odd", {Fetch: Raise(error)}))
    async with bus:
        with pytest.raises(RemoteError) as caught:
            await bus.ask("odd", Fetch())
    assert str(caught.value) == f"odd failed on fetch: {said}"


async def test_a_refusal_names_who_refused_and_says_when_a_probe_is_under_way() -> None:
    steps = (Raise(OSError("down")), Reply("up", after=5.0))
    bus = Bus(BusOptions(policies={("odd", "fetch"): Policy(breaker=BreakerRules(1, 10.0))}))
    bus.register(ScriptedAgent("odd", {Fetch: steps}))
    async with bus:
        with pytest.raises(RemoteError):
            await bus.ask("odd", Fetch())
        with pytest.raises(CircuitOpen, match="left alone for another 10 s") as caught:
            await bus.ask("odd", Fetch())
        assert (caught.value.to, caught.value.action) == ("odd", "fetch")
        await asyncio.sleep(10.0)
        probe = asyncio.gather(bus.ask("odd", Fetch()))
        await asyncio.sleep(1.0)
        with pytest.raises(CircuitOpen, match="being tried again right now"):
            await bus.ask("odd", Fetch())
        assert list(await probe) == ["up"]


async def test_an_agent_must_be_able_to_run_something() -> None:
    class Idle(Pipeline):
        concurrency = 0

    with pytest.raises(ContractViolation, match="at least 1 handler"):
        Bus().register(Idle())


async def test_a_failed_ask_leaves_nothing_for_the_cyclic_collector() -> None:
    class Narrow(Pipeline):
        concurrency = 1
        mailbox_capacity = 1

    bus = Bus()
    bus.register(Narrow())
    bus.register(Odd("nothing"))
    await bus.start()
    asking = asyncio.gather(*(bus.ask("pipeline", Fetch(seconds=1.0)) for _ in range(2)))
    await asyncio.sleep(0.1)
    gc.collect()
    gc.disable()
    try:
        for to, request in [("nobody", Fetch()), ("pipeline", Fetch()), ("odd", Fetch())]:
            watched = weakref.ref(marker := Marker())
            with contextlib.suppress(FablewrightError):
                await bus.ask(to, Fetch(what=marker))  # type: ignore[arg-type]  # anything can travel in process
            del marker, request
            assert watched() is None, to
    finally:
        gc.enable()
    await asking
    await bus.stop()


class Marker:
    """Something that can be watched going away."""


@pytest.fixture(autouse=True)
def no_garbage() -> Iterator[None]:
    yield
    gc.collect()
