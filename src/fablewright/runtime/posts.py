"""The lives of a bus's agents: started, crashed and started again, stopped.

An agent crashes when something that it runs in the background raises, or when somebody calls it crashed.
Whoever waits for it gets ``PeerLost`` at once, what was in its mailbox is gone, its handlers are stopped; then
``on_stop`` and ``on_start`` are called and it goes on. If that happens more often than its intensity allows
(the term is Erlang's), it is given up: who asks it from then on is told so at once.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fablewright.errors import ContractViolation
from fablewright.runtime.post import Desk, Post

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.agent import Agent
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Posts", "Restarts"]

_log = logging.getLogger(__name__)


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
        self._crashes: dict[str, deque[float]] = {}
        self._background: dict[str, set[asyncio.Task[None]]] = {}

    def __iter__(self) -> Iterator[Post]:
        return iter(self.by_name.values())

    def __repr__(self) -> str:
        return f"<Posts {' '.join(sorted(self.by_name))}>"

    def register(self, agent: Agent) -> Post:
        """Give an agent its post.

        Raises:
            ContractViolation: The name is taken, or the agent can run no handler.
        """
        if agent.name in self.by_name:
            raise ContractViolation(f"There is an agent named {agent.name} already.")
        if agent.concurrency < 1:
            raise ContractViolation(f"{agent.name} must be able to run at least 1 handler, not {agent.concurrency}.")
        post = Post(agent, self._desk, self._supervisor)
        self.by_name[agent.name] = post
        self._background[agent.name] = set()
        self._crashes[agent.name] = deque()
        return post

    async def start(self, post: Post) -> None:
        """Call an agent's ``on_start``; its handlers begin with ``open``."""
        await post.agent.on_start(partial(self._spawn, post))
        post.started = True

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
        await self.stop(post)

    async def stop(self, post: Post) -> None:
        """Call an agent's ``on_stop`` if it was started."""
        if not post.started:
            return
        post.started = False
        try:
            await post.agent.on_stop()
        except Exception:  # noqa: BLE001 - one agent's bad end must not keep the others from theirs
            _log.exception("%s failed to stop cleanly", post.agent.name)

    def crash(self, name: str, cause: object, now: float) -> None:
        """End everything that an agent does, and start it again if its intensity allows."""
        post = self.by_name[name]
        crashes = self._crashes[name]
        crashes.append(now)
        post.crashes += 1
        while crashes[0] <= now - self._restarts.seconds:
            crashes.popleft()
        self._desk.note("crashed", to=name, detail=str(cause))
        self._end(post, f"{name} crashed ({cause})")
        if len(crashes) > self._restarts.most:
            times = f"{len(crashes)} times within {self._restarts.seconds:g} s"
            post.given_up = f"{name} crashed {times} and is not restarted"
            _log.error("%s.", post.given_up)
        else:
            self._supervisor.start(self._restart(post), name=f"{name} restart")

    async def _restart(self, post: Post) -> None:
        await self.stop(post)
        try:
            await self.start(post)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one more crash
            _log.warning("%s could not be restarted: %r", post.agent.name, error, exc_info=error)
            self.crash(post.agent.name, repr(error), self._desk.now())
        else:
            self._desk.note("restarted", to=post.agent.name)
            if self._is_open:
                post.open()

    def _end(self, post: Post, why: str) -> None:
        for task in self._background[post.agent.name]:
            task.cancel()
        self._lost(post.agent.name, why, post.close())

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
        tasks = self._background[name]

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
