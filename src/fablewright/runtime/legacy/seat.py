"""Where an agent of the old API sits on the bus: it takes what the bus delivers to the agent's threads and back.

To the bus it is an agent like any other. A request stays with one of its handlers until it is answered, and the bus
ends that handler at the deadline; so what waits for ``send_response`` is gone by then, whatever the old agent does.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from fablewright.errors import ContractViolation
from fablewright.protocol.envelope import Kind
from fablewright.runtime.agent import Agent
from fablewright.runtime.legacy.agent import BaseAgent
from fablewright.runtime.legacy.lanes import Lanes
from fablewright.runtime.legacy.message import AgentMessage, LegacyMessage, MessageType, new_message
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fablewright.protocol.envelope import Envelope
    from fablewright.protocol.message import Message
    from fablewright.runtime.agent import Handler, Spawn
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.context import Context

__all__ = ["ErrorReply", "Here", "Seat", "here"]

_log = logging.getLogger(__name__)

_MOST_PAST = 1024
"""Requests that are remembered after their end, so that a late or second answer can be told from a wrong one."""


class Here(NamedTuple):
    """What the current thread handles.

    Attributes:
        request: The request on whose behalf; None if there is none.
        lane: The number of the lane.
    """

    request: Envelope | None = None
    lane: int = 0


class _Place(threading.local):
    here = Here()


_place = _Place()


def here() -> Here:
    """Return what the current thread handles."""
    return _place.here


class ErrorReply(Exception):
    """An agent of the old API answered with a message of type ERROR; its data is the argument."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(str(data.get("error", data)))
        self.data = data


class Office(Protocol):
    """What a seat needs of its message bus."""

    stopper: threading.Thread | None
    starts_agents: bool

    @property
    def bus(self) -> Bus: ...
    @property
    def tick_interval(self) -> float: ...
    def seat_opened(self) -> None: ...
    def post(self, work: Callable[..., object], *args: object) -> bool: ...
    def note(self, message: AgentMessage) -> None: ...
    def patience(self) -> float: ...


class _Ticket:
    """A request that its agent has not answered yet.

    Attributes:
        over: Whether nobody waits any more; read by the agent's threads.
    """

    __slots__ = ("answer", "context", "over")

    def __init__(self, context: Context) -> None:
        self.context = context
        self.answer: asyncio.Future[dict[str, Any] | Exception] = asyncio.get_running_loop().create_future()
        self.over = False


class _Handlers(Mapping[str, "Handler"]):
    """The handlers of a seat: one for all the actions that its agent can handle by now."""

    def __init__(self, old: BaseAgent) -> None:
        self._old = old
        # An agent that handles messages in a way of its own may be sent anything.
        self._takes_all = type(old).handle_message is not BaseAgent.handle_message

    def __getitem__(self, action: str) -> Handler:
        if action in self:
            return Seat.take
        raise KeyError(action)

    def __contains__(self, action: object) -> bool:
        return self._takes_all or action in self._old.message_handlers

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._old.message_handlers))

    def __len__(self) -> int:
        return len(self._old.message_handlers)


