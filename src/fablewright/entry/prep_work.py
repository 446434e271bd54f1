"""A session prepared by this process: what may come is accepted by the queue, and written scene by scene."""

from __future__ import annotations

import asyncio
import secrets
import time
from datetime import datetime
from typing import TYPE_CHECKING

from fablewright.entry.answering import ask_once
from fablewright.entry.preparation import find_session
from fablewright.entry.start_time import next_time
from fablewright.entry.story_file import asking
from fablewright.errors import FablewrightError, InvalidInput, RemoteError, RequestFailed
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.preparing.foresight import ForeseeScenes, Foresight
from fablewright.gm.preparing.ports import Batch
from fablewright.gm.preparing.prepared import kept
from fablewright.gm.preparing.tasks import SceneOrder, order_of, task_of
from fablewright.gm.preparing.worker import work
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.party import parse_party
from fablewright.gm.scene.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from fablewright.entry.config import Settings
    from fablewright.gm.preparing.foresight import Prospect
    from fablewright.gm.preparing.ports import Task, WorkQueue
    from fablewright.gm.preparing.worker import Progress
    from fablewright.runtime.bus import Bus

__all__ = ["PrepWork"]

_USUAL = 20
_TO_FORESEE = 900.0
"""Seconds until it is known what may come: a large folder may have to be read first."""
_LOOK = 1.0
"""Seconds between two looks at the clock, and at whether somebody has said pause."""


class PrepWork:
    """The work on one session.

    Args:
        settings: For the party and the time-outs.
        bus: With all agents up.
        queue: Where the work is kept.
        topic: What the session is kept under.
        tell: Told how far it is, as a line for people.
    """

    def __init__(self, settings: Settings, bus: Bus, queue: WorkQueue, topic: str, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._bus = bus
        self._queue = queue
        self._topic = topic
        self._tell = tell

    async def go(self, words: str, scenes: int | None, at: str) -> None:
        """Go on with the session that was begun; where there is none, begin one.

        Args:
            words: What the scenes shall be about; empty for whatever may come.
            scenes: How many; None for the usual number.
            at: The time of day at which it is to begin; empty for at once.

        Raises:
            InvalidInput: One is not done yet and another was asked for; or the notes have nothing that could come.
            FablewrightError: The queue or the notes cannot be used.
        """
        session = await find_session(self._queue, self._topic)
        if session is None or not session.progress.left:
            await self._write(await self._accepted(words, scenes or _USUAL, at))
            return
        if words or scenes is not None or at:
            raise InvalidInput(
                f"Of the session before, {session.progress.left} scenes are not ready yet: `fablewright prep` goes on "
                "with them, `fablewright prep --cancel` calls them off."
            )
        if session.batch.paused:
            await self._queue.resume(session.batch.id)
        await self._write(session.batch)

    async def resume(self) -> None:
        """Go on now, also with what was paused or is to begin later.

        Raises:
            InvalidInput: There is nothing to go on with.
            FablewrightError: The queue cannot be used.
        """
        session = await find_session(self._queue, self._topic)
        if session is None or not session.progress.left:
            raise InvalidInput("There is nothing to go on with: all that was prepared has come to its end.")
        await self._queue.resume(session.batch.id)
        await self._write(session.batch)

    # -------------------------------------------------------------- what may come

    async def _accepted(self, words: str, scenes: int, at: str) -> Batch:
        """Look ahead, and have the queue accept what may come."""
        begins = next_time(at, datetime.now()).timestamp() if at else 0.0  # noqa: DTZ005 - see next_time
        self._tell("Looking ahead …")
        prospects = await self._foreseen(ForeseeScenes(scenes, words))
        if not prospects:
            about = f" about {words[:60]!r}" if words else ""
            raise InvalidInput(f"Your notes have no scenes{about} that could come and were not played.")
        party = self._settings.party
        tasks = [task_of(SceneOrder(each.title, each.sections, each.why, party)) for each in prospects]
        short = f"Your notes have {len(tasks)} of {scenes}: none is made up, and none comes twice."
        remark = short if len(tasks) < scenes else ""
        batch = Batch(secrets.token_hex(8), self._topic, words, begins, remark=remark)
        await self._queue.accept(batch, tasks)
        return batch

    async def _foreseen(self, request: ForeseeScenes) -> tuple[Prospect, ...]:
        await self._bus.add(Foresight(load_bestiary()))
        try:
            return await self._bus.ask(Foresight.name, request, timeout=_TO_FORESEE)
        except RequestFailed as error:
            cause = error.__cause__ if isinstance(error, RemoteError) else None
            if isinstance(cause, InvalidInput):
                raise cause from error
            raise FablewrightError(f"It cannot be told what may come: {cause or error}") from error

    # -------------------------------------------------------------- scene by scene

    async def _write(self, batch: Batch) -> None:
        await self._until_it_begins()
        await work(self._queue, batch.id, self._topic, self._written, self._say)

    async def _until_it_begins(self) -> None:
        while True:
            latest = await self._queue.latest(self._topic)
            if latest is None or latest.paused or (left := latest.begins - time.time()) <= 0:
                return
            when = datetime.fromtimestamp(latest.begins).astimezone()
            self._tell(f"Accepted; it begins at {when:%H:%M}, as long as this runs.")
            await asyncio.sleep(min(_LOOK, left))

    async def _written(self, task: Task) -> str:
        """Write a scene out of the notes.

        Raises:
            FablewrightError: The notes could not be had, or do not have it any more.
        """
        order, settings = order_of(task), self._settings
        request = HandleRequest(
            order.title,
            want="scene",
            party=parse_party(order.party),
            seed=settings.seed,
            wishes=Wishes(sections=order.sections),
        )
        with asking(order.title):
            answer = await ask_once(self._bus, request, timeout=settings.timeout + settings.model_timeout)
        if answer.scene is None or answer.generation_method == "improviser":
            raise FablewrightError(next(iter(answer.missing), "your notes do not have it any more").rstrip("."))
        return kept(answer)

    def _say(self, progress: Progress) -> None:
        self._tell(f"{progress.all - progress.left} of {progress.all} scenes are ready …")
