"""A scene that was accepted at the table has one outcome, whichever real process is killed while it is made."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

from fablewright.entry.config import Settings
from fablewright.entry.safety_net import PROMISE, safety_net
from fablewright.entry.secret import Secret
from fablewright.entry.web.sitting import sitting
from fablewright.entry.web.wire import Order
from fablewright.errors import FablewrightError
from fablewright.gm.campaign.memory import CampaignMemory, RecallScenes
from fablewright.gm.orchestrator import HandleRequest
from fablewright.protocol.job import State
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from fablewright.entry.safety_net import SafetyNet
    from fablewright.gm.preparing.accepted import AcceptedScene

pytestmark = [
    pytest.mark.long,
    pytest.mark.anyio,
    pytest.mark.skipif(NatsServer.program() is None, reason="there is no nats-server"),
]

T = TypeVar("T")

TIMEOUT = 4.0


class Club:
    """A NATS server that keeps what is accepted, and processes of agents."""

    def __init__(self, server: NatsServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a process, and wait until it has said something where it is one of agents."""
        process = subprocess.Popen(
            [sys.executable, "-m", "fablewright", *words],
            env={
                **os.environ,
                "FABLEWRIGHT_BUS": self.server.url,
                "FABLEWRIGHT_WORK": self.server.url,
                "FABLEWRIGHT_DATA_DIR": str(self.folder),
                "FABLEWRIGHT_PROSE": "off",
                "FABLEWRIGHT_TIMEOUT": str(TIMEOUT),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.processes.append(process)
        if words[0] == "agent":
            assert process.stdout is not None
            assert " on nats://" in process.stdout.readline()
        return process

    @property
    def settings(self) -> Settings:
        url = Secret(self.server.url)
        return Settings(bus=url, work=url, data_dir=self.folder / "front", prose="off", timeout=TIMEOUT)

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with NatsServer("-js", "-sd", str(tmp_path / "store")) as server:
        club = Club(server, tmp_path)
        yield club
        club.stop()


@asynccontextmanager
async def looking(club: Club) -> AsyncIterator[SafetyNet]:
    async with safety_net(club.settings) as net:
        yield net


async def accepted(net: SafetyNet, holds: Callable[[tuple[AcceptedScene, ...]], bool]) -> tuple[AcceptedScene, ...]:
    """Wait until something is so of what was accepted."""
    assert net.scenes is not None
    give_up = time.monotonic() + 60
    scenes: tuple[AcceptedScene, ...] = ()
    while True:
        with contextlib.suppress(FablewrightError):  # the server is just started again
            scenes = await net.scenes.look()
            if holds(scenes):
                return scenes
        assert time.monotonic() < give_up, scenes
        await asyncio.sleep(0.05)


async def until_accepted(net: SafetyNet, count: int, begin: Callable[[], T], is_over: Callable[[T], bool]) -> T:
    """Begin what asks for a scene; return it when so many are accepted.

    A machine that is so busy that a scene is not accepted within 0.3 seconds has it asked without. Then it is begun
    anew, for as long as a minute and a half allows: so many tries would be used up sooner the busier it is.
    """
    assert net.scenes is not None
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up:
        begun = begin()
        while not is_over(begun):
            if len(await net.scenes.look()) == count:
                return begun
            await asyncio.sleep(0.05)
    raise AssertionError("no scene was accepted")


async def front_with(club: Club, net: SafetyNet, count: int) -> subprocess.Popen[str]:
    """Start a front that asks for a scene; return it when so many are accepted."""
    return await until_accepted(
        net, count, lambda: club.start("scene", "the first encounter"), lambda front: front.poll() is not None
    )


def are_done(scenes: tuple[AcceptedScene, ...]) -> bool:
    return all(scene.job.state is State.DONE for scene in scenes)


async def test_generator_front_and_server_are_killed_and_each_scene_has_one_outcome(club: Club) -> None:
    club.start("agent", "orchestrator", "haystack_pipeline", "campaign_memory")
    generator = club.start("agent", "scenario_generator")
    async with looking(club) as net, sitting(club.settings) as table:
        answer = await table.net.ask(table.bus, HandleRequest("the first encounter"), timeout=30.0)
        assert answer.status == "answered"
        await accepted(net, lambda scenes: not scenes)  # it is there, so it was taken back

        generator.send_signal(signal.SIGSTOP)
        order = Order("a scene at the Counting House", prose=False)
        run = await until_accepted(
            net,
            1,
            lambda: table.runs.begin(table.bus, table.settings, order, ask=table.net.ask),
            lambda run: run.state != "running",
        )
        front = await front_with(club, net, 2)
        front.kill()
        generator.kill()
        await run.ended()
        told = run.answer
        assert told is not None
        assert told.status == "failed"
        assert told.missing[0] == PROMISE

        club.server.stop()
        club.server.start()
        club.start("agent", "scenario_generator")
        scenes = await accepted(net, are_done)
        assert {scene.words for scene in scenes} == {"a scene at the Counting House", "the first encounter"}
        assert len(await net.late()) == 2
        kept = await table.bus.ask(CampaignMemory.name, RecallScenes(), timeout=10.0)
        assert len(kept) == 1  # the one that was there at once: what came late waits to be taken to the table


async def test_a_front_is_killed_and_what_was_made_for_it_is_the_outcome(club: Club) -> None:
    club.start("agent", "orchestrator", "haystack_pipeline", "campaign_memory")
    generator = club.start("agent", "scenario_generator")
    async with looking(club) as net:
        generator.send_signal(signal.SIGSTOP)
        front = await front_with(club, net, 1)
        front.kill()
        generator.send_signal(signal.SIGCONT)
        (scene,) = await accepted(net, are_done)
    async with sitting(club.settings) as table:
        kept = await table.bus.ask(CampaignMemory.name, RecallScenes(), timeout=10.0)
    assert [each.key for each in kept] in ([], [scene.key])
    assert '"status": "answered"' in scene.result
