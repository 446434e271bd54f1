"""What durable work needs of whoever keeps it, as a Protocol: a work queue; an adapter satisfies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.protocol.job import State

__all__ = ["Batch", "Lease", "Task", "WorkQueue", "Worked"]


@dataclass(frozen=True, slots=True)
class Batch:
    """Tasks that were accepted together.

    Attributes:
        id: Its own.
        topic: What it belongs to; the latest batch of a topic is the one that counts.
        words: What was asked for.
        begins: From when on it may be worked on, in seconds since 1970; 0: at once.
        paused: Whether nobody is to begin another task of it.
        remark: What a person should know of it.
    """

    id: str
    topic: str
    words: str = ""
    begins: float = 0.0
    paused: bool = False
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Work to be done.

    Attributes:
        key: Its idempotency key: what tells it from the others of its batch; letters, digits and hyphens.
        body: What to do, as JSON.
    """

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a task until its lease is over.

    Attributes:
        batch: The batch's id.
        task: What to do.
        number: Of the lease; the queue knows it by that.
        tries: The how-manieth try it is, from 1.
    """

    batch: str
    task: Task
    number: int
    tries: int


@dataclass(frozen=True, slots=True)
class Worked:
    """How a task stands.

    Attributes:
        task: Which.
        state: Where it stands.
        result: What came of it; empty until it is done.
        reason: Why it failed, or why its latest try broke.
    """

    task: Task
    state: State
    result: str = ""
    reason: str = ""


class WorkQueue(Protocol):
    """Keeps tasks and their results for several processes, any of which may die at any moment.

    What a method has returned from is kept, also if the process is killed right after; what it may lose when the
    power fails, the adapter says. ``protocol.job`` has the rules of a task's life. Every method may raise a
    ``FablewrightError`` that says what is wrong with the queue; then it may be called again, and does nothing twice.
    """

    async def accept(self, batch: Batch, tasks: Sequence[Task]) -> bool:
        """Take a batch, all of it or nothing; return False if there is one of this id already."""
        ...

    async def latest(self, topic: str) -> Batch | None:
        """Return the batch of a topic that was accepted last."""
        ...

    async def look(self, batch: str) -> tuple[Worked, ...]:
        """Return how the tasks of a batch stand, in the order in which they were accepted."""
        ...

    async def lease(self, batch: str) -> Lease | None:
        """Return a task to work on; None if there is none now: all are done, leased to others, or paused."""
        ...

    async def finish(self, lease: Lease, result: str) -> bool:
        """Keep a task's result; return False if it has an outcome already, and then this result is dropped."""
        ...

    async def fail(self, lease: Lease, reason: str) -> None:
        """Say that a task could not be done; it is tried again unless this was its last try."""
        ...

    async def give_back(self, lease: Lease) -> None:
        """Let somebody else have a task that was begun; it does not count as a try."""
        ...

    async def pause(self, batch: str) -> None:
        """Let nobody begin another task of a batch."""
        ...

    async def resume(self, batch: str) -> None:
        """Let a batch go on, now: whether it was paused or was to begin later."""
        ...

    async def cancel(self, batch: str) -> int:
        """Call off what is not done yet; return how many tasks that were."""
        ...

    async def close(self) -> None:
        """Let go of files and connections; closing twice is harmless."""
        ...
