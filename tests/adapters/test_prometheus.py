"""The exporter against Prometheus's own parser, and against what an observer of the bus counted."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.parser import text_string_to_metric_families

from fablewright.adapters import prometheus
from fablewright.adapters.prometheus import exporter
from fablewright.errors import ContractViolation, FablewrightError, MissingExtra
from fablewright.protocol.breaker import BreakerRules
from fablewright.protocol.cache import CacheRules
from fablewright.protocol.message import Request
from fablewright.protocol.retry import RetryRules
from fablewright.runtime.bus import Bus
from fablewright.runtime.histogram import Histogram
from fablewright.runtime.policies import BusOptions, Policy
from fablewright.runtime.statistics import ActionStatistics
from fablewright.testing.fakes import Raise, Reply, ScriptedAgent
from fablewright.testing.memory_network import Hub

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Fetch(Request[str]):
    action: ClassVar[str] = "fetch"
    idempotent: ClassVar[bool] = True
    what: str = "documents"


@dataclass(frozen=True, slots=True)
class Store(Request[str]):
    action: ClassVar[str] = "store"


def a_bus() -> Bus:
    fetch = Policy(
        bulkhead=2, cache=CacheRules(60.0), retry=RetryRules(1), breaker=BreakerRules(failures=2, reset_time=60.0)
    )
    bus = Bus(BusOptions(policies={("shelf", "fetch"): fetch}))
    script: Any = {
        Fetch: (Reply("three"), Raise(OSError("wet")), Reply("four"), Raise(OSError("burnt"))),
        Store: Reply("kept", after=0.02),
    }
    bus.register(ScriptedAgent("shelf", script))
    return bus


async def use(bus: Bus) -> Counter[str]:
    """Ask in every way that leaves a mark, and return what came of it."""
    seen: Counter[str] = Counter()

    async def ask(request: Request[str], timeout: float = 1.0) -> None:
        try:
            await bus.ask("shelf", request, timeout=timeout)
        except FablewrightError as error:
            seen[type(error).__name__] += 1
        else:
            seen["replied"] += 1

    for what in ("a", "a", "b", "c", "d"):  # replied, cached, retried, failed until the circuit opens, refused
        await ask(Fetch(what))
    await ask(Store())
    await ask(Store(), timeout=0.001)
    bus.crash("shelf")
    await asyncio.sleep(0.03)
    return seen


def samples(text: str) -> dict[tuple[str, ...], float]:
    """By name and label values, those in the order of the label names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_everything_that_happened_is_shown() -> None:
    happened: Counter[str] = Counter()
    async with (bus := a_bus()):
        bus.observe(lambda event: happened.update([event.what, f"{event.what} {event.detail.partition(':')[0]}"]))
        registry = CollectorRegistry()
        exporter(bus, registry)
        seen = await use(bus)
        shown = samples(generate_latest(registry).decode())
    fetch = ("fetch", "shelf")
    assert seen["CircuitOpen"] == happened["refused"] == 1
    per_action = {key[1]: value for key, value in shown.items() if key[0] == "fablewright_requests_total"}
    assert sum(per_action.values()) == happened["asked"]
    for outcome in ("replied", "failed", "expired"):
        counted = [value for key, value in shown.items() if key[0] == "fablewright_outcomes_total" and outcome in key]
        assert sum(counted) == happened[f"ended {outcome}"] > 0
    assert shown["fablewright_retries_total", *fetch] == happened["retried"] == 2
    assert shown["fablewright_cache_hits_total", *fetch] == happened["cached"] == 1
    assert shown["fablewright_cache_misses_total", *fetch] == 4
    assert shown["fablewright_cache_entries", *fetch] == 2
    assert shown["fablewright_cache_bytes", *fetch] > 512
    states = {key[3]: value for key, value in shown.items() if key[0] == "fablewright_breaker_state"}
    assert {state for state, value in states.items() if value} == {"open"}
    assert shown["fablewright_breaker_moves_total", *fetch, "open"] == happened["breaker"] == 1
    assert shown["fablewright_crashes_total", "shelf"] == happened["crashed"] == 1
    assert shown["fablewright_mailbox_depth", "shelf"] == 0
    assert shown["fablewright_pending_requests",] == 0
    replied = shown["fablewright_reply_seconds_count", "store", "shelf"]
    assert replied == shown["fablewright_outcomes_total", "store", "shelf", "replied"] == 1
    assert 0.02 <= shown["fablewright_reply_seconds_sum", "store", "shelf"] < 1


async def test_what_waits_and_runs_is_shown_while_it_does() -> None:
    bus = Bus()
    agent = ScriptedAgent("shelf", {Store: Reply("kept", after=60.0)})
    agent.concurrency = 1  # type: ignore[misc]  # an instance stands for a class here
    bus.register(agent)
    async with bus:
        registry = CollectorRegistry()
        exporter(bus, registry)
        asks = asyncio.gather(*(bus.ask("shelf", Store(), timeout=0.05) for _ in range(3)), return_exceptions=True)
        await asyncio.sleep(0.01)
        shown = samples(generate_latest(registry).decode())
        assert (shown["fablewright_mailbox_depth", "shelf"], shown["fablewright_running_handlers", "shelf"]) == (2, 1)
        assert shown["fablewright_pending_requests",] == 3
        assert shown["fablewright_pending_bytes",] > 0
        await asks
        shown = samples(generate_latest(registry).decode())
        assert shown["fablewright_unstarted_total", "store", "shelf"] == 2
        assert shown["fablewright_pending_requests",] == 0


