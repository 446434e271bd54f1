"""The life of a bus: the state that it is in, and how it comes to its end."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from fablewright.runtime.home import Home
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Life", "State"]

_BREATH = 1 / 128
"""Seconds between two looks at whether a draining bus is quiet."""


class State(enum.Enum):
    """Where a bus stands: each state is entered once, in this order."""

    NEW = "new"
    STARTING = "starting"  # messages are taken, and wait in the mailboxes until every agent has started
    RUNNING = "running"
    DRAINING = "draining"  # what is under way may go on asking; nothing new comes in
    STOPPED = "stopped"


_STOPPED = State.STOPPED  # a member looked up in its Enum costs 0.05 us


class Life:
    """The life of one bus.

    Args:
        home: Where it lives.
        supervisor: Its tasks.
        is_quiet: Tells whether nothing is under way.
        end_all: Answers every waiter, and lets nothing begin any more; called once.
        leave: Lets go of everything else, when no task is left.

    Attributes:
        state: Where it stands.
    """

    def __init__(
        self,
        home: Home,
        supervisor: Supervisor,
        is_quiet: Callable[[], bool],
        end_all: Callable[[], None],
        leave: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self.state = State.NEW
        self._home = home
        self._supervisor = supervisor
        self._is_quiet = is_quiet
        self._end_all = end_all
        self._leave = leave
        self._stopping: asyncio.Task[None] | None = None
        self._drain_until = 0.0

    def __repr__(self) -> str:
        return f"<Life {self.state.value}>"

    @property
    def is_stopped(self) -> bool:
        """Whether nothing begins any more."""
        return self.state is _STOPPED

    def check(self, action: str, to: str, *, from_outside: bool) -> None:
        """Refuse an ask that the bus cannot take as it stands.

        Args:
            action: What is asked.
            to: Of whom.
            from_outside: Whether it is made on behalf of no other.

        Raises:
            ContractViolation: The bus has not started, or runs on another event loop.
            Rejected: It is stopping, and takes nothing from outside.
        """
        if self.state is State.NEW:
            raise ContractViolation("The bus is not running: use it as `async with bus:`.")
        if not self.is_stopped and asyncio.get_running_loop() is not self._home.loop:
            raise ContractViolation("The bus runs on another event loop; from here, use `ask_from_thread` on a thread.")
        if self.state is State.DRAINING and from_outside:
            raise Rejected(f"The bus is stopping and takes no new {action}.", to=to, action=action)

    async def stop(self, drain: float) -> None:
        """Come to the end, once; who asks for it again waits for the same end.

        Args:
            drain: Seconds to let what is under way finish first.
        """
        if self.state is State.NEW:
            return
        if self._stopping is None:
            self.state = State.DRAINING
            self._drain_until = self._home.now() + drain
            if drain <= 0:
                self._end()
            # In a task of its own that nobody owns: a handler may stop the bus, and ends with all others.
            self._stopping = asyncio.Task(self._stop(), loop=self._home.loop, name="bus stops")
        try:
            await asyncio.shield(self._stopping)
        except asyncio.CancelledError:
            self._drain_until = 0.0  # whoever stops the bus is in a hurry now
            if asyncio.current_task() not in self._supervisor:
                await asyncio.wait({self._stopping})
            raise

    async def _stop(self) -> None:
        while not self.is_stopped and self._home.now() < self._drain_until and not self._is_quiet():  # noqa: ASYNC110 - an event costs each request
            await asyncio.sleep(_BREATH)
        if not self.is_stopped:
            self._end()
        await self._supervisor.stop()
        await self._leave()

    def _end(self) -> None:
        self.state = _STOPPED
        self._end_all()
