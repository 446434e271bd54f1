"""Where an agent takes its messages: a mailbox, and workers that run the handlers.

The workers are Leader/Followers (Schmidt and others, 2000). One of them, the leader, takes message after
message. While handlers return without having to wait, that is all, and no task is made. When the leader's
handler waits for something and another message is there, another worker is appointed; the first stays with
its handler to the end, and then leads again if nobody does.

A handler runs in its worker's task from its first step to its last, so ``asyncio.timeout``, task groups and
cancellation mean what they always mean. What it changes in its context variables is seen by no other
handler: a worker whose context has changed ends with that handler.
"""

from __future__ import annotations

import asyncio
import types
from contextvars import Context as Variables
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol

from fablewright.protocol.dead_letter import Reason
from fablewright.protocol.envelope import Kind
from fablewright.protocol.mailbox import Mailbox
from fablewright.runtime.context import Context, ReplyToken, Sender
from fablewright.runtime.statistics import AgentStatistics

if TYPE_CHECKING:
    from collections.abc import Generator

    from fablewright.protocol.envelope import Envelope
    from fablewright.runtime.agent import Agent
    from fablewright.runtime.answers import Answers
    from fablewright.runtime.audience import Audience
    from fablewright.runtime.outstanding import Waiter
    from fablewright.runtime.supervisor import Supervisor

__all__ = ["Post", "Worker"]

_ASK = Kind.ASK  # a member looked up in its Enum costs 0.05 us

_TURN_MESSAGES = 64
_TURN_SECONDS = 0.005
"""A leader lets others on the loop have their turn after so many messages or so long."""


class Desk(Sender, Protocol):
    """What a post needs of its bus."""

    answers: Answers
    audience: Audience


class Worker:
    """One task that runs handlers, one after the other; call it when the task is over, and its post cleans up."""

    __slots__ = ("_post", "asked", "envelope", "is_leaving", "is_wanted", "task")

    def __init__(self, post: Post) -> None:
        self._post = post
        self.task: asyncio.Task[None] | None = None
        self.envelope: Envelope | None = None  # what it handles now
        self.asked: list[Waiter] | None = None  # by that handler; those with an outcome are swept out now and then
        self.is_leaving = False  # cancelled: it ends with its handler, also if that takes no notice
        self.is_wanted = True  # somebody has a use for what becomes of its handler

    def __repr__(self) -> str:
        if self.envelope is None:
            return "<Worker idle>"
        return f"<Worker {self.envelope.to}.{self.envelope.action} {self.envelope.message_id}>"

    def asks(self, waiter: Waiter) -> None:
        """Note that its handler waits for somebody."""
        if self.asked is None:
            self.asked = []
        elif len(self.asked) >= 8:
            self.asked = [asked for asked in self.asked if asked.outcome is None]
        self.asked.append(waiter)

    def waits(self) -> list[Envelope]:
        """Return the requests that its handler waits for."""
        return [asked.envelope for asked in self.asked or () if asked.outcome is None]

    def stop(self) -> None:
        """End its handler, and it."""
        self.is_leaving = True
        if self.task is not None:
            self.task.cancel()

    def __call__(self) -> None:
        """Have its post clean up after it."""
        self._post.clean_up(self)  # not a bound method of its own: each costs as much as two of the fields above


