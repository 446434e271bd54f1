"""A scale is tried on known weights before anything is weighed on it."""

from __future__ import annotations

import asyncio
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from benchmarks.runtime import field as entered
from benchmarks.runtime.__main__ import main
from benchmarks.runtime.expiry import ForwardLoop, expire_at_once
from benchmarks.runtime.garbage import garbage_of
from benchmarks.runtime.memory import bytes_per_pending
from benchmarks.runtime.ours import Deferred, Fablewright, WithPolicies
from benchmarks.runtime.paired import Spread, compare
from benchmarks.runtime.plain import BareAsyncio, BareFutures, TaskAndTimeout
from benchmarks.runtime.report import Report
from benchmarks.runtime.tables import table, tables
from benchmarks.runtime.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from benchmarks.runtime.contestant import Contestant

pytestmark = pytest.mark.long

R = TypeVar("R")

ALWAYS_THERE = [BareAsyncio, BareFutures, TaskAndTimeout, Fablewright, Deferred, WithPolicies]


class Heavy(BareAsyncio):
    """Keeps so many bytes more per request, and blocks the loop for 20 ms once 10 have expired."""

    name = "heavy"

    def __init__(self, ballast: int = 0) -> None:
        super().__init__()
        self._ballast = ballast

    async def hold(self, n: int, timeout: float) -> int:
        ballast = bytes(self._ballast)
        try:
            return await super().hold(n, timeout)
        except TimeoutError:
            if n == 10:
                until = time.thread_time() + 0.02
                while time.thread_time() < until:
                    pass
            raise
        finally:
            del ballast


class Cyclic:
    """Something that only the cyclic collector can free."""

    def __init__(self) -> None:
        self.me = self


def on_forward_loop(work: Coroutine[Any, Any, R]) -> R:
    with asyncio.Runner(loop_factory=ForwardLoop) as runner:
        return runner.run(work)


async def with_started(contestant: Contestant, use: Callable[[Contestant], Awaitable[R]]) -> R:
    await contestant.start()
    try:
        return await use(contestant)
    finally:
        await contestant.stop()


@pytest.mark.parametrize("kind", ALWAYS_THERE)
def test_whoever_takes_part_answers_each_caller_with_its_own_reply(kind: type[Contestant]) -> None:
    async def use(one: Contestant) -> None:
        assert await one.ask(41) == 42
        await one.burst(20)
        await one.crowd_of(20)
        one.expect(0)
        with pytest.raises(one.expired):
            await one.hold(1, 0.01)

    asyncio.run(with_started(kind(), use))


def test_the_scale_shows_a_known_weight() -> None:
    light, heavy = (
        on_forward_loop(with_started(Heavy(ballast), lambda one: bytes_per_pending(one, 1000)))
        for ballast in (0, 10_000)
    )
    assert heavy.without_task - light.without_task == pytest.approx(10_000 + sys.getsizeof(b""), rel=0.02)
    assert 500 < light.with_task - light.without_task < 1200


def test_the_ticker_feels_a_loop_that_is_blocked() -> None:
    calm = on_forward_loop(with_started(BareAsyncio(), lambda one: expire_at_once(one, 50)))
    blocked = on_forward_loop(with_started(Heavy(), lambda one: expire_at_once(one, 50)))
    assert blocked.stall_cpu > 0.018
    assert blocked.stall >= blocked.stall_cpu > calm.stall_cpu
    assert calm.tasks_left == calm.timers_left == 0


def test_tasks_that_outlive_their_request_are_counted() -> None:
    class Leaky(TaskAndTimeout):
        async def hold(self, n: int, timeout: float) -> int:
            async with asyncio.timeout(timeout):
                # Two tasks each: this one, and the handler that it waits for.
                return await asyncio.shield(self._loop.create_task(super().hold(n, 3 * timeout)))

    assert on_forward_loop(with_started(Leaky(), lambda one: expire_at_once(one, 7))).tasks_left == 14


def test_cycles_are_found_and_named() -> None:
    async def leave_a_cycle() -> None:
        Cyclic()

    async def leave_nothing() -> None:
        Cyclic().me = None

    found = asyncio.run(garbage_of(leave_a_cycle, 400))
    assert found.per_request >= 1
    assert "Cyclic" in found.types
    assert asyncio.run(garbage_of(leave_nothing, 400)).per_request == 0


def test_each_is_compared_with_the_baseline_beside_it() -> None:
    class Costly(BareAsyncio):
        name = "costly"
        every = 2

    turns = []

    async def measure(one: Contestant, count: int) -> dict[str, float]:
        turns.append(one.name)
        drift = len(turns)  # the machine gets slower and slower
        return {"cost": drift * (3.0 if one.name == "costly" else 1.0)}

    costs = asyncio.run(compare([BareAsyncio(), Costly()], measure, count=1, rounds=20))
    assert costs["bare asyncio"]["cost"].slices == 20
    assert costs["costly"]["cost"].slices == 10
    assert costs["costly"]["cost"].ratio.median == pytest.approx(3, rel=0.1)
    assert turns[2:8] == ["bare asyncio"] * 3 + ["costly"] + ["bare asyncio"] * 2


def test_a_spread_is_median_and_quartiles() -> None:
    assert Spread.of([5, 1, 2, 4, 3]) == Spread(2, 3, 4)
    assert Spread.of([7]) == Spread(7, 7, 7)


def test_a_peer_that_is_not_installed_is_said_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_there(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", not_there)
    field, versions = entered.the_field()
    assert set(versions) == set(entered.PEERS)
    assert set(versions.values()) == {None}
    assert field[0] is BareAsyncio
    assert set(field) == set(ALWAYS_THERE)


def test_only_the_named_take_part_and_the_baseline() -> None:
    field, versions = entered.the_field(["deferred"])
    assert field == [BareAsyncio, Deferred]
    assert versions == {}


def test_nothing_measured_is_nothing_shown_and_nothing_promised() -> None:
    empty = Report("nowhere", {})
    assert tables(empty) == ""
    assert all(target.figure(empty) is None for target in TARGETS)


def test_tables_are_aligned() -> None:
    assert table(("who", "µs"), [("a", "1.0"), ("bare", "10.25")]) == (
        "| who  |    µs |\n| ---- | ----: |\n| a    |   1.0 |\n| bare | 10.25 |"
    )


def test_the_command_measures_every_part_and_writes_the_page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--rounds", "2", "--expiring", "200", "--requests", "4000", "--long", "--only", "timeout,fablewright"]
    monkeypatch.setattr("sys.argv", ["benchmarks.runtime", *small, "--markdown"])
    main()
    page = capsys.readouterr().out
    measured = [target for target in TARGETS if f"| {target.what} " in page]
    # autogen-core did not take part; five are about 100,000 that expire, one about a million requests.
    assert len(measured) == len(TARGETS) - 1 - 5 - 1
    for name in ("bare asyncio", "create_task + timeout", "fablewright, deferred", "fablewright, all policies"):
        assert page.count(f"\n| {name} ") >= 4
    assert "## Read it honestly" in page


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks.runtime", "--parts", "sequential,smell"])
    with pytest.raises(SystemExit):
        main()
    assert "there is no part smell" in capsys.readouterr().err
