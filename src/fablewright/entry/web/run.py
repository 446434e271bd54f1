"""One request of a client, from the order to its end: what happens is put into a log that can be followed.

The events: ``stage`` (what is being done, and since when), ``answer`` (whole, without a model's prose), ``prose`` (a
part that has come in a model's words), ``missing``, ``problem``, and at last ``end`` with how it ended. A request that
is stopped keeps what is there.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.entry.prose import prose_below
from fablewright.entry.story_file import asking
from fablewright.entry.web.event_log import EventLog
from fablewright.entry.web.problem import Problem
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.answer_data import answer_data, scene_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.answering import Ask
    from fablewright.entry.stages import Stages
    from fablewright.gm.answer import Answer
    from fablewright.gm.orchestrator import HandleRequest
    from fablewright.gm.writer import Prose
    from fablewright.runtime.bus import Bus

__all__ = ["Run", "State"]

State: TypeAlias = Literal["running", "done", "stopped", "failed"]


@dataclass(slots=True)
class Run:
    """See the top of the file.

    Attributes:
        id: What clients call it.
        request: As the orchestrator gets it.
        prose: Whether a model is to write afterwards.
        on_prose: Told whenever it has written a part.
        log: What happened.
        state: How it stands.
        answer: What came, in its latest form.
        story: Its correlation id on the bus, once it is there.
        problem: Why it failed.
    """

    id: str
    request: HandleRequest
    prose: bool
    on_prose: Callable[[], None] = lambda: None
    log: EventLog = field(default_factory=EventLog)
    state: State = "running"
    answer: Answer | None = None
    story: str = ""
    problem: Problem | None = None
    _began: float = field(default_factory=time.monotonic)
    _task: asyncio.Task[None] | None = None
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def elapsed_ms(self) -> int:
        """Milliseconds since the order came."""
        return round(1000 * (time.monotonic() - self._began))

    def begun(self, task: asyncio.Task[None]) -> None:
        """Remember the task that does the work, so that it can be stopped."""
        self._task = task

    def stop(self) -> None:
        """Give up what is under way; the bus is told at once."""
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Wait for the end."""
        await self._is_over.wait()

    def over(self) -> None:
        """Close the books, however the task ended; also when it never began."""
        if self.state == "running":
            self.state = "stopped"
        self._task = None
        self.log.append("end", {"state": self.state, "elapsed_ms": self.elapsed_ms})
        self.log.end()
        self._is_over.set()

    async def work(self, bus: Bus, stages: Stages, *, ask: Ask, timeout: float, prose_timeout: float) -> None:
        """Have the request answered, and written in prose.

        Args:
            bus: With all agents up.
            stages: An observer of it.
            ask: How it is asked.
            timeout: Seconds until there is an answer.
            prose_timeout: Seconds for the model.
        """
        try:
            with stages.followed(self._tell), asking(self.request.words) as asked:
                answer = await ask(bus, self.request, timeout=timeout)
                self.story = asked.story
                self.show(answer)
                if self.prose:
                    await prose_below(bus, answer, self.request, timeout=prose_timeout, show=self._tell_prose)
            self.state = "failed" if answer.status == "failed" else "done"
        except InvalidInput as error:
            self._fail(422, error)
        except FablewrightError as error:
            self._fail(503, error)

    def show(self, answer: Answer) -> None:
        """Tell those who follow that there is an answer."""
        self.answer = answer
        self.log.append("answer", {"elapsed_ms": self.elapsed_ms, "answer": answer_data(answer)})

    def _tell(self, stage: str) -> None:
        """Tell those who follow what is being done."""
        self.log.append("stage", {"stage": stage, "elapsed_ms": self.elapsed_ms})

    async def _tell_prose(self, _answer: Answer, prose: Prose) -> None:
        """Tell those who follow of a part that has come in a model's words, or of what did not come."""
        if prose.is_new and prose.part is not None:
            self.on_prose()
            assert self.answer is not None  # noqa: S101 - it was shown before
            self.answer = replace(self.answer, scene=prose.scene, generation_method="model")
            name = prose.part.value
            data = {"part": name, "lines": scene_data(prose.scene)[name], "writer": prose.writer}
            self.log.append("prose", {**data, "elapsed_ms": self.elapsed_ms})
        for line in prose.missing:
            self.log.append("missing", {"text": line})

    def _fail(self, status: int, error: FablewrightError) -> None:
        self.state = "failed"
        self.problem = Problem("Unprocessable" if status == 422 else "Unavailable", status, str(error))
        self.log.append("problem", self.problem)