async def test_what_came_over_a_network_and_could_not_be_read_is_shown() -> None:
    hub = Hub()
    async with Bus(BusOptions(network=hub.network()), node="front") as bus:
        registry = CollectorRegistry()
        exporter(bus, registry)
        hub.unreadable["front"] += 3
        assert samples(generate_latest(registry).decode())["fablewright_unreadable_total",] == 3


async def test_a_visit_over_http_from_another_thread() -> None:
    async with (bus := a_bus()):
        registry = CollectorRegistry()
        shown = exporter(bus, registry)
        server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
        url = f"http://127.0.0.1:{server.server_port}/metrics"

        def visit() -> str:
            with urllib.request.urlopen(url, timeout=10) as page:
                return str(page.read(), "utf-8")

        try:
            while_used = [asyncio.to_thread(visit) for _ in range(5)]
            pages = await asyncio.gather(use(bus), *while_used)
            assert all("fablewright_requests_total" in page for page in pages[1:])
            assert samples(await asyncio.to_thread(visit))["fablewright_requests_total", "store", "shelf"] == 2
            shown.close()
            assert "fablewright" not in await asyncio.to_thread(visit)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


async def test_a_loop_that_is_held_up_fails_the_visit_and_not_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "PATIENCE", 0.05)
    async with (bus := a_bus()):
        registry = CollectorRegistry()
        exporter(bus, registry)
        failed: list[BaseException] = []

        def visit() -> None:
            try:
                generate_latest(registry)
            except TimeoutError as error:
                failed.append(error)

        thread = threading.Thread(target=visit)
        thread.start()
        time.sleep(0.2)  # noqa: ASYNC251 - it is the fault that is tested
        thread.join()
        assert len(failed) == 1
        await asyncio.to_thread(visit)
        assert len(failed) == 1


async def test_after_the_loop_has_ended_the_last_figures_are_shown() -> None:
    registry = CollectorRegistry()

    def run_one() -> None:
        async def run() -> None:
            async with (bus := a_bus()):
                exporter(bus, registry)
                await use(bus)

        asyncio.run(run())

    await asyncio.to_thread(run_one)
    assert samples(generate_latest(registry).decode())["fablewright_requests_total", "store", "shelf"] == 2


async def test_a_registry_shows_one_bus() -> None:
    registry = CollectorRegistry()
    async with a_bus() as one, a_bus() as other:
        first = exporter(one, registry)
        with pytest.raises(ContractViolation, match="a registry of its own"):
            exporter(other, registry)
        first.close()
        exporter(other, registry)


async def test_each_name_is_there_before_anything_happened_and_is_described_once() -> None:
    async with (bus := a_bus()):
        described = [metric.name for metric in exporter(bus, CollectorRegistry()).describe()]
    assert len(set(described)) == len(described) > 20
    assert all(name.startswith("fablewright_") for name in described)


def test_without_a_loop_it_says_where_to_call_it() -> None:
    with pytest.raises(ContractViolation, match="event loop that the bus runs on"):
        exporter(a_bus(), CollectorRegistry())


def test_without_the_extra_the_command_is_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(MissingExtra, match=r"run: pip install 'fablewright\[prometheus\]'"):
        exporter(a_bus())


def buckets(family: str, of: Callable[[], ActionStatistics]) -> tuple[list[tuple[float, float]], float, float]:
    """Return what Prometheus reads of a histogram: (bound, count) each, the count and the sum."""
    registry = CollectorRegistry()

    class Shelf:
        def collect(self) -> Any:
            return [m for m in prometheus._of_actions({("shelf", "fetch"): of()}) if m.name == family]

    registry.register(Shelf())
    found, count, total = [], -1.0, -1.0
    for metric in text_string_to_metric_families(generate_latest(registry).decode()):
        for sample in metric.samples:
            if "le" in sample.labels:
                found.append((float(sample.labels["le"]), sample.value))
            elif sample.name.endswith("_count"):
                count = sample.value
            else:
                total = sample.value
    return found, count, total


@given(st.lists(st.floats(0.0, 1e7)))
def test_the_buckets_of_latencies_agree_with_counting_one_by_one(seconds: list[float]) -> None:
    histogram = Histogram()
    for each in seconds:
        histogram.add(each)
    found, count, total = buckets("fablewright_reply_seconds", lambda: ActionStatistics(0, {}, histogram))
    assert count == len(seconds) == found[-1][1]
    assert total == pytest.approx(sum(seconds))
    assert [bound for bound, _ in found] == sorted({bound for bound, _ in found})
    for bound, seen in found:
        # Whole microseconds are counted, and a bucket ends before its bound.
        assert sum(int(each * 1e6) < bound * 1e6 for each in seconds) == pytest.approx(seen)


@given(st.lists(st.integers(1, 5000), min_size=1))
def test_the_buckets_of_batches_agree_with_counting_one_by_one(sizes: list[int]) -> None:
    of = ActionStatistics(0, {}, Histogram(), batches=Counter(sizes))
    found, count, total = buckets("fablewright_batch_size", lambda: of)
    assert (count, total) == (len(sizes), sum(sizes))
    for bound, seen in found:
        assert sum(size <= bound for size in sizes) == seen
