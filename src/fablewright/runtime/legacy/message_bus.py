"""The old API's message bus: its names and its manners, and the one real ``Bus`` underneath.

A request is a ``Bus.ask`` with a deadline, so it has one outcome: a response, or a message of type ERROR that says why
there is none. A response that comes after that is still brought to the asker's handler, and marked as late in the
history. An event is a ``Bus.tell`` to each agent that has a handler for it, and on a network it is published as well.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from fablewright.errors import ContractViolation, FablewrightError, Rejected, RemoteError
from fablewright.protocol.envelope import Envelope, Kind, valid_timeout
from fablewright.runtime.agent import Agent
from fablewright.runtime.bus import Bus
from fablewright.runtime.legacy.agent import BaseAgent
from fablewright.runtime.legacy.breakers import Breakers, expect_answers
from fablewright.runtime.legacy.history import History
from fablewright.runtime.legacy.loop_thread import LoopThread
from fablewright.runtime.legacy.message import AgentMessage, LegacyMessage, MessageType, as_dict, new_message
from fablewright.runtime.legacy.seat import ErrorReply, Here, Seat, here
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from fablewright.protocol.message import Message, Request
    from fablewright.runtime.statistics import BusStatistics

__all__ = ["MessageBus"]

_log = logging.getLogger(__name__)

R = TypeVar("R")

_GRACE = 1.0
"""Seconds that all handlers together get to end when the bus stops."""

_MOST_EARLY = 1000
"""Messages that may be sent before the bus starts."""

_EVERYBODY = "broadcast"

_NOWHERE = Here()
_STOPPED = {"success": False, "error": "The asker was stopped before there was an answer.", "error_type": "Cancelled"}


class MessageBus:
    """Agents of the old API, and of the new one, that send each other messages.

    By itself it has an event loop on a thread of its own, from ``start`` to ``stop``; every method may be called from
    any thread. Given a ``Bus``, it is only a door to that: its agents are registered there, and start and stop with it.

    ::

        old = MessageBus(on=bus)
        old.register_agent(HaystackPipelineAgent())
        async with bus:
            await bus.ask("haystack_pipeline", LegacyMessage("retrieve_documents", {"query": "the mill"}))

    Args:
        max_history: How many messages ``get_message_history`` can return.
        timeout: Seconds that a request waits for its response. One that is sent while a request is handled on which
            somebody waits never waits longer than that somebody.
        options: Of the bus underneath. By default each action that has ever answered has a circuit breaker, and data of
            any kind is handed over as it is, as it always was.
        on: An existing bus, which has not started yet.

    Attributes:
        agents: Those registered, by name.
        tick_interval: Seconds between two ticks of an agent.
        running: Whether it was started and not stopped.

    Raises:
        ContractViolation: A number makes no sense, or there are options for a bus that exists.
    """

    def __init__(
        self,
        max_history: int = 1000,
        *,
        timeout: float = 10.0,
        options: BusOptions | None = None,
        on: Bus | None = None,
    ) -> None:
        if on is not None and options is not None:
            raise ContractViolation("A bus that exists has its options already.")
        self.agents: dict[str, BaseAgent | Agent] = {}
        self.tick_interval = 0.1
        self.running = False
        self.starts_agents = on is not None
        self.stopper: threading.Thread | None = None
        self._timeout = valid_timeout(timeout)
        self._options = options or BusOptions(policies=Breakers(), max_body_bytes=None)
        self._is_guest = on is not None
        self._bus = on or Bus(self._options)
        self._seats: dict[str, Seat] = {}
        self._spoken: dict[str, dict[str, type[Message]]] = {}
        self._supervisor = Supervisor()
        self._thread: LoopThread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._give_up_at: float | None = None
        self._lock = threading.Lock()  # guards what follows, and the order of start, stop and post
        self._history = History(max_history)
        self._early: list[AgentMessage] = []

    def __repr__(self) -> str:
        return f"<MessageBus agents={sorted(self.agents)} {'running' if self.running else 'stopped'}>"

    @property
    def bus(self) -> Bus:
        """The bus underneath; one that was stopped and is started again has a new one."""
        return self._bus

    # -------------------------------------------------------------- agents

    def register_agent(self, agent: BaseAgent | Agent, messages: Iterable[type[Message]] = ()) -> None:
        """Make an agent of the old or the new API reachable.

        Args:
            agent: The agent.
            messages: For one of the new API: the messages that old agents may send it. Their data is then the
                fields of the message of that action.

        Raises:
            ContractViolation: The name is taken by another, or this bus is a guest on one that has started.
        """
        if isinstance(agent, BaseAgent):
            newcomer: Agent = Seat(agent, self)
        elif isinstance(agent, Agent):
            newcomer = agent
        else:
            raise ContractViolation(f"{agent!r} is no agent: it is neither a BaseAgent nor an Agent.")
        name = newcomer.name
        if self.agents.get(name) is agent:
            return
        if name in self.agents:
            raise ContractViolation(f"There is an agent named {name} already.")
        if self._is_guest:
            self._bus.register(newcomer)
        self._admit(agent, newcomer)
        if self.running:
            try:
                self._run(partial(self._bus.add, newcomer))
            except BaseException:
                self._forget(name)
                raise
        self.introduce(name, *messages)

    def introduce(self, name: str, *messages: type[Message]) -> None:
        """Say which messages an agent of the new API takes: what an old agent sends it is turned into these."""
        self._spoken.setdefault(name, {}).update({message.action: message for message in messages})

    def unregister_agent(self, agent_id: str) -> None:
        """Let an agent go; whoever waits for it is told so at once.

        Raises:
            ContractViolation: There is none of that name, or this bus is a guest: then ``await bus.remove(name)``.
        """
        if agent_id not in self.agents:
            raise ContractViolation(f"There is no agent named {agent_id}.")
        if self._is_guest:
            raise ContractViolation(f"{agent_id} is on a bus of somebody else's: `await bus.remove({agent_id!r})`.")
        if self.running:
            self._run(partial(self._bus.remove, agent_id))
        self._forget(agent_id)

    def _admit(self, agent: BaseAgent | Agent, newcomer: Agent) -> None:
        self.agents[newcomer.name] = agent
        if isinstance(agent, BaseAgent) and isinstance(newcomer, Seat):
            self._seats[newcomer.name] = newcomer
            agent.message_bus = self

    def _forget(self, name: str) -> None:
        agent = self.agents.pop(name)
        self._seats.pop(name, None)
        if isinstance(agent, BaseAgent):
            agent.message_bus = None

    # -------------------------------------------------------------- life

    def start(self) -> None:
        """Start the bus; it may be started again after a stop. Starting one that runs does nothing.

        Raises:
            ContractViolation: It is a guest.
            Exception: What an agent of the new API raised that could not start.
        """
        if self._is_guest:
            raise ContractViolation("This message bus is on a bus that somebody else starts: `async with bus:`.")
        if self.running:
            return
        self.stopper, self._give_up_at = None, None
        self._bus, self._supervisor = Bus(self._options), Supervisor()
        for name, agent in self.agents.items():
            if isinstance(agent, BaseAgent):
                self._seats[name] = Seat(agent, self)
            self._bus.register(agent if isinstance(agent, Agent) else self._seats[name])
        self._thread = LoopThread("fablewright message bus", self._begin, self._end)
        try:
            self._thread.start()
        except BaseException:
            self.running, self._loop, self._thread = False, None, None
            raise

    def stop(self) -> None:
        """Stop the bus: whoever waits is told so, and every thread ends. Stopping twice does nothing.

        A handler that does not end within a second is named in the log, and its thread left behind.

        Raises:
            ContractViolation: It is a guest.
        """
        if self._is_guest:
            raise ContractViolation("This message bus is on a bus that somebody else stops.")
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self.running = False
            self.stopper = threading.current_thread()
        thread.stop()

    async def _begin(self) -> None:
        self._open()
        await self._bus.start()

    async def _end(self) -> None:
        await self._bus.stop()
        await self._supervisor.stop()

    def _open(self) -> None:
        """Take messages from now on, and first those that were sent before."""
        with self._lock:
            self._loop, self.running = asyncio.get_running_loop(), True
            early, self._early = self._early, []
            for message in early:
                self._loop.call_soon(self._carry, message, Here())

    def seat_opened(self) -> None:
        """Take note that an agent has begun: on a bus of somebody else's this is how we know that it does."""
        if self._is_guest and not self.running:
            self._open()

    def patience(self) -> float:
        """Return for how many seconds the handlers that still run are waited for."""
        now = asyncio.get_running_loop().time()
        if self._give_up_at is None:
            self._give_up_at = now + _GRACE
        return max(0.0, self._give_up_at - now)

    # -------------------------------------------------------------- sending

    def send_message(self, message: AgentMessage) -> None:
        """Send a message and go on. One that is sent before the start waits for it.

        Raises:
            ContractViolation: It is no message, the bus has stopped, or too many wait for its start.
        """
        if not isinstance(message, AgentMessage):
            raise ContractViolation(f"A message bus carries AgentMessages, not {message!r}.")
        if self.post(self._carry, message, here()):
            return
        with self._lock:
            is_new = not self.running and self.stopper is None and self._loop is None
            if is_new and len(self._early) < _MOST_EARLY:
                self._early.append(message)
                return
        if is_new:
            raise ContractViolation(f"{_MOST_EARLY} messages wait for the start of the message bus; start it.")
        if message.response_to is None:  # whoever would get a response has been told that there is none
            raise ContractViolation(f"The message bus has stopped; it takes no {message.action} any more.")

    def take_result(self, agent: BaseAgent, request: AgentMessage, result: object) -> None:
        """Take what a handler returned for a request."""
        if isinstance(result, dict):
            kind, to = MessageType.RESPONSE, request.sender_id
            self.post(self._answer, new_message(agent.agent_id, to, kind, request.action, result, request.id))
        elif result is not None:
            what = "%s returned %s for %s, which answers nothing: return a dict, or None and send_response later."
            _log.error(what, agent.agent_id, type(result).__name__, request.action)

    def ask(
        self,
        receiver_id: str,
        action: str,
        data: object = None,
        *,
        timeout: float | None = None,
        sender_id: str = "orchestrator",
    ) -> dict[str, Any]:
        """Send a request, wait, and return the data of its response.

        Raises:
            RequestFailed: There is no response; the kinds are those of ``Bus.ask``.
            ContractViolation: The bus does not run, or this would hold up its event loop: there, ``await bus.ask``.
        """
        message = new_message(sender_id, receiver_id, MessageType.REQUEST, action, data)
        seconds = self._timeout if timeout is None else valid_timeout(timeout)
        parent = here().request

        async def asking() -> dict[str, Any]:
            self.note(message)
            try:
                reply = await self._asked(message, receiver_id, self._still(parent), seconds)
            except FablewrightError as error:
                self._hand_back(message, receiver_id, MessageType.ERROR, _words(error))
                raise
            self._hand_back(message, receiver_id, MessageType.RESPONSE, reply)
            return reply

        return self._run(asking)

    def post(self, work: Callable[..., object], *args: object) -> bool:
        """Have something done on the loop, after what was posted before; return whether the bus runs."""
        with self._lock:
            if not self.running or self._loop is None:
                return False
            try:
                self._loop.call_soon_threadsafe(work, *args)
            except RuntimeError:  # the loop of somebody else's bus has ended
                self.running = False
            return self.running

    def _run(self, make: Callable[[], Coroutine[Any, Any, R]]) -> R:
        """Run a coroutine on the loop, and wait for it here."""
        with self._lock:
            if not self.running or self._loop is None:
                raise ContractViolation("The message bus does not run; start it first.")
            if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - the public one raises when there is none
                raise ContractViolation(
                    "This would wait for the event loop that it runs on: use the bus's own methods."
                )
            work = make()
            try:
                future = asyncio.run_coroutine_threadsafe(work, self._loop)
            except RuntimeError:
                work.close()
                raise ContractViolation("The bus underneath has ended.") from None
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            raise Rejected("The message bus has stopped.") from None
        finally:
            future.cancel()  # somebody pressed Ctrl-C

    # -------------------------------------------------------------- on the loop

    def _carry(self, message: AgentMessage, place: Here) -> None:
        """Bring a message to whom it is for."""
        kind = message.message_type
        if message.response_to is not None and kind in {MessageType.RESPONSE, MessageType.ERROR}:
            self._answer(message)
            return
        self.note(message)
        behalf = self._still(place.request)
        if message.receiver_id == _EVERYBODY and kind is not MessageType.REQUEST:
            self._bus.publish_elsewhere(LegacyMessage(message.action, message.data, message), parent=behalf)
        for to in self._receivers(message):
            if kind is MessageType.REQUEST:
                asker = self._seats.get(message.sender_id)
                work = self._ask_for(message, to, place)
                task = self._supervisor.start(
                    work, name=f"{message.sender_id} asks {to}", on_end=partial(self._unasked, work, message, to, place)
                )
                if asker is not None:
                    asker.asks.add(task)
                    task.add_done_callback(asker.asks.discard)
                continue
            # After the first step of the tasks that ask: so what came first is in its mailbox first.
            asyncio.get_running_loop().call_soon(self._tell, message, to, behalf)

    def _tell(self, message: AgentMessage, to: str, behalf: Envelope | None) -> None:
        try:
            self._bus.tell(to, self._body(message, to), parent=behalf)
        except FablewrightError as error:
            _log.warning("%s could not tell %s of %s: %s", message.sender_id, to, message.action, error)

    async def _ask_for(self, message: AgentMessage, to: str, place: Here) -> None:
        """Ask on behalf of an old agent, and bring it what becomes of that."""
        late = partial(self._hand_back, message, to, MessageType.RESPONSE, place=place, is_late=True)
        behalf = self._still(place.request)
        try:
            reply = await self._asked(message, to, behalf, self._timeout, late)
        except FablewrightError as error:
            self._hand_back(message, to, MessageType.ERROR, _words(error), place)
        except asyncio.CancelledError:
            self._hand_back(message, to, MessageType.ERROR, _STOPPED, place)
            raise
        else:
            self._hand_back(message, to, MessageType.RESPONSE, reply, place)

    async def _asked(
        self,
        message: AgentMessage,
        to: str,
        behalf: Envelope | None,
        seconds: float,
        on_late: Callable[[Any], None] | None = None,
    ) -> dict[str, Any]:
        body = cast("Request[Any]", self._body(message, to))
        self._set_breaker(to, message.action)
        return as_dict(await self._bus.ask(to, body, timeout=seconds, parent=behalf, on_late=on_late))

    def _set_breaker(self, to: str, action: str) -> None:
        """Have the breaker of an old agent's action, if it has one, expect answers or none; see ``expect_answers``."""
        seat = self._seats.get(to)
        if seat is None or not isinstance(self._options.policies, Breakers):
            return
        breaker = self._bus.breaker(to, action) if action in seat.handlers else None
        if breaker is not None:
            expect_answers(breaker, self._bus.now(), has_answered=action in seat.answers)

    def _unasked(self, work: Coroutine[Any, Any, None], message: AgentMessage, to: str, place: Here) -> None:
        """Tell an old agent that its request was stopped before its first step; else nothing."""
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:
            work.close()
            self._hand_back(message, to, MessageType.ERROR, _STOPPED, place)

    def _hand_back(
        self,
        message: AgentMessage,
        by: str,
        kind: MessageType,
        data: object,
        place: Here = _NOWHERE,
        *,
        is_late: bool = False,
    ) -> None:
        """Bring what became of a request to the asker's handler, if it has one."""
        response = new_message(by, message.sender_id, kind, message.action, as_dict(data), message.id)
        self.note(response, is_late=is_late)
        seat = self._seats.get(message.sender_id)
        if seat is not None:
            seat.deliver(response, self._still(place.request), place.lane)

    def _answer(self, message: AgentMessage) -> None:
        """Take an old agent's answer to a request."""
        data = {} if message.data is None else as_dict(message.data)
        answer = ErrorReply(data) if message.message_type is MessageType.ERROR else data
        seat = self._seats.get(message.sender_id)
        request_id = message.response_to or ""
        if seat is None or not seat.answered(request_id, answer):
            unknown = Envelope(request_id, Kind.ASK, "", message.sender_id, message.action, None, request_id)
            self._bus.answers.answer(unknown, data)  # which makes it a dead letter

    def _receivers(self, message: AgentMessage) -> list[str]:
        if message.receiver_id != _EVERYBODY:
            return [message.receiver_id]
        names = dict.fromkeys((*self.agents, *self._spoken))
        return [name for name in names if name != message.sender_id and self._takes(name, message.action)]

    def _takes(self, name: str, action: str) -> bool:
        agent = self._seats.get(name) or self.agents.get(name)
        return action in self._spoken.get(name, ()) or (isinstance(agent, Agent) and action in agent.handlers)

    def _body(self, message: AgentMessage, to: str) -> Message:
        """Return what travels on the bus: for an agent of the new API the message that it knows."""
        kind = self._spoken.get(to, {}).get(message.action)
        if kind is None:
            return LegacyMessage(message.action, message.data, message)
        try:
            return kind(**(message.data or {}))
        except TypeError as error:
            raise ContractViolation(f"{to} takes {kind.__name__} for {message.action}: {error}.") from error

    def _still(self, request: Envelope | None) -> Envelope | None:
        """Return a request if somebody still waits for its answer: then what is sent on its behalf has its deadline."""
        return request if request is not None and self._bus.answers.is_waiting(request) else None

    # -------------------------------------------------------------- looking

    def note(self, message: AgentMessage, *, is_late: bool = False) -> None:
        """Put a message into the history."""
        self._history.note(message, is_late=is_late)

    @property
    def message_history(self) -> list[AgentMessage]:
        """The latest messages, oldest first."""
        return self._history.messages()

    def get_message_history(self, agent_id: str | int | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Return the latest messages as plain data, oldest first; a late response has ``"late": True``.

        Args:
            agent_id: Only those that this agent sent or was sent; a number is taken for the limit.
            limit: How many at most.
        """
        if isinstance(agent_id, int):
            return self._history.as_data(None, agent_id)
        return self._history.as_data(agent_id, limit)

    def get_message_statistics(self) -> dict[str, Any]:
        """Return what the bus has done since its start.

        ``queue_size`` counts the messages that wait for their agent, ``outcomes`` how requests ended,
        ``contract_violations`` second answers and the like, ``dead_letters`` what found no taker, by reason.
        """
        statistics = self._snapshot()
        lanes = [seat.lanes for seat in tuple(self._seats.values()) if seat.lanes is not None]
        return {
            "total_messages": self._history.total,
            "queue_size": sum(one.queued for one in lanes) + sum(one.waiting for one in statistics.agents.values()),
            "registered_agents": len(self.agents),
            "late_responses": self._history.late,
            "pending_requests": statistics.pending,
            "contract_violations": statistics.contract_violations,
            "outcomes": {outcome.value: count for outcome, count in statistics.outcomes.items() if count},
            "dead_letters": {reason.value: count for reason, count in statistics.dead_letters.items()},
        }

    def _snapshot(self) -> BusStatistics:
        async def snapshot() -> BusStatistics:
            return self._bus.statistics()

        try:
            return self._run(snapshot)
        except ContractViolation:  # it does not run, or we are on its loop: nothing changes while we look
            return self._bus.statistics()

    def get_agent_status(self) -> dict[str, dict[str, Any]]:
        """Return, by name, each agent's type, whether it runs, its actions, and how many messages wait for it."""
        status: dict[str, dict[str, Any]] = {}
        for name, agent in tuple(self.agents.items()):
            if isinstance(agent, Agent):
                kind, running, handlers = type(agent).__name__, self.running, list(agent.handlers)
            else:
                kind, running, handlers = agent.agent_type, agent.running, list(agent.message_handlers)
            seat = self._seats.get(name)
            lanes = None if seat is None else seat.lanes
            queued, busy = (0, False) if lanes is None else (lanes.queued, lanes.busy)
            status[name] = {
                "agent_type": kind,
                "running": running,
                "handlers": handlers,
                "queued": queued,
                "busy": busy,
            }
        return status


def _words(error: FablewrightError) -> dict[str, Any]:
    """Return an error as the data of a message of type ERROR."""
    cause = error.__cause__
    if isinstance(error, RemoteError) and isinstance(cause, ErrorReply):
        return {**cause.data, "success": False}
    return {"success": False, "error": str(error), "error_type": type(error).__name__}