class Post:
    """One registered agent.

    Attributes:
        running: The workers that are at a handler, by the id of its message.
        is_open: Whether handlers are started; messages are queued also while they are not.
        started: Whether ``on_start`` was called, and ``on_stop`` not yet.
        given_up: Why the agent is not restarted any more, for people; empty while it lives.
        crashes: How often it crashed.
    """

    def __init__(self, agent: Agent, desk: Desk, supervisor: Supervisor) -> None:
        self.agent = agent
        self.mailbox = Mailbox(agent.name, agent.mailbox_capacity, overflow=agent.overflow)
        self.running: dict[str, Worker] = {}
        self.is_open = False
        self.started = False
        self.given_up = ""
        self.crashes = 0
        self._desk = desk
        self._answers = desk.answers
        self._audience = desk.audience
        self._supervisor = supervisor
        self._concurrency = agent.concurrency
        self._leader: Worker | None = None
        self._idle: Worker | None = None  # the one that stands by while nothing is to be done
        self._wake: asyncio.Future[None] | None = None  # what it waits for
        self._left, self._turn_ends = 0, 0.0  # messages and time until others on the loop have their turn
        self._relief_is_due = False
        self._variables = Variables()
        self._name = f"{agent.name} worker"

    def __repr__(self) -> str:
        return f"<Post {self.agent.name} running={len(self.running)} {self.mailbox!r}>"

    @property
    def is_full(self) -> bool:
        """Whether a message has to wait until a handler ends."""
        return len(self.running) >= self._concurrency

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self.running and not len(self.mailbox)

    @property
    def stands_by(self) -> bool:
        """Whether a worker is there that has nothing to do."""
        return self._idle is not None or (self._leader is not None and not self._leader.envelope and self.is_quiet)

    def statistics(self) -> AgentStatistics:
        """Return a frozen snapshot."""
        waiting = len(self.mailbox) + self.mailbox.waiting
        limits = (self.mailbox.capacity, self.agent.concurrency)
        return AgentStatistics(waiting, len(self.running), self.crashes, *limits)

    def open(self) -> None:
        """Begin to start handlers."""
        self.is_open = True
        self._variables = copy_context()
        if not self.is_full:  # of handlers from before a crash, which take no notice of being cancelled
            self._leader = self._hire()

    def put(self, envelope: Envelope) -> None:
        """Queue a message.

        Raises:
            MailboxFull: There is no room.
        """
        dropped = self.mailbox.put(envelope, self._concurrency - len(self.running))
        if dropped is not None:
            self._answers.dropped(dropped)
        leader = self._leader
        if leader is None or leader.envelope is not None:  # else it is about to take the message itself
            self._promote()

    def withdraw(self, message_id: str, *, is_settled: bool = False) -> None:
        """Nobody waits any more: take the message out of the mailbox, or stop its handler.

        Args:
            message_id: Of the message.
            is_settled: Whether it has its outcome here; else the handler's end is reported as one.
        """
        worker = self.running.get(message_id)
        if worker is None:
            self.mailbox.withdraw(message_id)
        else:
            worker.is_wanted = not is_settled
            worker.stop()

    def close(self) -> list[Envelope]:
        """Start no handler any more, stop those that run, and return what was queued."""
        self.is_open = False
        for worker in [*self.running.values(), self._idle, self._leader]:
            if worker is not None:
                worker.stop()
        return self.mailbox.clear()

    # -------------------------------------------------------------- leader and followers

    def _appoint(self) -> None:
        """See to it that somebody takes what waits, as far as the agent's concurrency allows."""
        leader = self._leader
        if leader is None or leader.envelope is not None:
            self._promote()

    def _promote(self) -> None:
        if not self.is_open or self.is_full or not self.mailbox.queue.size:
            return
        worker, wake = self._idle, self._wake
        if worker is not None and wake is not None and not wake.done():  # else it is on its way out
            wake.set_result(None)
            self._idle = None
        else:
            worker = self._hire()
        self._leader = worker

    def _hire(self) -> Worker:
        worker = Worker(self)
        worker.task = self._supervisor.start(
            self._lead(worker), name=self._name, on_end=worker, variables=self._variables.copy()
        )
        return worker

    def _relieve(self) -> None:
        """Appoint another if the leader waits in a handler while there are messages to take."""
        self._relief_is_due = False
        self._appoint()

    def clean_up(self, worker: Worker) -> None:
        """Clean up after a worker, however it ended: also one that was cancelled before its first step."""
        if self._leader is worker:
            self._leader = None
        if self._idle is worker:
            self._idle = None
        if worker.envelope is not None:
            self.running.pop(worker.envelope.message_id, None)
            if self._audience.observers:
                self._audience.tell("finished", worker.envelope)
        worker.task = None  # a cancelled task holds its error, that the frames, and they the worker
        self._appoint()
        if self._leader is None and self._idle is None and self.is_open and not self.is_full:
            self._leader = self._hire()  # one stands by whatever happens to the others

    async def _lead(self, worker: Worker) -> None:  # noqa: C901, PLR0912 - every message comes through; calls cost
        # As many of these wait as there are handlers that do: what is no local variable here need not wait with them.
        self._turn_ends = 0.0
        while True:
            if not self.mailbox.queue.size:
                self._leader = None
                if self._idle is not None or not self.is_open:
                    return
                self._idle = worker
                self._wake = asyncio.Future()
                await self._wake
                self._turn_ends = 0.0
            envelope = self._take(worker)
            if envelope is None:
                await _others_turn()
                continue
            context = Context(self._desk, envelope)
            try:
                reply = await self.agent.handlers[envelope.action](self.agent, envelope.body, context)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is its asker's to know
                self._answers.refuse(envelope, error)
            except BaseException:
                # Withdrawn by its asker, cancelled by itself, or the program is ending.
                if worker.is_wanted:
                    self._answers.lost(envelope, "gave up")
                raise
            else:
                if (
                    reply is not None
                    and type(reply) is not ReplyToken
                    and context.token_id is None
                    and envelope.kind is _ASK
                ):
                    self._answers.replied(self._desk.now(), envelope.message_id, reply)
                else:
                    self._returned(envelope, context, reply)
                del reply
            if self._audience.observers:
                self._audience.tell("finished", envelope)
            del self.running[envelope.message_id], context, envelope
            worker.envelope = worker.asked = None
            if self._leader is None:
                self._leader = worker
            if worker.is_leaving or worker.task is None or worker.task.cancelling():
                return  # a cancellation is left that the handler has not taken; nobody else is to have it
            if self._leader is not worker or copy_context() != self._variables:
                self._leave(worker)
                return

    def _leave(self, worker: Worker) -> None:
        """Let a worker go that ends now, at the price of one call of the loop less.

        Only one whose handler has returned: one that is cancelled is over when its task is, and not before.
        """
        if worker.task is not None:
            self._supervisor.let_go(worker.task)
        self.clean_up(worker)

    def _take(self, worker: Worker) -> Envelope | None:
        """Return the next message, now the worker's to handle; None if it is others' turn first, or none may start."""
        now = self._desk.now()
        if not self._left or now > self._turn_ends:
            had_its_turn = self._turn_ends
            self._left, self._turn_ends = _TURN_MESSAGES, now + _TURN_SECONDS
            if had_its_turn:
                return None
        self._left -= 1
        envelope, expired = self.mailbox.take(now)
        for late in expired:
            self._answers.bury(late, Reason.EXPIRED)
        if envelope is None:
            return None
        worker.envelope = envelope
        self.running[envelope.message_id] = worker
        if self._audience.observers:
            self._audience.tell("started", envelope)
        if self.mailbox.queue.size and not self._relief_is_due:
            self._relief_is_due = True
            asyncio.get_running_loop().call_soon(self._relieve)
        return envelope

    def _returned(self, envelope: Envelope, context: Context, reply: object) -> None:
        """Hold a handler that returned no reply to its contract: its token, or nothing where it was only told."""
        violated = self._answers.violated
        if type(reply) is ReplyToken:
            if id(reply) != context.token_id:
                violated(envelope, "returned a reply token that is not its own")
        elif envelope.kind is not _ASK:
            if reply is not None:
                violated(envelope, "answered a tell")
        elif context.token_id is None:
            violated(envelope, "returned nothing and did not defer")
        elif reply is not None:
            violated(envelope, "deferred and returned a reply as well")


@types.coroutine
def _others_turn() -> Generator[None, None, None]:
    """Let the loop do everything else that is due."""
    yield
