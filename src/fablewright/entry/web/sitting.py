"""What one server keeps from its start to its end: the assistant, what is under way, and the news for everybody.

The news are followed by every open page: ``grounded`` (a scene that came without the notes is there with them),
``notes`` (what has been read), ``setup`` (something else was chosen), ``prepared`` (a scene that nobody could make in
time is there), ``bye`` (the server ends).
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.entry import assemble
from fablewright.entry.late_scenes import make_late_scenes
from fablewright.entry.safety_net import safety_net
from fablewright.entry.secret import Secret
from fablewright.entry.stages import Stages
from fablewright.entry.web.board import Board
from fablewright.entry.web.event_log import EventLog
from fablewright.entry.web.good_answers import GoodAnswers
from fablewright.entry.web.runs import Runs
from fablewright.entry.whole_system import OneProcess, WholeSystem
from fablewright.gm.answer_data import answer_data
from fablewright.gm.answering.scene import scene_answer
from fablewright.gm.scenario_request import GroundedSceneReady
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings
    from fablewright.entry.safety_net import SafetyNet
    from fablewright.entry.whole_system import System
    from fablewright.gm.preparing.accepted import AcceptedScene
    from fablewright.gm.reading.notes import FileReport
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.subscription import Subscription

__all__ = ["Sitting", "sitting"]


class Sitting:
    """See the top of the file; made by :func:`sitting`.

    Attributes:
        settings: What holds now.
        notes: The GM's.
        bus: With all agents up, here or elsewhere.
        net: What holds scenes that are asked for, should anybody die.
        system: How it is doing; with all processes, where agents run elsewhere.
        runs: Requests of clients.
        news: For every open page.
        board: What the players see.
        good: When each part answered last.
        player_token: What the players' page wants to be shown; empty where nobody needs one.
        conversation_id: What the GM's requests have in common.
        stages: Tells how far a request has come.
        seeds: One for each request over MCP that brings none.
    """

    settings: Settings
    notes: Notes
    bus: Bus
    net: SafetyNet
    system: System
    seeds: Iterator[int | None]

    def __init__(self) -> None:
        self.news = EventLog()
        self.conversation_id = secrets.token_hex(8)
        self.stages = Stages()
        self.board = Board()
        self.good = GoodAnswers()
        self.player_token = Secret()
        self.runs = Runs(self.conversation_id, self.stages, on_prose=lambda: self.good.good("model"))
        self._running = AsyncExitStack()
        self._changing = asyncio.Lock()

    async def use(self, settings: Settings) -> None:
        """Let the assistant go on with other settings; what was under way is stopped.

        Raises:
            InvalidInput: The notes cannot be used, or as ``assemble.assistant``; all stays as it was.
            ConfigurationError: As ``assemble.assistant``; likewise.
        """
        async with self._changing:
            notes = assemble.open_notes(settings, settings.notes)
            starting = AsyncExitStack()
            bus = await starting.enter_async_context(assemble.assistant(settings, notes, on_report=self._tell_of_notes))
            bus.observe(self.stages)
            bus.observe(self.good.observe)
            net = await starting.enter_async_context(safety_net(settings))
            supervisor = Supervisor()
            if net.scenes is not None:
                late = make_late_scenes(bus, net.scenes, settings, self._tell_of_late)
                supervisor.start(late, name="scenes that nobody made")
            scenes = starting.enter_context(bus.subscribe(GroundedSceneReady))
            supervisor.start(self._listen(scenes), name="scenes that came late")
            starting.push_async_callback(supervisor.stop)
            starting.push_async_callback(self.runs.stop)
            before, self._running = self._running, starting
            self.settings, self.notes, self.bus, self.net = settings, notes, bus, net
            self.system = WholeSystem(bus) if settings.bus else OneProcess(bus)
            self.seeds = itertools.repeat(None) if settings.seed is None else itertools.count(settings.seed)
            self.news.append("setup", {"notes": notes.label})
            await before.aclose()

    async def close(self) -> None:
        """Tell every open page that the server ends, and end what is under way."""
        self.say_goodbye()
        async with self._changing:
            await self._running.aclose()

    async def wind_down(self, moment: float) -> None:
        """Tell every open page that the server ends, and those who follow a request how it ended.

        Args:
            moment: Seconds that what is under way has; most answers need less.
        """
        self.say_goodbye()
        await self.runs.wind_down(moment)

    def say_goodbye(self) -> None:
        """Tell every open page that the server ends, and end what they follow."""
        self.net.let_be()
        self.news.append("bye", {})
        self.news.end()
        self.board.log.end()

    def _tell_of_notes(self, report: FileReport) -> None:
        self.stages.read(report)
        if report.outcome != "unchanged":
            self.news.append("notes", {"file": report.name, "outcome": report.outcome, "remark": report.remark})

    def _tell_of_late(self, scene: AcceptedScene) -> None:
        self.news.append("prepared", {"words": scene.words})

    async def _listen(self, scenes: Subscription[GroundedSceneReady]) -> None:
        """Tell of each scene that was written again for this sitting."""
        async for ready in scenes:
            if ready.conversation_id == self.conversation_id:
                answer = scene_answer(ready.scenario)
                run = self.runs.adopt(answer, ready.request.query)
                self.news.append("grounded", {"run": run.id, "answer": answer_data(answer)})


@asynccontextmanager
async def sitting(settings: Settings) -> AsyncIterator[Sitting]:
    """Run the assistant for a server; notes are read beside the first requests.

    Raises:
        InvalidInput: As ``Sitting.use``.
        ConfigurationError: As ``Sitting.use``.
    """
    table = Sitting()
    await table.use(settings)
    try:
        yield table
    finally:
        await table.close()
