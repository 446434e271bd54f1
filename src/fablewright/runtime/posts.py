"""The lives of a bus's agents: started, crashed and started again, stopped.

An agent crashes when something that it runs in the background raises, or when somebody calls it crashed.
Whoever waits for it gets ``PeerLost`` at once, what was in its mailbox is gone, its handlers are stopped; then
``on_stop`` and ``on_start`` are called and it goes on. If that happens more often than its intensity allows
(the term is Erlang's), it is stopped and given up: who asks it from then on is told so at once.

Of one agent only one ``on_start`` or ``on_stop`` runs at a time, whatever crashes or is removed meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from fablewright.errors import ContractViolation
from fablewright.runtime.post import Desk, Post

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.agent import Agent
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Posts", "Restarts"]

_log = logging.getLogger(__name__)

_LONGEST_GOODBYE = 5.0
"""Seconds that an agent's ``on_stop`` may take."""


@dataclass(frozen=True, slots=True)
class Restarts:
    """How often a crashed agent is started again.

    Attributes:
        most: Restarts within ``seconds``; one crash more and the agent is given up. 0: never started again.
        seconds: The time that they are counted over.
    """

    most: int = 3
    seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.most < 0 or not 0 < self.seconds < float("inf"):
            raise ContractViolation("Restarts are 0 or more, within a finite number of seconds above 0.")


class _Life:
    """What is kept about one post."""

    __slots__ = ("background", "crashes", "turn")

    def __init__(self) -> None:
        self.background: set[asyncio.Task[None]] = set()
        self.crashes: deque[float] = deque()  # when, those that count
        self.turn = asyncio.Lock()  # to start or stop it


