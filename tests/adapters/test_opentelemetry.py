"""Spans as OpenTelemetry's own SDK sees them, over two hops, in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import SpanKind, StatusCode

from fablewright.adapters.opentelemetry import Tracing
from fablewright.errors import DeadlineExceeded, FablewrightError, MissingExtra
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.message import Message, Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent
from fablewright.testing.virtual_loop import VirtualTimeLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Write(Request[str]):
    action: ClassVar[str] = "write"
    patience: float = 5.0


@dataclass(frozen=True, slots=True)
class Note(Message):
    action: ClassVar[str] = "note"


class Writer(Agent):
    """Asks the shelf, and does without it; tells the shelf afterwards."""

    name = "writer"
    tracer: trace.Tracer | None = None

    @handles(Write)
    async def write(self, request: Write, ctx: Context) -> str:
        if self.tracer is not None:
            with self.tracer.start_as_current_span("look"):
                return await ctx.ask("shelf", Fetch(), timeout=request.patience)
        try:
            return await ctx.ask("shelf", Fetch(), timeout=request.patience, keep=0.5)
        except FablewrightError:
            ctx.tell("ear", Note())
            return "a scene without"


class Ear(Agent):
    name = "ear"

    @hears(Note)
    async def note(self, message: Note, ctx: Context) -> None:
        await asyncio.sleep(1.0)


class Seen(SpanProcessor):
    """In which order spans began and ended."""

    def __init__(self) -> None:
        self.began: dict[int, int] = {}
        self.ended: dict[int, int] = {}
        self.spans: list[ReadableSpan] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.began[context_of(span).span_id] = len(self.began) + len(self.ended)

    def on_end(self, span: ReadableSpan) -> None:
        self.ended[context_of(span).span_id] = len(self.began) + len(self.ended)
        self.spans.append(span)


@dataclass
class Stage:
    bus: Bus
    tracing: Tracing
    exporter: InMemorySpanExporter
    seen: Seen
    provider: TracerProvider

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        return sorted((span for span in self.spans if span.name == name), key=began)

    def one(self, name: str) -> ReadableSpan:
        (span,) = self.named(name)
        return span


def began(span: ReadableSpan) -> int:
    assert span.start_time is not None
    return span.start_time


def seconds(span: ReadableSpan) -> tuple[float, float]:
    assert span.end_time is not None
    return began(span) / 1e9, span.end_time / 1e9


def context_of(span: ReadableSpan) -> trace.SpanContext:
    assert span.context is not None
    return span.context


def is_below(child: ReadableSpan, parent: ReadableSpan) -> bool:
    return child.parent is not None and child.parent.span_id == context_of(parent).span_id


def stage(*shelf: Any, policy: Policy | None = None, most: int = 1000, **options: Any) -> Stage:
    exporter, seen = InMemorySpanExporter(), Seen()
    provider = TracerProvider(**options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.add_span_processor(seen)
    clock = asyncio.get_running_loop().time
    tracing = Tracing(provider, most=most, clock=lambda: int(clock() * 1e9))
    policies = {} if policy is None else {("shelf", "fetch"): policy}
    bus = Bus(BusOptions(policies=policies, traceparent=tracing.traceparent, draw=lambda: 0.5), node="n")
    for agent in (Writer(), Ear(), ScriptedAgent("shelf", {Fetch: shelf})):
        bus.register(agent)
    bus.observe(tracing)
    return Stage(bus, tracing, exporter, seen, provider)


def check(on: Stage) -> None:
    """What holds for any trace: all spans end, each after those that began below it, and nobody is kept."""
    seen = on.seen
    assert seen.began.keys() == seen.ended.keys()
    by_id = {context_of(span).span_id: span for span in seen.spans}
    for me, span in by_id.items():
        assert span.end_time is not None
        assert span.end_time >= began(span)
        above = None if span.parent is None else by_id.get(span.parent.span_id)
        if above is None:
            continue
        it = context_of(above).span_id
        assert context_of(above).trace_id == context_of(span).trace_id
        assert began(above) <= began(span)
        assert seen.began[it] < seen.began[me]
        if seen.began[me] < seen.ended[it]:
            assert seen.ended[me] < seen.ended[it]
        else:  # what was told, or came late, or was left to those who share it
            assert above.name.startswith(("tell", "ask")) or "shelf" in span.name
    assert repr(on.tracing) == "<Tracing sent=0 handled=0>"


async def test_two_hops_are_one_trace_of_four_spans() -> None:
    on = stage(Reply("three", after=1.0))
    async with on.bus:
        await on.bus.ask("writer", Write())
    ask, write, fetch, process = (
        on.one(name) for name in ("ask writer.write", "process writer.write", "ask shelf.fetch", "process shelf.fetch")
    )
    assert ask.parent is None
    assert is_below(write, ask)
    assert is_below(fetch, write)
    assert is_below(process, fetch)
    assert [span.kind for span in (ask, write)] == [SpanKind.PRODUCER, SpanKind.CONSUMER]
    assert {seconds(span) for span in (ask, write, fetch, process)} == {(0.0, 1.0)}
    assert dict(process.attributes or {}) == {
        "messaging.system": "fablewright",
        "messaging.destination.name": "shelf.fetch",
        "messaging.message.id": "n-2",
        "messaging.message.conversation_id": "n-1",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "fablewright.attempt": 1,
        "fablewright.sender": "writer",
        "fablewright.outcome": "replied",
    }
    assert all(span.status.status_code is StatusCode.UNSET for span in on.spans)
    check(on)


async def test_what_travels_is_what_the_w3c_says() -> None:
    on = stage(Reply("three"))
    carried: list[str | None] = []
    on.bus.observe(lambda event: carried.append(event.traceparent) if event.what == "asked" else None)
    async with on.bus:
        await on.bus.ask("writer", Write())
    for name, header in zip(("ask writer.write", "ask shelf.fetch"), carried, strict=True):
        context = context_of(on.one(name))
        assert header is not None
        assert header[:-2] == f"00-{context.trace_id:032x}-{context.span_id:016x}-"
        assert int(header[-2:], 16) & trace.TraceFlags.SAMPLED


async def test_a_time_out_is_an_error_and_the_work_ends_with_it() -> None:
    on = stage(Reply("three", after=60.0))
    async with on.bus:
        assert await on.bus.ask("writer", Write(patience=2.0)) == "a scene without"
        await asyncio.sleep(2.0)
    for name in ("ask shelf.fetch", "process shelf.fetch"):
        span = on.one(name)
        assert seconds(span) == (0.0, 2.0)
        assert (span.attributes or {})["error.type"] == "expired"
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "shelf did not answer fetch in time."
    assert on.one("process writer.write").status.status_code is StatusCode.UNSET
    tell, heard = on.one("tell ear.note"), on.one("process ear.note")
    assert is_below(tell, on.one("process writer.write"))
    assert is_below(heard, tell)
    assert (seconds(tell), seconds(heard)) == ((2.0, 2.0), (2.0, 3.0))
    check(on)


async def test_each_attempt_is_a_span_and_the_asker_notes_the_retry() -> None:
    policy = Policy(retry=RetryRules(2), breaker=BreakerRules(failures=5))
    on = stage(Raise(OSError("wet"), after=1.0), Reply("three"), policy=policy)
    async with on.bus:
        await on.bus.ask("writer", Write())
    first, second = on.named("ask shelf.fetch")
    write = on.one("process writer.write")
    assert is_below(first, write)
    assert is_below(second, write)
    assert [(span.attributes or {})["fablewright.attempt"] for span in (first, second)] == [1, 2]
    assert first.status.description == "shelf failed on fetch: OSError: wet"
    assert second.status.status_code is StatusCode.UNSET
    (retried,) = write.events
    assert (retried.name, (retried.attributes or {})["fablewright.detail"]) == ("retried", first.status.description)
    check(on)


async def test_an_attempt_without_a_parent_is_linked_to_the_first() -> None:
    on = stage(Raise(OSError("wet")), Reply("three"), policy=Policy(retry=RetryRules(2)))
    async with on.bus:
        await on.bus.ask("shelf", Fetch())
    first, second = on.named("ask shelf.fetch")
    assert [link.context.span_id for link in second.links] == [context_of(first).span_id]
    assert not first.links
    check(on)


async def test_an_open_circuit_is_an_event_of_whoever_met_it() -> None:
    policy = Policy(breaker=BreakerRules(failures=1))
    on = stage(Raise(OSError("wet")), policy=policy)
    async with on.bus:
        await on.bus.ask("writer", Write())
        await on.bus.ask("writer", Write())
        await asyncio.sleep(5.0)
    one, other = on.named("process writer.write")
    assert [event.name for event in one.events] == ["breaker"]
    assert [event.name for event in other.events] == ["refused"]
    assert len(on.named("ask shelf.fetch")) == 1
    check(on)


async def test_a_late_reply_is_a_dead_letter_in_the_trace_of_its_request() -> None:
    on = stage(Reply("three", after=3.0), policy=Policy(linger=10.0))
    async with on.bus:
        await on.bus.ask("writer", Write(patience=1.0))
        await asyncio.sleep(10.0)
    letter, fetch, process = on.one("dead_letter"), on.one("ask shelf.fetch"), on.one("process shelf.fetch")
    assert is_below(letter, fetch)
    assert (letter.attributes or {})["error.type"] == "late"
    assert (seconds(fetch), seconds(process), seconds(letter)) == ((0.0, 1.0), (0.0, 3.0), (3.0, 3.0))
    check(on)


async def test_a_deferred_reply_ends_the_work() -> None:
    on = stage(Hang())
    async with on.bus:
        asking = asyncio.ensure_future(on.bus.ask("shelf", Fetch()))  # noqa: TID251 - a test is no part of the bus
        await asyncio.sleep(4.0)
        assert on.spans == ()
        on.bus._posts.by_name["shelf"].agent.tokens.pop().answer("three")  # type: ignore[attr-defined]  # a scripted one
        await asking
    assert seconds(on.one("process shelf.fetch")) == (0.0, 4.0)
    check(on)


async def test_a_withdrawn_request_is_no_error() -> None:
    on = stage(Reply("three", after=60.0))
    async with on.bus:
        asking = asyncio.ensure_future(on.bus.ask("writer", Write()))  # noqa: TID251 - as above
        await asyncio.sleep(1.0)
        asking.cancel()
        await asyncio.sleep(1.0)
        for span in on.spans:
            assert (span.attributes or {})["error.type"] == "cancelled"
            assert span.status.status_code is StatusCode.UNSET
        assert len(on.spans) == 4
    check(on)


async def test_spans_of_others_stand_above_and_between() -> None:
    on = stage(Reply("three", after=1.0))
    tracer = on.provider.get_tracer("test")
    writer = on.bus._posts.by_name["writer"].agent
    writer.tracer = tracer  # type: ignore[attr-defined]  # it is our Writer
    async with on.bus:
        with tracer.start_as_current_span("page"):
            await on.bus.ask("writer", Write())
        await on.bus.ask("writer", Write())
    assert is_below(on.named("ask writer.write")[0], on.one("page"))
    assert on.named("ask writer.write")[1].parent is None
    for look, fetch, write in zip(
        on.named("look"), on.named("ask shelf.fetch"), on.named("process writer.write"), strict=True
    ):
        assert is_below(look, write)
        assert is_below(fetch, look)


async def test_a_worker_goes_on_with_clean_variables() -> None:
    on = stage(Reply("three"))
    async with on.bus:
        await on.bus.ask("shelf", Fetch())
        worker = on.bus._posts.by_name["shelf"]._idle
        await on.bus.ask("shelf", Fetch())
        assert worker is not None
        assert on.bus._posts.by_name["shelf"]._idle is worker
    assert len({context_of(span).trace_id for span in on.named("ask shelf.fetch")}) == 2


async def test_spans_whose_end_nobody_sees_are_bounded() -> None:
    on = stage(Reply("three"), most=10)
    for number in range(100):  # the bus makes contexts, and nobody looks on
        assert on.tracing.traceparent(None, f"m-{number}") is not None
    assert repr(on.tracing) == "<Tracing sent=10 handled=0>"
    assert len(on.spans) == 90
    assert {(span.attributes or {})["fablewright.outcome"] for span in on.spans} == {"unknown"}
    assert len(on.tracing._contexts) == 10
    on.tracing.close()
    check(on)


async def test_without_a_provider_the_contexts_of_others_travel_on() -> None:
    tracing = Tracing(trace.NoOpTracerProvider())
    given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert tracing.traceparent(None, "m-1") is None
    assert tracing.traceparent(given, "m-2") == given
    assert tracing.traceparent("no such thing", "m-3") == "no such thing"


async def test_what_is_not_sampled_is_not_sampled_further_on() -> None:
    on = stage(Reply("three"), sampler=ParentBased(ALWAYS_OFF))
    flags: list[int] = []
    on.bus.observe(lambda event: flags.append(int((event.traceparent or "")[-2:], 16)))
    async with on.bus:
        await on.bus.ask("writer", Write())
    assert flags
    assert not any(flag & trace.TraceFlags.SAMPLED for flag in flags)
    assert on.spans == ()
    assert repr(on.tracing) == "<Tracing sent=0 handled=0>"


def test_without_the_extra_the_command_is_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtra, match=r"run: pip install 'fablewright\[otel\]'"):
        Tracing()


STEPS = st.one_of(
    st.builds(Reply, st.just("three"), st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0])),
    st.builds(Raise, st.just(OSError("wet")), st.sampled_from([0.0, 1.0])),
    st.just(Hang()),
)
POLICIES = st.builds(
    Policy,
    retry=st.sampled_from([None, RetryRules(2)]),
    breaker=st.sampled_from([None, BreakerRules(failures=2, reset_time=1.0)]),
    share=st.booleans(),
    linger=st.sampled_from([0.0, 1.0]),
    attempt_timeout=st.sampled_from([None, 0.75]),
)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(STEPS, min_size=1, max_size=5),
    policy=POLICIES,
    askers=st.lists(st.tuples(st.sampled_from([0.0, 0.25, 1.0]), st.sampled_from([0.5, 1.0, 2.0])), max_size=4),
    crash=st.sampled_from([None, 0.25, 1.0]),
)
@example([Reply("three", 1.0)], Policy(share=True, linger=1.0), [(0.0, 1.0), (0.0, 2.0)], None)  # begun anew for one
def test_whatever_happens_every_span_ends_after_those_below_it(
    steps: list[Any], policy: Policy, askers: list[tuple[float, float]], crash: float | None
) -> None:
    async def run() -> Stage:
        on = stage(*steps, policy=policy)

        async def ask(after: float, patience: float) -> None:
            await asyncio.sleep(after)
            with contextlib.suppress(DeadlineExceeded):
                await on.bus.ask("writer", Write(), timeout=patience)

        async with on.bus:
            work: list[Coroutine[Any, Any, None]] = [ask(*each) for each in askers]
            if crash is not None:
                work.append(crash_after(on.bus, crash))
            await asyncio.gather(*work, return_exceptions=True)
            await asyncio.sleep(20.0)
        return on

    async def crash_after(bus: Bus, after: float) -> None:
        await asyncio.sleep(after)
        bus.crash("shelf")

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        on = runner.run(run())
    check(on)
    asked = len(on.named("ask writer.write"))
    assert asked == len(askers)
