"""A scene asked for at the table survives the death of any process: it is accepted before anybody makes it.

One write, which the store acknowledges, and then it is made as ever. When the answer is there, the scene is withdrawn;
when those who make it died, it falls due at once, and when this process died, as soon as its own time is over. Whoever
is there then makes it (``late_scenes``). The store may keep nobody waiting: what it does not take at once is asked
without.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import math
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.entry.answering import LEAST, ask_once, attempt, cause_of
from fablewright.entry.notes import notes_key
from fablewright.entry.scene_order import order_written
from fablewright.entry.work_queue import open_ledger, rules
from fablewright.errors import FablewrightError, InvalidInput, PeerLost, UnknownRecipient, Unreachable
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.intent import intent_of
from fablewright.gm.orchestrator import LONGEST_REQUEST
from fablewright.gm.preparing.accepted import AcceptedScene, AcceptedScenes
from fablewright.protocol.job import State
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from typing import Any

    from fablewright.entry.answering import Attempt
    from fablewright.entry.config import Settings
    from fablewright.gm.answer import Answer
    from fablewright.gm.orchestrator import HandleRequest
    from fablewright.runtime.bus import Bus

__all__ = ["NOWHERE", "PROMISE", "SafetyNet", "safety_net"]

_log = logging.getLogger(__name__)

PROMISE = "The scene was accepted: it will be under Prepared as soon as it can be written."
NOWHERE = "agents are on a bus, and no setting `work` says where scenes are kept"
_SILENT = "what keeps them does not answer"

_PATIENCE = 0.3
"""Seconds that the table waits for a scene to be accepted; it takes milliseconds."""
_GRACE = 1.0
"""Seconds after its deadline until a scene falls due: who has its answer needs a moment to withdraw it."""
_BETWEEN = 0.5
"""Seconds before an agent that nobody found is looked for once more."""
_WORTH_IT = 1.0
"""Seconds that must be left to try again."""
_TRIES, _AGAIN = 30, 1.0
"""How often, and after how many seconds, a scene is withdrawn that the store does not let go."""
_TO_LEAVE = 1.0
"""Seconds that the store has at the end, to let go of what was withdrawn."""


@dataclass(slots=True)
class _Ticket:
    """One scene on its way into the store.

    Attributes:
        key: Its key.
        accepting: What puts it there; None where there is no store.
        scene: As it is there, once that is known.
        due: From when on others may have made it, by the clock that nobody can set and by that which goes on while the
            machine sleeps; infinite while it is not accepted.
    """

    key: str
    accepting: asyncio.Task[None] | None = None
    scene: AcceptedScene | None = None
    due: tuple[float, float] = (math.inf, math.inf)

    @property
    def is_overdue(self) -> bool:
        """Whether others may have made it."""
        return time.monotonic() >= self.due[0] or time.time() >= self.due[1]


class SafetyNet:
    """See the top of the file.

    Args:
        scenes: What was accepted; None where nothing durable was set up, and then all is asked without.
    """

    def __init__(self, scenes: AcceptedScenes | None) -> None:
        self.scenes = scenes
        self._supervisor = Supervisor()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._refusal = ""  # why the latest scene was not accepted; empty where it was

    async def ask(self, bus: Bus, request: HandleRequest, *, timeout: float) -> Answer:
        """Ask as ``ask_once`` does; a scene is accepted first.

        Who is cancelled meanwhile has called the scene off, unless the process ends.

        Raises:
            InvalidInput: The request itself makes no sense; nothing was accepted, or it was withdrawn.
        """
        if not _is_scene(request):
            return await ask_once(bus, request, timeout=timeout)
        until = time.monotonic() + timeout
        request = replace(request, request_key=request.request_key or secrets.token_hex(12))
        ticket = _Ticket(request.request_key)
        try:
            await self._accepted(ticket, request, timeout)
            if ticket.scene is not None and ticket.scene.job.state is State.DONE:  # it was sent before, and came late
                return _result(ticket.scene)
            tried = await self._tried(bus, request, until)
        except (InvalidInput, asyncio.CancelledError):
            if not self._is_ending:
                self._behind(self._withdrawn(ticket))
            raise
        if tried.lost is not None:
            return await self._promised(tried, ticket, until + LEAST)
        if ticket.is_overdue:  # this process was held up: somebody may have made it
            return await self._first_of(tried.answer, ticket.key)
        self._behind(self._withdrawn(ticket))
        return tried.answer

    async def late(self) -> tuple[AcceptedScene, ...]:
        """Return the scenes that came late, or are still to come; not those that are being asked for.

        Raises:
            FablewrightError: The store cannot be read.
        """
        if self.scenes is None:
            return ()
        return tuple(each for each in await self.scenes.look() if not each.due or each.job.state.is_final)

    async def trouble(self) -> str:
        """Return why scenes are not durable now, for people; empty where they are. It takes a moment at most."""
        if self.scenes is None:
            return NOWHERE
        looking = self._behind(self._looked(self.scenes))
        done, _ = await asyncio.wait({looking}, timeout=_PATIENCE)
        return self._refusal if done else _SILENT

    async def _looked(self, scenes: AcceptedScenes) -> None:
        """Look whether scenes are durable now; what was refused lately is tried, for what can be read may be full."""
        try:
            await (scenes.probe(secrets.token_hex(12)) if self._refusal else scenes.find("none"))
        except FablewrightError as error:
            self._tell(str(error))
        else:
            self._tell("")

    async def warm_up(self) -> None:
        """Open the store, so that the first scene need not wait for that; for a moment at most."""
        if self.scenes is not None:
            await asyncio.wait({self._behind(self._touched(self.scenes))}, timeout=_PATIENCE)

    @staticmethod
    async def _touched(scenes: AcceptedScenes) -> None:
        with contextlib.suppress(FablewrightError):  # it is said when a scene is asked for
            await scenes.find("none")

    def let_be(self) -> None:
        """Withdraw nothing any more that is cancelled: the process ends, and others go on with it."""
        self._is_ending = True

    async def close(self) -> None:
        """Wait a moment until what was withdrawn is gone; what is not is made once more, and found to be there."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=_TO_LEAVE)
        await self._supervisor.stop()

    # -------------------------------------------------------------- the attempt

    @staticmethod
    async def _tried(bus: Bus, request: HandleRequest, until: float) -> Attempt:
        """Ask, and once more where an agent died or is just not there: whatever was begun is kept under one key."""
        tried = await attempt(bus, request, timeout=max(LEAST, until - time.monotonic()))
        cause = cause_of(tried.lost) if tried.lost is not None else None
        if isinstance(cause, PeerLost | UnknownRecipient | Unreachable):
            await asyncio.sleep(0 if isinstance(cause, PeerLost) else _BETWEEN)
            left = until - time.monotonic()
            if left > _WORTH_IT:
                return await attempt(bus, request, timeout=left)
        return tried

    # -------------------------------------------------------------- the store

    async def _accepted(self, ticket: _Ticket, request: HandleRequest, timeout: float) -> None:
        """Have a scene accepted; the table goes on when that takes too long."""
        if self.scenes is not None:
            due = timeout + LEAST + _GRACE
            scene = AcceptedScene(request.request_key, request.words, time.time(), due, order_written(request))
            ticket.accepting = self._behind(self._accept(self.scenes, scene, ticket))
            done, _ = await asyncio.wait({ticket.accepting}, timeout=_PATIENCE)
            if not done:
                self._tell(_SILENT)

    async def _accept(self, scenes: AcceptedScenes, scene: AcceptedScene, ticket: _Ticket) -> None:
        before = (time.monotonic(), time.time())
        try:
            there = await scenes.accept(scene)
        except FablewrightError as error:
            self._tell(str(error))
        else:
            ticket.scene, ticket.due = there, (before[0] + there.due, before[1] + there.due)
            self._tell("")

    def _tell(self, refusal: str) -> None:
        """Say in the log when scenes are not durable, and when they are again; once each."""
        if bool(refusal) != bool(self._refusal):
            _log.warning("Scenes are %s", f"not made durable now: {refusal}" if refusal else "made durable again")
        self._refusal = refusal

    async def _promised(self, tried: Attempt, ticket: _Ticket, until: float) -> Answer:
        """Let somebody else make a scene, and say so, if it was accepted by the time the answer has to be there."""
        if self.scenes is None or ticket.accepting is None:
            return tried.answer
        await asyncio.wait({ticket.accepting}, timeout=min(_PATIENCE, max(0.0, until - time.monotonic())))
        if ticket.scene is None:  # it may be there without our knowing; nobody was promised it
            self._behind(self._withdrawn(ticket))
            return tried.answer
        self._behind(self._kept_at(self.scenes.bring_forward, ticket.key))
        return replace(tried.answer, missing=(PROMISE, *tried.answer.missing))

    async def _first_of(self, answer: Answer, key: str) -> Answer:
        """Return an answer, unless somebody else has made the scene in the meantime: then hers."""
        assert self.scenes is not None  # noqa: S101 - it was accepted
        try:
            is_ours = await self.scenes.withdraw(key)
            found = None if is_ours else await self.scenes.find(key)
        except FablewrightError:
            return answer
        return answer if found is None or not found.result else _result(found)

    async def _withdrawn(self, ticket: _Ticket) -> None:
        """Withdraw a scene, once it is known whether it was accepted."""
        if self.scenes is not None and ticket.accepting is not None:
            await asyncio.wait({ticket.accepting})
            await self._kept_at(self.scenes.withdraw, ticket.key)

    def _behind(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something behind the answer; nobody at the table waits for it."""
        task = self._supervisor.start(work, name="a scene that was accepted")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @staticmethod
    async def _kept_at(act: Callable[[str], Awaitable[object]], key: str) -> None:
        """Do something until the store takes it."""
        for _ in range(_TRIES):
            try:
                await act(key)
            except FablewrightError:
                await asyncio.sleep(_AGAIN)
            else:
                return


@asynccontextmanager
async def safety_net(settings: Settings) -> AsyncIterator[SafetyNet]:
    """Open the net: on NATS where the settings have their work there, else in a file where all is on one machine.

    Raises:
        MissingExtra: It is to be on NATS, and what that needs is not installed.
    """
    if settings.bus and not settings.work:
        yield SafetyNet(None)
        return
    async with open_ledger(settings) as ledger:
        topic = f"{settings.owner}/{notes_key(settings)}"
        net = SafetyNet(AcceptedScenes(ledger, topic, rules(settings), time.time))
        await net.warm_up()
        try:
            yield net
        finally:
            await net.close()


def _is_scene(request: HandleRequest) -> bool:
    """Whether a request is for a scene, and makes sense as far as can be seen here."""
    words = request.words.strip()
    return 0 < len(words) <= LONGEST_REQUEST and (request.want or intent_of(words)) == "scene"


def _result(scene: AcceptedScene) -> Answer:
    return answer_from_data(json.loads(scene.result))
