"""A scene is accepted before it is made, nobody waits for that, and it is withdrawn when it is there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from fablewright.entry.answering import LEAST
from fablewright.entry.safety_net import NOWHERE, PROMISE, SafetyNet
from fablewright.entry.scene_order import order_read, order_written
from fablewright.errors import FablewrightError, InvalidInput, PeerLost
from fablewright.gm.answer import Answer
from fablewright.gm.answering.fight_wish import FightWish
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.preparing.accepted import AcceptedScenes
from fablewright.gm.preparing.prepared import kept
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.scenario import Line, Origin, Scene
from fablewright.gm.scene.wishes import Kept, Wishes
from fablewright.protocol.job import JobRules
from fablewright.runtime.agent import Agent, handles
from fablewright.runtime.bus import Bus
from fablewright.testing.fakes import Hang, Raise, Reply, ScriptedAgent

from ..memory_ledger import MemoryLedger  # noqa: TID252 - the tests are no package

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fablewright.runtime.context import Context

pytestmark = pytest.mark.anyio

BRIDGE = Answer("scene", "answered", Scene(Line("A bridge", Origin.INVENTED)))
LOST = PeerLost("scenario_generator is silent; it will not be answered.")


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
async def net(ledger: MemoryLedger) -> AsyncIterator[SafetyNet]:
    net = SafetyNet(AcceptedScenes(ledger, "Tuesday", JobRules(), time.time))
    yield net
    await net.close()


async def asked(net: SafetyNet, request: HandleRequest, *behaviour: object) -> tuple[Answer, ScriptedAgent]:
    orchestrator = ScriptedAgent("orchestrator", {HandleRequest: behaviour})  # type: ignore[dict-item]
    bus = Bus()
    bus.register(orchestrator)
    async with bus:
        return await net.ask(bus, request, timeout=10.0), orchestrator


async def test_what_is_there_was_accepted_and_is_withdrawn(net: SafetyNet, ledger: MemoryLedger) -> None:
    answer, orchestrator = await asked(net, HandleRequest("They reach the bridge"), Reply(BRIDGE))
    assert answer == BRIDGE
    assert orchestrator.received[0].request_key
    await net.close()
    assert await ledger.entries("Tuesday") == ()


async def test_who_lost_an_agent_asks_once_more_under_the_same_key(net: SafetyNet, ledger: MemoryLedger) -> None:
    answer, orchestrator = await asked(net, HandleRequest("They reach the bridge"), Raise(LOST), Reply(BRIDGE))
    assert answer == BRIDGE
    assert len({request.request_key for request in orchestrator.received}) == 1
    await net.close()
    assert await ledger.entries("Tuesday") == ()


async def test_what_nobody_could_make_is_promised_and_due_at_once(net: SafetyNet) -> None:
    answer, _ = await asked(net, HandleRequest("They reach the bridge"), Raise(LOST), Raise(LOST))
    assert answer.status == "failed"
    assert answer.missing == (PROMISE, str(LOST))
    await net.close()
    assert net.scenes is not None
    taken = await net.scenes.take()
    assert taken is not None
    assert order_read(taken.order).words == "They reach the bridge"
    await net.scenes.finish(taken, kept(BRIDGE))
    again, orchestrator = await asked(net, HandleRequest("They reach the bridge", request_key=taken.key), Hang())
    assert again == BRIDGE  # who sends it again has what came late
    assert orchestrator.received == []


@pytest.mark.parametrize(
    "request_",
    [HandleRequest("2d6", want="dice"), HandleRequest("who is Ilse?"), HandleRequest(" "), HandleRequest("x" * 5000)],
)
async def test_only_scenes_are_accepted(net: SafetyNet, ledger: MemoryLedger, request_: HandleRequest) -> None:
    ledger.is_broken = True
    answer, orchestrator = await asked(net, request_, Reply(BRIDGE))
    assert answer == BRIDGE
    assert not orchestrator.received[0].request_key


async def test_what_makes_no_sense_is_withdrawn(net: SafetyNet, ledger: MemoryLedger) -> None:
    with pytest.raises(InvalidInput):
        await asked(net, HandleRequest("They reach the bridge"), Raise(InvalidInput("No such party.")))
    await net.close()
    assert await ledger.entries("Tuesday") == ()


@pytest.mark.parametrize("is_ending", [False, True])
async def test_who_is_cancelled_has_called_it_off_unless_the_program_ends(
    net: SafetyNet, ledger: MemoryLedger, *, is_ending: bool
) -> None:
    if is_ending:
        net.let_be()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            await asked(net, HandleRequest("They reach the bridge"), Hang())
    await net.close()
    assert len(await ledger.entries("Tuesday")) == is_ending


async def test_what_is_called_off_while_it_is_accepted_is_withdrawn(net: SafetyNet, ledger: MemoryLedger) -> None:
    ledger.delay = 0.2
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            await asked(net, HandleRequest("They reach the bridge"), Hang())
    await net.close()
    ledger.delay = 0.0
    assert await ledger.entries("Tuesday") == ()


async def test_a_ledger_that_hangs_keeps_nobody_waiting_and_it_is_told_once(
    net: SafetyNet, ledger: MemoryLedger, caplog: pytest.LogCaptureFixture
) -> None:
    ledger.delay = 60.0
    loop = asyncio.get_running_loop()
    before = loop.time()
    for _ in range(2):
        answer, _ = await asked(net, HandleRequest("They reach the bridge"), Reply(BRIDGE))
        assert answer == BRIDGE
    assert loop.time() - before < 0.65
    assert caplog.messages.count("Scenes are not made durable now: what keeps them does not answer") == 1
    ledger.delay = 0.0
    await asked(net, HandleRequest("They reach the bridge"), Reply(BRIDGE))
    assert "Scenes are made durable again" in caplog.messages


async def test_that_scenes_are_not_durable_can_be_asked_for_at_any_time(net: SafetyNet, ledger: MemoryLedger) -> None:
    assert await SafetyNet(None).trouble() == NOWHERE
    assert await net.trouble() == ""
    ledger.delay = 60.0
    assert await net.trouble() == "what keeps them does not answer"
    ledger.delay, ledger.is_broken = 0.0, True
    assert await net.trouble() == "the ledger is broken"
    await asked(net, HandleRequest("They reach the bridge"), Reply(BRIDGE))
    ledger.is_full, ledger.is_broken = True, False
    assert await net.trouble() == "the ledger is full"  # though it can be read
    ledger.is_full = False
    assert await net.trouble() == ""
    assert await ledger.entries("probe") == ()


async def test_a_scene_that_was_accepted_slowly_was_accepted(net: SafetyNet, ledger: MemoryLedger) -> None:
    ledger.delay = 0.4
    answer, _ = await asked(net, HandleRequest("They reach the bridge"), Raise(LOST), Raise(LOST))
    assert answer.missing == (PROMISE, str(LOST))
    ledger.delay = 0.0
    assert await net.trouble() == ""


async def test_what_others_may_have_made_while_the_machine_slept_is_looked_for(
    net: SafetyNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert net.scenes is not None
    clock = SimpleNamespace(monotonic=time.monotonic, time=time.time)
    monkeypatch.setattr("fablewright.entry.safety_net.time", clock)
    theirs = replace(BRIDGE, scene=Scene(Line("Their bridge", Origin.INVENTED)))

    async def sleeps(request: HandleRequest) -> Answer:
        clock.time = lambda: time.time() + 3600  # and the other clock stood still
        scenes = net.scenes
        assert scenes is not None
        await scenes.bring_forward(request.request_key)
        taken = await scenes.take()
        assert taken is not None
        await scenes.finish(taken, kept(theirs))
        return BRIDGE

    class Sleeper(Agent):
        name = "orchestrator"

        @handles(HandleRequest)
        async def handle(self, request: HandleRequest, _ctx: Context) -> Answer:
            return await sleeps(request)

    bus = Bus()
    bus.register(Sleeper())
    async with bus:
        assert await net.ask(bus, HandleRequest("They reach the bridge"), timeout=10.0) == theirs


async def test_nobody_waits_for_a_ledger_longer_than_for_the_scene(
    net: SafetyNet, ledger: MemoryLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    monkeypatch.setattr("fablewright.entry.safety_net.time", SimpleNamespace(monotonic=loop.time, time=time.time))
    ledger.delay = 60.0
    before = loop.time()
    answer, _ = await asked(net, HandleRequest("They reach the bridge"), Hang())
    assert answer.status == "failed"
    assert loop.time() - before == pytest.approx(10.0 + LEAST, abs=0.05)


async def test_a_ledger_that_breaks_promises_nothing(net: SafetyNet, ledger: MemoryLedger) -> None:
    ledger.is_broken = True
    answer, _ = await asked(net, HandleRequest("They reach the bridge"), Raise(LOST), Raise(LOST))
    assert answer.missing == (str(LOST),)


def test_a_request_is_read_as_it_was_written() -> None:
    passages = ()
    request = HandleRequest(
        "„Über“ the bridge \x00",
        want="scene",
        party=parse_party("4x3"),
        seed=-5,
        wishes=Wishes(tone="grim", length="long", kept=Kept(BRIDGE.scene, passages, ("title",))),  # type: ignore[arg-type]
        fight=FightWish("hard", roles=("leader",)),
        request_key="abc",
    )
    assert order_read(order_written(request)) == request
    with pytest.raises(FablewrightError, match="The request cannot be read"):
        order_read('{"words": 5}')
