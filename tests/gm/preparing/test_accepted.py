"""Scenes that were accepted at the table: whoever dies, and whoever is late, each has one outcome."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.preparing.accepted import AcceptedScene, AcceptedScenes
from fablewright.protocol.job import UNFINISHED, JobRules, State

from ...memory_ledger import MemoryLedger  # noqa: TID252 - the tests are no package

if TYPE_CHECKING:
    from fablewright.gm.preparing.ledger import Entry

pytestmark = pytest.mark.anyio


RULES = JobRules(lease=10.0, tries=2)
MONTH = 31 * 24 * 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scenes(clock: Clock) -> AcceptedScenes:
    return AcceptedScenes(MemoryLedger(clock), "Tuesday", RULES, clock)


def scene(key: str = "one", at: float = 1000.0) -> AcceptedScene:
    return AcceptedScene(key, "the „Mill“", at, 5.0, '{"words":"x"}')


async def test_it_is_somebodys_until_it_is_due_and_then_anybodys(scenes: AcceptedScenes, clock: Clock) -> None:
    assert await scenes.accept(scene()) == scene()
    assert await scenes.take() is None
    clock.now += 5.0
    taken = await scenes.take()
    assert taken is not None
    assert (taken.words, taken.order, taken.job.tries) == ("the „Mill“", '{"words":"x"}', 1)
    assert await scenes.take() is None
    assert await scenes.finish(taken, "made")
    assert not await scenes.finish(taken, "made twice")
    assert not await scenes.withdraw("one")
    assert [each.result for each in await scenes.look()] == ["made"]
    assert (await scenes.accept(scene())).result == "made"  # who sends it again is told


async def test_what_was_withdrawn_is_nobodys_also_when_somebody_is_at_it(scenes: AcceptedScenes, clock: Clock) -> None:
    await scenes.accept(scene())
    clock.now += 5.0
    taken = await scenes.take()
    assert taken is not None
    assert await scenes.withdraw("one")
    assert await scenes.withdraw("one")
    assert not await scenes.finish(taken, "late")
    await scenes.fail(taken, "late too")
    assert await scenes.look() == ()


async def test_what_nobody_could_make_has_failed_with_its_reason(scenes: AcceptedScenes, clock: Clock) -> None:
    await scenes.accept(scene())
    await scenes.bring_forward("one")
    for reason in ("no ink", "no paper"):
        taken = await scenes.take()
        assert taken is not None
        await scenes.fail(taken, reason)
    assert await scenes.take() is None
    assert [(each.job.state, each.job.reason) for each in await scenes.look()] == [(State.FAILED, "no paper")]
    await scenes.accept(scene("two"))
    for _ in range(3):
        clock.now += 11.0
        await scenes.take()  # and dies
    assert (await scenes.look())[1].job.reason == UNFINISHED


async def test_who_gives_it_back_has_not_tried_and_others_wait_a_moment(scenes: AcceptedScenes, clock: Clock) -> None:
    await scenes.accept(scene())
    await scenes.bring_forward("one")
    for _ in range(5):
        taken = await scenes.take()
        assert taken is not None
        assert taken.job.tries == 1
        await scenes.give_back(taken, pause=2.0)
        assert await scenes.take() is None
        clock.now += 2.0


async def test_one_that_has_failed_and_is_sent_again_begins_anew(scenes: AcceptedScenes, clock: Clock) -> None:
    await scenes.accept(scene())
    await scenes.bring_forward("one")
    tried = [await scenes.take(), await scenes.take()]
    for _ in range(2):
        clock.now += 11.0
        tried.append(await scenes.take())
    assert [each.job.state for each in await scenes.look()] == [State.FAILED]
    anew = await scenes.accept(scene(at=2000.0))
    assert (anew.at, anew.due, anew.job.state, anew.job.tries) == (2000.0, 5.0, State.WAITING, 0)
    clock.now += 5.0
    taken = await scenes.take()
    assert taken is not None
    for late in filter(None, tried):  # whoever was at it before may still come; the first to finish counts
        await scenes.fail(late, "late")
    assert (await scenes.look())[0].job.state is State.LEASED
    assert await scenes.finish(taken, "made")


async def test_one_that_is_withdrawn_while_it_is_sent_again_is_accepted_all_the_same(clock: Clock) -> None:
    class Withdrawing(MemoryLedger):
        async def read(self, topic: str, key: str) -> Entry | None:
            found = await super().read(topic, key)
            if found is not None:
                await self.remove(topic, key, found.revision)
            return None

    ledger = Withdrawing(clock)
    scenes = AcceptedScenes(ledger, "Tuesday", RULES, clock)
    await scenes.accept(scene())
    assert await scenes.accept(scene(at=2000.0)) == scene(at=2000.0)
    assert [each.at for each in await scenes.look()] == [2000.0]


@pytest.mark.parametrize("spoilt", ["", "[]", "{}", '{"job": {"state": "asleep"}}'])
async def test_what_somebody_has_spoilt_holds_up_no_other(
    clock: Clock, spoilt: str, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = MemoryLedger(clock)
    scenes = AcceptedScenes(ledger, "Tuesday", RULES, clock)
    await ledger.add("Tuesday", "a", spoilt)
    await scenes.accept(scene())
    await scenes.bring_forward("one")
    assert [each.key for each in await scenes.look()] == ["one"]
    taken = await scenes.take()
    assert taken is not None
    assert taken.key == "one"
    assert len(caplog.messages) == 1


async def test_what_a_release_before_has_accepted_is_due(clock: Clock) -> None:
    ledger = MemoryLedger(clock)
    job = '{"state": "leased", "lease": 1, "until": 1795000060.0, "tries": 1, "reason": ""}'
    text = (
        '{"key": "one", "words": "x", "at": 1795000000.0, "due": 1795000009.0, "order": "{}", "job": %s, "result": ""}'
    )
    await ledger.add("Tuesday", "one", text % job)
    taken = await AcceptedScenes(ledger, "Tuesday", RULES, clock).take()
    assert taken is not None
    assert (taken.words, taken.job.tries) == ("x", 2)


@pytest.mark.parametrize("apart", [-3600.0, 3600.0])
async def test_clocks_that_are_apart_take_nothing_too_early_or_too_late(clock: Clock, apart: float) -> None:
    ledger = MemoryLedger(clock)
    front = AcceptedScenes(ledger, "Tuesday", RULES, lambda: clock.now + apart)
    worker = AcceptedScenes(ledger, "Tuesday", RULES, clock)
    other = AcceptedScenes(ledger, "Tuesday", RULES, lambda: clock.now - apart)
    await front.accept(scene(at=clock.now + apart))
    clock.now += 4.9
    assert await worker.take() is None
    clock.now += 0.1
    assert await worker.take()
    clock.now += 9.9
    assert await other.take() is None  # it is the worker's, whatever this clock says
    clock.now += 0.1
    taken = await other.take()
    assert taken
    await other.give_back(taken, pause=2.0)
    assert await front.take() is None
    clock.now += 2.0
    assert await front.take()


async def test_who_brings_a_scene_forward_that_is_at_work_leaves_the_lease_as_it_is(
    scenes: AcceptedScenes, clock: Clock
) -> None:
    await scenes.accept(scene())
    clock.now += 5.0
    assert await scenes.take()
    clock.now += 6.0
    await scenes.bring_forward("one")
    assert await scenes.take() is None
    clock.now += 4.0
    assert await scenes.take()


async def test_what_came_late_is_kept_for_a_month(scenes: AcceptedScenes, clock: Clock) -> None:
    await scenes.accept(scene())
    await scenes.bring_forward("one")
    taken = await scenes.take()
    assert taken is not None
    await scenes.finish(taken, "made")
    await scenes.take()
    assert len(await scenes.look()) == 1
    clock.now += MONTH
    await scenes.take()
    assert await scenes.look() == ()


@pytest.mark.parametrize("seed", range(30))
async def test_whatever_happens_in_whatever_order_each_scene_has_one_outcome(clock: Clock, seed: int) -> None:
    chance, ledger = random.Random(seed), MemoryLedger(clock)
    workers = [AcceptedScenes(ledger, "Tuesday", RULES, clock) for _ in range(3)]
    await workers[0].accept(scene())
    held: list[AcceptedScene] = []
    outcomes = []
    for step in range(60):
        clock.now += chance.random() * 4
        worker = chance.choice(workers)
        match chance.choice(("take", "take", "finish", "fail", "give back", "withdraw")):
            case "take":
                taken = await worker.take()
                held += [taken] if taken else []
            case "finish" if held:
                outcomes += ["made"] if await worker.finish(chance.choice(held), f"result {step}") else []
            case "fail" if held:
                await worker.fail(chance.choice(held), "broke")
            case "give back" if held:
                await worker.give_back(chance.choice(held))
            case "withdraw" if step > 40:
                there = await worker.look()
                outcomes += ["withdrawn"] if there and await worker.withdraw("one") else []
            case _:
                pass
    left = [each.job.state for each in await workers[0].look()]
    outcomes += ["failed"] * left.count(State.FAILED)
    assert len(outcomes) <= 1
    assert len(outcomes) == 1 or not left[0].is_final
