"""What one server keeps from its start to its end: the assistant, what is under way, and the news for everybody.

The news are followed by every open page: ``grounded`` (a scene that came without the notes is there with them),
``notes`` (what has been read), ``bye`` (the server ends).
"""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.entry import assemble
from fablewright.entry.web.event_log import EventLog
from fablewright.entry.web.runs import Runs
from fablewright.gm.answer_data import answer_data
from fablewright.gm.answering.scene import scene_answer
from fablewright.gm.scenario_generator import GroundedSceneReady
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Settings
    from fablewright.gm.reading.notes import FileReport
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.subscription import Subscription

__all__ = ["Sitting", "sitting"]


@dataclass(slots=True)
class Sitting:
    """See the top of the file.

    Attributes:
        settings: What the server was started with.
        notes: The GM's.
        bus: With all agents up.
        runs: Requests of clients.
        news: For every open page.
        conversation_id: What the GM's requests have in common.
    """

    settings: Settings
    notes: Notes
    bus: Bus
    runs: Runs
    news: EventLog
    conversation_id: str = field(default_factory=lambda: secrets.token_hex(8))

    def say_goodbye(self) -> None:
        """Tell every open page that the server ends, and end what they follow."""
        self.news.append("bye", {})
        self.news.end()

    async def listen(self, scenes: Subscription[GroundedSceneReady]) -> None:
        """Tell of each scene that was written again for this sitting."""
        async for ready in scenes:
            if ready.conversation_id == self.conversation_id:
                self.news.append("grounded", {"answer": answer_data(scene_answer(ready.scenario))})


@asynccontextmanager
async def sitting(settings: Settings, notes: Notes) -> AsyncIterator[Sitting]:
    """Run the assistant for a server; notes are read beside the first requests.

    Raises:
        InvalidInput: As ``assemble.assistant``.
        ConfigurationError: As ``assemble.assistant``.
    """
    conversation_id = secrets.token_hex(8)
    runs = Runs(conversation_id=conversation_id, timeout=settings.timeout, prose_timeout=settings.model_timeout)
    news = EventLog()

    def on_report(report: FileReport) -> None:
        if report.outcome != "unchanged":
            news.append("notes", {"file": report.name, "outcome": report.outcome, "remark": report.remark})

    async with assemble.assistant(settings, notes, on_report=on_report) as bus:
        bus.observe(runs.observe)
        whole = Sitting(settings, notes, bus, runs, news, conversation_id)
        supervisor = Supervisor()
        with bus.subscribe(GroundedSceneReady) as scenes:
            supervisor.start(whole.listen(scenes), name="scenes that came late")
            try:
                yield whole
            finally:
                whole.say_goodbye()
                await runs.stop()
                await supervisor.stop()