class Seat(Agent):
    """One agent of the old API, as the bus sees it.

    Args:
        old: The agent.
        office: Its message bus.
    """

    concurrency = 1000  # requests that it has taken and not answered
    reentrant = True  # an old agent that has sent a request goes on to take others

    def __init__(self, old: BaseAgent, office: Office) -> None:
        self.name = old.agent_id  # type: ignore[misc]  # each seat has a name of its own
        self.handlers = self.heard = _Handlers(old)  # type: ignore[misc]  # and its agent's handlers
        self.old = old
        self.lanes: Lanes | None = None
        self.asks: set[asyncio.Task[None]] = set()  # what the agent has asked and has no answer to
        self.answers: set[str] = set()  # the actions that have ever answered a request
        self._office = office
        self._over: asyncio.Future[None] | None = None  # resolved when the threads have ended
        self._tickets: dict[str, _Ticket] = {}
        self._past: OrderedDict[str, tuple[Envelope, bool]] = OrderedDict()  # with whether it was answered

    def __repr__(self) -> str:
        return f"<Seat {self.name} open={len(self._tickets)} asks={len(self.asks)} {self.lanes!r}>"

    # -------------------------------------------------------------- life

    async def on_start(self, spawn: Spawn) -> None:
        """Start the agent's first thread; and the agent, unless somebody else does."""
        del spawn
        loop = asyncio.get_running_loop()
        over = self._over = loop.create_future()
        ticks = getattr(self.old.process_tick, "__func__", None) is not BaseAgent.process_tick
        self.lanes = Lanes(
            self.name,
            self._tick if ticks else None,
            lambda: self._office.tick_interval,
            lambda: _call_on(loop, _resolve, over),
        )
        self.lanes.open()
        self._office.seat_opened()
        if self._office.starts_agents:
            await _on_a_thread(self.old.start)

    async def on_stop(self) -> None:
        """End the agent's threads; wait until its handlers have ended, but not for ever."""
        for task in self.asks:
            task.cancel()  # a handler that waits for the answer is told that there will be none
        if self.asks:
            await asyncio.wait(list(self.asks))
        if self._office.starts_agents:
            await _on_a_thread(self.old.stop)
        lanes, over = self.lanes, self._over
        if lanes is None or over is None:
            return
        lanes.close()
        if self._office.stopper not in lanes.threads:  # a handler that stops the bus cannot end before the bus has
            await asyncio.wait([over], timeout=self._office.patience())
        for thread in lanes.threads:
            if over.done():
                thread.join(1.0)  # it is at its last line
            elif thread is not self._office.stopper:
                what = "A handler of %s does not end although the bus has stopped; its thread is left behind: %s"
                _log.error(what, self.name, thread.name)

    def _tick(self) -> None:
        if not self.old.running:
            return
        try:
            self.old.process_tick()
        except BaseException:  # noqa: BLE001 - one bad tick must not end the agent
            _log.exception("%s failed in its tick", self.name)

    # -------------------------------------------------------------- on the loop

    async def take(self, body: Message, context: Context) -> dict[str, Any] | None:
        """Have a message handled; wait until a request is answered, or nobody waits for the answer any more.

        Raises:
            ContractViolation: A request of that id is being handled.
            ErrorReply: The agent said so.
        """
        envelope = context.envelope
        message = _opened(body, envelope)
        if envelope.kind is Kind.TELL:
            self.deliver(message, envelope)
            return None
        if message.id in self._tickets:
            raise ContractViolation(f"{self.name} has the request {message.id} already; send a new one.")
        is_from_new = not isinstance(body, LegacyMessage) or body.message is None
        if is_from_new:
            self._office.note(message)
        ticket = self._tickets[message.id] = _Ticket(context)
        assert self.lanes is not None  # noqa: S101 - the bus delivers nothing before on_start
        self.lanes.put_request(partial(self._handle, message, ticket))
        try:
            answer = await ticket.answer
        finally:
            ticket.over = True
            del self._tickets[message.id]
            was_answered = ticket.answer.done() and not ticket.answer.cancelled()
            self._past[message.id] = (envelope._replace(body=None), was_answered)
            if len(self._past) > _MOST_PAST:
                self._past.popitem(last=False)
        if isinstance(answer, Exception):
            raise answer
        if is_from_new:
            to, kind = message.sender_id, MessageType.RESPONSE
            self._office.note(new_message(self.name, to, kind, message.action, answer, message.id))
        return answer

    def deliver(self, message: AgentMessage, behalf: Envelope | None, origin: int = 0) -> None:
        """Have a response or an event handled, if there is a handler.

        Args:
            message: What to handle.
            behalf: The request that its handler works for.
            origin: The lane from which what it answers was sent.
        """
        if self.lanes is not None and message.action in self.handlers:
            self.lanes.put_reply(partial(self._hear, message, behalf), origin)

    def answered(self, request_id: str, answer: dict[str, Any] | Exception) -> bool:
        """Take the agent's answer to a request; return whether there was such a request."""
        ticket = self._tickets.get(request_id)
        if ticket is not None:
            self.answers.add(ticket.context.envelope.action)
            if ticket.answer.done():  # the bus hears of the first answer in this turn of the loop, of this one after it
                asyncio.get_running_loop().call_soon(self.answered, request_id, answer)
            else:
                ticket.answer.set_result(answer)
            return True
        if request_id not in self._past:
            return False
        envelope, twice = self._past[request_id]
        self._past[request_id] = (envelope, True)
        if twice:
            self._office.bus.answers.violated(envelope, "answered twice: the first answer counts")
        elif isinstance(answer, Exception):
            self._office.bus.answers.refuse(envelope, answer)
        else:
            self._office.bus.answers.answer(envelope, answer)
        return True

    # -------------------------------------------------------------- on the agent's threads

    def _handle(self, message: AgentMessage, ticket: _Ticket, lane: int) -> None:
        if ticket.over or not ticket.context.remaining:
            return  # nobody waits any more: no handler begins after its deadline
        try:
            with _at(Here(ticket.context.envelope, lane)):
                self.old.handle_message(message)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its asker's to know
            _log.debug("%s failed on %s", self.name, message.action, exc_info=error)
            told = error if isinstance(error, Exception) else RuntimeError(repr(error))
            self._office.post(self.answered, message.id, told)

    def _hear(self, message: AgentMessage, behalf: Envelope | None, lane: int) -> None:
        try:
            with _at(Here(behalf, lane)):
                self.old.handle_message(message)
        except BaseException:  # noqa: BLE001 - whatever a handler raises: there is nobody to tell
            _log.exception("%s failed on a message of %s: %s", self.name, message.sender_id, message.action)


@contextmanager
def _at(place: Here) -> Iterator[None]:
    _place.here = place
    try:
        yield
    finally:
        _place.here = Here()


def _opened(body: Message, envelope: Envelope) -> AgentMessage:
    """Return the old message in an envelope; one is made of what an agent of the new API sent."""
    if isinstance(body, LegacyMessage):
        if body.message is not None:
            return body.message
        data = body.data
    else:
        data = _fields(body)
    kind = MessageType.REQUEST if envelope.kind is Kind.ASK else MessageType.EVENT
    sender = envelope.sender or "bus"
    return AgentMessage(envelope.message_id, sender, envelope.to, kind, envelope.action, data, time.time())


def _fields(body: object) -> dict[str, Any]:
    if not is_dataclass(body):
        return {}
    return {field.name: getattr(body, field.name) for field in fields(body)}


async def _on_a_thread(work: Callable[[], None]) -> None:
    thread = Threads(1, name=getattr(work, "__qualname__", "legacy"))
    try:
        await thread.run(work)
    finally:
        thread.close()


def _call_on(loop: asyncio.AbstractEventLoop, work: Callable[..., object], *args: object) -> None:
    try:
        loop.call_soon_threadsafe(work, *args)
    except RuntimeError:  # the loop has ended: there is nobody left to tell
        return


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