class Posts:
    """All agents of one bus, by name.

    Args:
        desk: The bus, as a post sees it.
        supervisor: Runs their tasks.
        restarts: See ``Restarts``.
        lost: Called with an agent's name, the reason and what was queued, when its waiters are to be told.
    """

    def __init__(
        self,
        desk: Desk,
        supervisor: Supervisor,
        restarts: Restarts,
        lost: Callable[[str, str, list[Envelope]], None],
    ) -> None:
        self.by_name: dict[str, Post] = {}
        self._desk = desk
        self._supervisor = supervisor
        self._restarts = restarts
        self._lost = lost
        self._is_open = False
        self._lives: WeakKeyDictionary[Post, _Life] = WeakKeyDictionary()

    def __iter__(self) -> Iterator[Post]:
        return iter(self.by_name.values())

    def __repr__(self) -> str:
        return f"<Posts {' '.join(sorted(self.by_name))}>"

    def register(self, agent: Agent) -> Post:
        """Give an agent its post.

        Raises:
            ContractViolation: The name is taken, or the agent can run no handler.
        """
        if not getattr(agent, "name", ""):
            raise ContractViolation(f"{type(agent).__name__} needs a name that others can ask.")
        if agent.name in self.by_name:
            raise ContractViolation(f"There is an agent named {agent.name} already.")
        if agent.concurrency < 1:
            raise ContractViolation(f"{agent.name} must be able to run at least 1 handler, not {agent.concurrency}.")
        post = Post(agent, self._desk, self._supervisor)
        self.by_name[agent.name] = post
        self._lives[post] = _Life()
        return post

    async def start(self, post: Post) -> None:
        """Call an agent's ``on_start``; its handlers begin with ``open``."""
        async with self._lives[post].turn:
            await self._start(post)

    def open(self) -> None:
        """Let every agent begin."""
        self._is_open = True
        for post in self:
            post.open()

    async def remove(self, name: str) -> None:
        """Stop an agent and forget it.

        Raises:
            ContractViolation: There is none of that name.
        """
        post = self.by_name.pop(name, None)
        if post is None:
            raise ContractViolation(f"There is no agent named {name}.")
        self._end(post, f"{name} was removed")
        async with self._lives[post].turn:
            await self.stop(post)

    def forget(self, name: str) -> None:
        """Forget an agent that could not start."""
        self._end(self.by_name.pop(name), f"{name} could not start")

    async def stop(self, post: Post) -> None:
        """Call an agent's ``on_stop`` if it was started."""
        self._end_background(post)
        if not post.started:
            return
        post.started = False
        try:
            async with asyncio.timeout(_LONGEST_GOODBYE):
                await post.agent.on_stop()
        except TimeoutError:
            _log.error("%s did not stop within %.0f s and is left behind.", post.agent.name, _LONGEST_GOODBYE)
        except Exception:  # noqa: BLE001 - one agent's bad end must not keep the others from theirs
            _log.exception("%s failed to stop cleanly", post.agent.name)

    def crash(self, name: str, cause: object, now: float) -> None:
        """End everything that an agent does, and start it again if its intensity allows.

        Raises:
            ContractViolation: There is none of that name.
        """
        post = self.by_name.get(name)
        if post is None:
            raise ContractViolation(f"There is no agent named {name}.")
        post.crashes += 1
        crashes = self._lives[post].crashes
        crashes.append(now)
        while crashes[0] <= now - self._restarts.seconds:
            crashes.popleft()
        self._desk.audience.tell("crashed", to=name, detail=str(cause))
        if len(crashes) > self._restarts.most and not post.given_up:
            times = f"{len(crashes)} times within {self._restarts.seconds:g} s"
            post.given_up = f"{name} crashed {times} and is not restarted"
            _log.error("%s.", post.given_up)
        self._end(post, f"{name} crashed ({cause})")
        self._supervisor.start(self._restart(post, post.crashes), name=f"{name} restart")

    # -------------------------------------------------------------- one life after the other

    async def _start(self, post: Post) -> None:
        await post.agent.on_start(partial(self._spawn, post))
        post.started = True

    async def _restart(self, post: Post, crash: int) -> None:
        """Stop an agent after a crash and start it again, unless a later crash will see to that."""
        async with self._lives[post].turn:
            await self.stop(post)
            if not self._goes_on(post, crash):
                return
            try:
                await self._start(post)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is one more crash
                _log.warning("%s could not be restarted: %r", post.agent.name, error, exc_info=error)
                if self._goes_on(post, crash):
                    self.crash(post.agent.name, repr(error), self._desk.now())
                return
        if self._goes_on(post, crash):
            self._desk.audience.tell("restarted", to=post.agent.name)
            if self._is_open:
                post.open()

    def _goes_on(self, post: Post, crash: int) -> bool:
        """Return whether nothing happened to an agent since a crash that keeps it from going on."""
        return self.by_name.get(post.agent.name) is post and not post.given_up and post.crashes == crash

    def _end(self, post: Post, why: str) -> None:
        self._end_background(post)
        self._lost(post.agent.name, why, post.close())

    def _end_background(self, post: Post) -> None:
        for task in self._lives[post].background:
            task.cancel()

    def name_of(self, task: asyncio.Task[object]) -> str:
        """Return what a task is at, for people; may be called from another thread while the loop is held up."""
        for post in tuple(self):
            for worker in tuple(post.running.values()):
                if worker.task is task and worker.envelope is not None:
                    about = worker.envelope
                    return f"{about.to}.{about.action} (message {about.message_id})"
        return task.get_name()

    # -------------------------------------------------------------- what agents run beside their handlers

    def _spawn(self, post: Post, work: Coroutine[Any, Any, None]) -> None:
        name = post.agent.name
        tasks = self._lives[post].background

        def ended() -> None:
            work.close()  # it was never begun if the task was cancelled before its first step
            tasks.discard(task)

        task = self._supervisor.start(self._run(post, work), name=f"{name} background", on_end=ended)
        tasks.add(task)

    async def _run(self, post: Post, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever it is, the agent has crashed
            _log.error("%s crashed in the background: %r", post.agent.name, error, exc_info=error)
            if self.by_name.get(post.agent.name) is post:
                self.crash(post.agent.name, repr(error), self._desk.now())
