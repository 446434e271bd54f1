"""Agents in processes of their own on a real NATS server, asked by fronts: what a club would run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fablewright.entry.assemble import looking_on
from fablewright.entry.cli import run
from fablewright.entry.config import Settings
from fablewright.entry.secret import Secret
from fablewright.entry.system_report import SystemReport
from fablewright.entry.web.sitting import sitting
from fablewright.entry.whole_system import WholeSystem
from fablewright.gm.orchestrator import HandleRequest
from fablewright.testing.nats_server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(NatsServer.program() is None, reason="there is no nats-server"),
]

FIRST = "generate scenario for the first encounter"


class Club:
    """A NATS server and processes of agents."""

    def __init__(self, server: NatsServer, folder: Path) -> None:
        self.server = server
        self.environment = {
            **os.environ,
            "FABLEWRIGHT_BUS": server.url,
            "FABLEWRIGHT_DATA_DIR": str(folder),
            "FABLEWRIGHT_PROSE": "off",
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a process of agents, without waiting for it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "fablewright", "agent", *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def scene(self, words: str = FIRST) -> dict[str, Any]:
        """Ask for a scene as a GM does, through a front of its own."""
        asked = [sys.executable, "-m", "fablewright", "scene", words, "--json", "--timeout", "30"]
        ran = subprocess.run(asked, env=self.environment, capture_output=True, text=True, timeout=90, check=False)
        assert ran.returncode == 0, ran.stderr
        answer: dict[str, Any] = json.loads(ran.stdout)
        return answer

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


@pytest.fixture
def club(tmp_path: Path) -> Iterator[Club]:
    with NatsServer() as server:
        club = Club(server, tmp_path)
        yield club
        club.stop()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def soon(holds: Callable[[], bool], *, within: float = 60.0) -> bool:
    until = time.monotonic() + within
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.2)
    return False


def test_a_front_has_scenes_of_agents_elsewhere_and_goes_on_when_one_of_them_dies(club: Club) -> None:
    pipeline = club.start("haystack_pipeline", "campaign_memory")  # whoever answers may be there before who asks
    rest = club.start("orchestrator", "scenario_generator")
    assert first_line(pipeline).startswith(f"haystack_pipeline, campaign_memory: on {club.server.url}.")
    assert first_line(rest).startswith("orchestrator, scenario_generator: on ")
    grounded = club.scene()
    assert grounded["status"] == "answered"
    assert grounded["citations"]
    pipeline.kill()
    pipeline.wait()
    assert club.scene()["status"] == "answered"  # out of the passages that the generator has kept
    assert club.scene("a scene at the Counting House")["status"] == "degraded"
    club.start("haystack_pipeline", "campaign_memory")  # it is found again without anybody being started anew
    assert soon(lambda: club.scene("a scene at the Counting House")["status"] == "answered")
    rest.send_signal(signal.SIGTERM)
    assert rest.wait(20) == 0


def test_replicas_are_started_again_and_ended_together(club: Club) -> None:
    replicas = club.start("all", "--replicas", "2")
    assert first_line(replicas).startswith("2 processes of all.")
    lines = [first_line(replicas) for _ in range(2)]
    assert all("orchestrator" in line and "haystack_pipeline" in line for line in lines)
    children = _children(replicas.pid)
    assert len(children) == 2
    os.kill(children[0], signal.SIGKILL)
    assert soon(lambda: len(set(_children(replicas.pid)) - {children[0]}) == 2)
    assert club.scene()["status"] == "answered"
    children = _children(replicas.pid)
    replicas.send_signal(signal.SIGTERM)
    assert replicas.wait(30) == 0
    assert not any(_lives(child) for child in children)


@pytest.mark.anyio
async def test_who_looks_on_sees_all_processes_and_switches_their_breakers(club: Club) -> None:
    processes = [club.start("haystack_pipeline", "campaign_memory"), club.start("orchestrator", "scenario_generator")]
    for process in processes:
        first_line(process)
    assert club.scene()["status"] == "answered"
    async with looking_on(Settings(bus=Secret(club.server.url))) as bus:
        system = WholeSystem(bus, patience=5.0)
        report = msgspec.json.decode(await system.report(), type=SystemReport)
        names = {agent.name.partition(" @")[0] for agent in report.agents}
        assert names == {"haystack_pipeline", "campaign_memory", "orchestrator", "scenario_generator", "inspector"}
        await system.force("haystack_pipeline", "retrieve_documents", "open")
        report = msgspec.json.decode(await system.report(), type=SystemReport)
        states = {(breaker.agent, breaker.action): breaker.state for breaker in report.breakers}
        assert states["haystack_pipeline", "retrieve_documents"] == "forced_open"


@pytest.mark.anyio
async def test_a_server_is_a_front_and_its_system_page_shows_all_processes(club: Club, tmp_path: Path) -> None:
    first_line(club.start("all"))
    async with sitting(Settings(bus=Secret(club.server.url), data_dir=tmp_path / "front", prose="off")) as table:
        answer = await table.bus.ask("orchestrator", HandleRequest(FIRST), timeout=30.0)
        assert answer.status == "answered"
        report = await table.system.look()
        assert {"haystack_pipeline", "orchestrator"} <= {agent.name for agent in report.agents}
        assert [each.asked for each in report.actions if each.action == "handle_request"] == [1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["agent", "orchestrator"], "give --bus nats://ADDRESS:4222, or set FABLEWRIGHT_BUS"),
        (
            ["agent", "orchestra", "--bus", "nats://127.0.0.1:1"],
            "There is no agent orchestra. Did you mean orchestrator?",
        ),
        (["agent", "haystack_pipeline", "--bus", "redis://secret@127.0.0.1"], "redis://127.0.0.1 is none"),
        (["agent", "all", "--replicas", "2", "--bus", "nats://127.0.0.1:port"], "nats://127.0.0.1:port is none"),
        (["agent", "all", "--bus", "nats://"], "A bus is at nats://ADDRESS:4222"),
        (["agent", "all", "--bus", "nats://[::1:4222"], "A bus is at nats://ADDRESS:4222"),
        (["agent", "all", "--bus", "nats://u:a,secret@127.0.0.1:99999"], "nats://127.0.0.1:99999 is none"),
        (["serve", "--bus", "nats://127.0.0.1:4222,127.0.0.2"], "A bus is at nats://ADDRESS:4222"),
        (["agent", "embedder", "--bus", "nats://127.0.0.1:1"], "The settings call for no embedder"),
        (["agent"], "Missing argument 'NAME...'"),
    ],
)
def test_what_cannot_be_run_is_said(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_DATA_DIR", str(tmp_path))
    assert run(words) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert said in told
    assert "secret" not in told


def _children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in found.stdout.split()]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
