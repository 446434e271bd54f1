"""The old API, with real threads: what is waited for is an Event, with a time-out that only a failure reaches."""

from __future__ import annotations

import importlib.util
import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import (
    CircuitOpen,
    ContractViolation,
    DeadlineExceeded,
    PeerLost,
    RemoteError,
    RequestFailed,
    UnknownRecipient,
)
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears
from fablewright.runtime.bus import Bus
from fablewright.runtime.legacy import (
    AgentMessage,
    AgentOrchestrator,
    BaseAgent,
    LegacyMessage,
    MessageBus,
    MessageType,
    lanes,
)
from fablewright.runtime.policies import BusOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fablewright.runtime.context import Context

LONG = 20.0
"""Seconds; nothing below waits so long unless it fails."""


class Scripted(BaseAgent):
    """Has the handlers that a test gives it."""

    def __init__(self, agent_id: str, **handlers: Callable[[Scripted, AgentMessage], Any]) -> None:
        self.scripts = handlers
        self.got: list[AgentMessage] = []
        self.came = threading.Condition()
        super().__init__(agent_id, "Scripted")

    def _setup_handlers(self) -> None:
        for action, script in self.scripts.items():
            self.register_handler(action, lambda message, script=script: script(self, message))

    def hear(self, message: AgentMessage) -> None:
        with self.came:
            self.got.append(message)
            self.came.notify_all()

    def wait_for(self, count: int) -> list[AgentMessage]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.got) >= count, LONG), f"{len(self.got)} of {count} came"
            return list(self.got)


def hear(agent: Scripted, message: AgentMessage) -> None:
    agent.hear(message)


def no_documents(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
    return {"success": True, "documents": []}


class Haystack(BaseAgent):
    """The old document retrieval, with instant documents."""

    def __init__(self) -> None:
        super().__init__("haystack_pipeline", "HaystackPipeline")

    def _setup_handlers(self) -> None:
        self.register_handler("retrieve_documents", self.handle_retrieve)

    def handle_retrieve(self, message: AgentMessage) -> dict[str, Any]:
        return {"success": True, "documents": [{"content": f"notes on {message.data['query']}"}]}


class BlockingGenerator(BaseAgent):
    """The old generator with its defect: it waits, in its handler, for documents that come as a message."""

    def __init__(self, patience: float | None = LONG) -> None:
        self.patience = patience
        self.waiting: dict[str, tuple[threading.Event, list[Any]]] = {}
        self.unknown: list[AgentMessage] = []
        super().__init__("scenario_generator", "ScenarioGenerator")

    def _setup_handlers(self) -> None:
        self.register_handler("generate_scenario", self.handle_generate)
        self.register_handler("retrieve_documents", self.handle_documents)

    def handle_generate(self, message: AgentMessage) -> None:
        event, documents = threading.Event(), []
        request_id = self.send_message("haystack_pipeline", "retrieve_documents", {"query": message.data["query"]})
        self.waiting[request_id] = (event, documents)  # after the request went out, as everybody wrote it
        event.wait(self.patience)
        del self.waiting[request_id]
        self.send_response(message, {"success": True, "scenario": "A scene", "documents": documents})

    def handle_documents(self, message: AgentMessage) -> None:
        waiting = self.waiting.get(message.response_to or "")
        if waiting is None:
            self.unknown.append(message)
            return
        waiting[1].extend(message.data.get("documents", []))
        waiting[0].set()


class DeferringGenerator(BaseAgent):
    """The old generator as it was meant to be: it answers when the documents come."""

    def __init__(self) -> None:
        self.requests: dict[str, AgentMessage] = {}
        super().__init__("scenario_generator", "ScenarioGenerator")

    def _setup_handlers(self) -> None:
        self.register_handler("generate_scenario", self.handle_generate)
        self.register_handler("retrieve_documents", self.handle_documents)

    def handle_generate(self, message: AgentMessage) -> None:
        request_id = self.send_message("haystack_pipeline", "retrieve_documents", {"query": message.data["query"]})
        self.requests[request_id] = message

    def handle_documents(self, message: AgentMessage) -> None:
        request = self.requests.pop(message.response_to or "")
        self.send_response(request, {"success": True, "scenario": "A scene", "documents": message.data["documents"]})


@contextmanager
def running(*agents: BaseAgent | Agent, **settings: Any) -> Iterator[AgentOrchestrator]:
    before = set(threading.enumerate())
    orchestrator = AgentOrchestrator(message_bus=MessageBus(**settings))
    for agent in agents:
        orchestrator.register_agent(agent)
    orchestrator.start()
    try:
        yield orchestrator
    finally:
        orchestrator.stop()
    nothing_is_left(before)


# ------------------------------------------------------------------ the five defects of the old system


def test_a_handler_that_blocks_for_documents_gets_them_in_milliseconds() -> None:
    generator = BlockingGenerator()
    with running(Haystack(), generator) as orchestrator:
        began = time.perf_counter()
        scene = orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", {"query": "the mill"})
        took = time.perf_counter() - began
    assert scene["documents"] == [{"content": "notes on the mill"}]
    assert took < 1.0  # the old system: 30 s, then without documents
    assert not generator.unknown


def test_no_documents_come_for_an_unknown_request_though_the_id_is_noted_after_sending() -> None:
    generator = BlockingGenerator()
    with running(Haystack(), generator) as orchestrator:
        for turn in range(300):
            query = {"query": f"scene {turn}"}
            scene = orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", query)
            assert scene["documents"] == [{"content": f"notes on scene {turn}"}]
    assert not generator.unknown
    assert not generator.waiting


def test_a_response_does_not_overtake_the_handler_that_is_about_to_note_its_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The handler works on for a while after it has sent; only then is it ready for the response."""
    monkeypatch.setattr(lanes, "PATIENCE", LONG)
    order: list[str] = []
    answered = threading.Event()

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.send_message("haystack_pipeline", "retrieve_documents", {"query": "x"})
        time.sleep(0.05)  # to those who look on, this is work
        order.append("noted")
        return {}

    def documents(agent: Scripted, message: AgentMessage) -> None:
        order.append("documents")
        answered.set()

    with running(Haystack(), Scripted("worker", work=work, retrieve_documents=documents)) as orchestrator:
        began = time.monotonic()
        orchestrator.send_message_and_wait("worker", "work")
        assert answered.wait(LONG)
        assert time.monotonic() - began < LONG / 2
    assert order == ["noted", "documents"]


def test_a_handler_that_is_seen_to_wait_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE", LONG)
    with running(Haystack(), BlockingGenerator()) as orchestrator:
        began = time.monotonic()
        orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", {"query": "x"}, timeout=LONG)
        assert time.monotonic() - began < LONG / 2


def test_a_handler_that_sleeps_and_looks_gets_its_documents_too() -> None:
    found: list[Any] = []

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.send_message("haystack_pipeline", "retrieve_documents", {"query": "x"})
        until = time.monotonic() + LONG
        while not found and time.monotonic() < until:
            time.sleep(0.01)
        return {"found": len(found)}

    def documents(agent: Scripted, message: AgentMessage) -> None:
        found.append(message.data["documents"])

    with running(Haystack(), Scripted("worker", work=work, retrieve_documents=documents)) as orchestrator:
        assert orchestrator.send_message_and_wait("worker", "work", timeout=LONG) == {"found": 1}


def test_the_late_documents_reach_their_handler_and_are_marked_as_late() -> None:
    held, told = threading.Event(), threading.Event()

    def retrieve(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        assert held.wait(LONG)
        return {"success": True, "documents": ["late notes"]}

    def ask(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        return {"id": agent.send_message("haystack_pipeline", "retrieve_documents", {"query": "x"})}

    def documents(agent: Scripted, message: AgentMessage) -> None:
        agent.hear(message)
        told.set()

    asker = Scripted("asker", ask=ask, retrieve_documents=documents)
    with running(Scripted("haystack_pipeline", retrieve_documents=retrieve), asker, timeout=0.3) as orchestrator:
        request_id = orchestrator.send_message_and_wait("asker", "ask", timeout=LONG)["id"]
        error = asker.wait_for(1)[0]
        held.set()
        response = asker.wait_for(2)[1]
        history = orchestrator.message_bus.get_message_history()
        statistics = orchestrator.get_message_statistics()
    assert error.message_type is MessageType.ERROR
    assert error.data["error_type"] == "DeadlineExceeded"
    assert (response.message_type, response.response_to) == (MessageType.RESPONSE, request_id)
    assert response.data["documents"] == ["late notes"]
    assert [entry["message_type"] for entry in history if entry.get("late")] == ["response"]
    assert statistics["late_responses"] == 1
    assert statistics["dead_letters"] == {"late": 1}


def test_a_handler_that_sends_a_response_and_returns_one_answers_once(caplog: pytest.LogCaptureFixture) -> None:
    def both(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.send_response(message, {"answer": "sent"})
        return {"answer": "returned"}

    def ask(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("both", "answer")

    asker = Scripted("asker", ask=ask, answer=hear, end=no_documents)
    with running(Scripted("both", answer=both), asker) as orchestrator:
        assert orchestrator.send_message_and_wait("both", "answer") == {"answer": "sent"}
        orchestrator.send_message_to_agent("asker", "ask")
        asker.wait_for(1)
        orchestrator.send_message_and_wait("asker", "end")
        until = time.monotonic() + 5.0  # a handler that has answered returns when its thread has its turn
        while orchestrator.get_message_statistics()["contract_violations"] < 2 and time.monotonic() < until:
            time.sleep(0.01)
        statistics = orchestrator.get_message_statistics()
    assert [message.data for message in asker.got] == [{"answer": "sent"}]
    assert statistics["contract_violations"] == 2
    assert statistics["dead_letters"] == {"duplicate": 2}
    assert "answered twice" in caplog.text


def test_a_handler_that_returns_nothing_has_deferred() -> None:
    kept: list[AgentMessage] = []
    taken = threading.Event()

    def defer(agent: Scripted, message: AgentMessage) -> None:
        kept.append(message)
        taken.set()

    deferring = Scripted("deferring", work=defer)

    def finish() -> None:
        assert taken.wait(LONG)
        deferring.send_response(kept.pop(), {"done": True})

    with running(deferring) as orchestrator:
        threading.Thread(target=finish).start()
        assert orchestrator.send_message_and_wait("deferring", "work") == {"done": True}
        assert orchestrator.get_message_statistics()["contract_violations"] == 0


def test_a_response_by_a_copy_of_the_request_counts_as_well() -> None:
    """Some agents kept the request as plain data."""

    def defer(agent: Scripted, message: AgentMessage) -> None:
        copy = AgentMessage.from_dict(message.to_dict())
        del message
        agent.send_response(copy, {"done": True})

    with running(Scripted("deferring", work=defer)) as orchestrator:
        assert orchestrator.send_message_and_wait("deferring", "work") == {"done": True}


def test_what_is_never_answered_leaves_nothing_behind() -> None:
    def forget(agent: Scripted, message: AgentMessage) -> None:
        return None

    with running(Scripted("forgetful", work=forget), timeout=0.02) as orchestrator:
        for _ in range(20):
            with pytest.raises(DeadlineExceeded):
                orchestrator.send_message_and_wait("forgetful", "work")
        assert orchestrator.get_message_statistics()["pending_requests"] == 0
        seat = orchestrator.message_bus._seats["forgetful"]
        assert not seat._tickets
        assert not seat.asks
        assert not len(orchestrator.message_bus._supervisor)


def test_a_failing_dependency_is_left_alone_for_a_while() -> None:
    calls: list[str] = []

    def fail_after_the_first(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        calls.append(message.id)
        if len(calls) > 1:
            raise OSError("the index is gone")
        return {}

    haystack = Scripted("haystack_pipeline", retrieve_documents=fail_after_the_first, other=no_documents)
    with running(haystack) as orchestrator:
        orchestrator.send_message_and_wait("haystack_pipeline", "retrieve_documents")
        for _ in range(5):
            with pytest.raises(RemoteError, match="the index is gone"):
                orchestrator.send_message_and_wait("haystack_pipeline", "retrieve_documents")
        with pytest.raises(CircuitOpen):
            orchestrator.send_message_and_wait("haystack_pipeline", "retrieve_documents")
        assert orchestrator.send_message_and_wait("haystack_pipeline", "other")["success"]
    assert len(calls) == 6


def test_a_command_that_never_answers_is_carried_out_every_time() -> None:
    engine = Scripted("game_engine", add_scene=hear)
    with running(engine, timeout=0.5) as orchestrator:
        for turn in range(6):
            orchestrator.send_message_to_agent("game_engine", "add_scene", {"turn": turn})
        with pytest.raises(DeadlineExceeded):
            orchestrator.send_message_and_wait("game_engine", "add_scene", {"turn": 6})
        assert orchestrator.get_message_statistics()["outcomes"] == {"expired": 7}
        orchestrator.send_message_to_agent("game_engine", "add_scene", {"turn": 7})
        assert [message.data["turn"] for message in engine.wait_for(8)] == list(range(8))


# ------------------------------------------------------------------ errors and outcomes


def test_a_handler_that_raises_answers_with_an_error() -> None:
    def fail(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        raise ValueError("no such scroll")

    def ask(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("failing", "read")

    asker = Scripted("asker", ask=ask, read=hear)
    with running(Scripted("failing", read=fail), asker) as orchestrator:
        orchestrator.send_message_to_agent("asker", "ask")
        (error,) = asker.wait_for(1)
        types = [entry["message_type"] for entry in orchestrator.message_bus.get_message_history("failing")]
    assert error.message_type is MessageType.ERROR
    assert error.data == {
        "success": False,
        "error": "failing failed on read: ValueError: no such scroll",
        "error_type": "RemoteError",
    }
    assert types == ["request", "error"]


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), StopIteration()])
def test_nothing_that_a_handler_raises_ends_its_agent(raised: BaseException) -> None:
    def fail(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        raise raised

    with running(Scripted("agent", fail=fail, work=no_documents)) as orchestrator:
        with pytest.raises(RequestFailed):
            orchestrator.send_message_and_wait("agent", "fail")
        assert orchestrator.send_message_and_wait("agent", "work")["success"]


def test_an_error_that_an_agent_sends_itself_keeps_its_data() -> None:
    def refuse(agent: Scripted, message: AgentMessage) -> None:
        bus = agent.message_bus
        assert isinstance(bus, MessageBus)
        data = {"error": "closed on Mondays", "opens": "Tuesday"}
        error = AgentMessage("1", "shop", message.sender_id, MessageType.ERROR, message.action, data, 0.0, message.id)
        bus.send_message(error)

    def ask(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("shop", "buy")

    asker = Scripted("asker", ask=ask, buy=hear)
    with running(Scripted("shop", buy=refuse), asker) as orchestrator:
        orchestrator.send_message_to_agent("asker", "ask")
        (error,) = asker.wait_for(1)
    assert error.message_type is MessageType.ERROR
    assert error.data == {"success": False, "error": "closed on Mondays", "opens": "Tuesday"}


def test_who_asks_a_stranger_or_for_a_strange_thing_is_told_at_once() -> None:
    def ask(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("nobody", "greet")
        agent.send_message("haystack_pipeline", "greet")

    asker = Scripted("asker", ask=ask, greet=hear)
    with running(Haystack(), asker) as orchestrator:
        orchestrator.send_message_to_agent("asker", "ask")
        errors = {message.sender_id: message.data["error"] for message in asker.wait_for(2)}
        with pytest.raises(UnknownRecipient):
            orchestrator.send_message_and_wait("nobody", "greet")
    assert errors["nobody"].startswith("There is no agent named nobody; there are: ")
    assert errors["haystack_pipeline"] == "haystack_pipeline cannot greet; it can: retrieve_documents."


def test_no_handler_begins_after_its_deadline() -> None:
    held, begun = threading.Event(), []

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        begun.append(message.data["n"])
        assert held.wait(LONG)
        return {}

    slow = Scripted("slow", work=work, other=no_documents)
    with running(slow) as orchestrator:
        orchestrator.send_message_to_agent("slow", "work", {"n": 1})
        with pytest.raises(DeadlineExceeded):
            orchestrator.send_message_and_wait("slow", "work", {"n": 2}, timeout=0.05)
        held.set()
        orchestrator.send_message_and_wait("slow", "other")
    assert begun == [1]


def test_a_child_never_waits_longer_than_its_parent() -> None:
    kept: list[AgentMessage] = []

    def keep(agent: Scripted, message: AgentMessage) -> None:
        kept.append(message)

    def ask(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        return agent.send_message_and_wait("silent", "answer", timeout=LONG)

    with running(Scripted("silent", answer=keep), Scripted("asker", ask=ask)) as orchestrator:
        began = time.monotonic()
        with pytest.raises(RequestFailed):
            orchestrator.send_message_and_wait("asker", "ask", timeout=0.1)
        waits = orchestrator.message_bus.bus.waits()
        assert time.monotonic() - began < LONG / 2
    assert not [wait for wait in waits if wait.until > began + 1.0]


def test_a_value_that_is_no_dict_answers_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def answer(agent: Scripted, message: AgentMessage) -> object:
        agent.send_response(message, {"answer": 42})
        return True

    with running(Scripted("odd", answer=answer, end=no_documents)) as orchestrator:
        assert orchestrator.send_message_and_wait("odd", "answer") == {"answer": 42}
        orchestrator.send_message_and_wait("odd", "end")
        assert orchestrator.get_message_statistics()["contract_violations"] == 0
    assert "odd returned bool for answer" in caplog.text


def test_an_answer_to_what_was_never_asked_is_a_dead_letter() -> None:
    with running(Scripted("agent", work=no_documents)) as orchestrator:
        stray = AgentMessage("1", "agent", "orchestrator", MessageType.RESPONSE, "work", {}, 0.0, "never asked")
        orchestrator.message_bus.send_message(stray)
        orchestrator.send_message_and_wait("agent", "work")
        assert orchestrator.get_message_statistics()["dead_letters"] == {"unknown": 1}


# ------------------------------------------------------------------ threads


def test_handlers_of_one_agent_never_overlap_though_many_ask_at_once() -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.0005)
        with lock:
            inside -= 1
        return {"n": message.data["n"]}

    with running(Scripted("agent", work=work)) as orchestrator:
        replies = at_once(200, lambda n: orchestrator.send_message_and_wait("agent", "work", {"n": n}, timeout=LONG))
    assert replies == [{"n": n} for n in range(200)]
    assert most == 1


@pytest.mark.parametrize("kinds", ["e", "r", "er", "rre"])
def test_what_one_sends_is_handled_in_its_order(kinds: str) -> None:
    def handle(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        if message.message_type is not MessageType.RESPONSE:
            agent.hear(message)
        return {}

    sender, receiver = Scripted("sender", news=handle), Scripted("receiver", news=handle)
    with running(sender, receiver):
        for n in range(60):
            kind = MessageType.EVENT if kinds[n % len(kinds)] == "e" else MessageType.REQUEST
            sender.send_message("receiver", "news", {"n": n}, kind)
        assert [message.data["n"] for message in receiver.wait_for(60)] == list(range(60))


def test_two_hundred_scenes_at_once_each_get_their_own_documents() -> None:
    with running(Haystack(), DeferringGenerator()) as orchestrator:
        scenes = at_once(
            200,
            lambda n: orchestrator.send_message_and_wait(
                "scenario_generator", "generate_scenario", {"query": f"{n}"}, timeout=LONG
            ),
        )
        statistics = orchestrator.get_message_statistics()
    assert [scene["documents"] for scene in scenes] == [[{"content": f"notes on {n}"}] for n in range(200)]
    assert statistics["outcomes"] == {"replied": 400}
    assert statistics["pending_requests"] == 0


def test_an_agent_that_blocks_delays_nobody_but_itself() -> None:
    held, began = threading.Event(), threading.Event()

    def block(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        began.set()
        assert held.wait(LONG)
        return {}

    with running(Scripted("stuck", block=block), Haystack(), DeferringGenerator()) as orchestrator:
        orchestrator.send_message_to_agent("stuck", "block")
        assert began.wait(LONG)
        for _ in range(20):
            scene = orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", {"query": "x"})
            assert scene["success"]
        assert orchestrator.get_agent_status()["stuck"]["busy"]
        held.set()


def test_waiting_handlers_nest() -> None:
    """The handler of a response waits for a response itself, on the next lane down."""
    outer, inner = threading.Event(), threading.Event()

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.send_message("echo", "first")
        return {"done": outer.wait(LONG)}

    def first(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("echo", "second")
        assert inner.wait(LONG)
        outer.set()

    def second(agent: Scripted, message: AgentMessage) -> None:
        inner.set()

    asker = Scripted("asker", work=work, first=first, second=second)
    with running(asker, Scripted("echo", first=no_documents, second=no_documents)) as orchestrator:
        assert orchestrator.send_message_and_wait("asker", "work", timeout=LONG) == {"done": True}


def test_an_event_reaches_a_handler_that_waits_for_it() -> None:
    happened = threading.Event()

    def wait(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.broadcast_event("waiting")
        return {"happened": happened.wait(LONG)}

    def on_waiting(agent: Scripted, message: AgentMessage) -> None:
        agent.broadcast_event("signal", {"n": 1})

    def on_signal(agent: Scripted, message: AgentMessage) -> None:
        happened.set()

    waiter, other = Scripted("waiter", wait=wait, signal=on_signal), Scripted("other", waiting=on_waiting)
    with running(waiter, other) as orchestrator:
        assert orchestrator.send_message_and_wait("waiter", "wait", timeout=LONG) == {"happened": True}


def test_ticks_come_while_the_agent_runs_and_not_in_the_middle_of_a_handler() -> None:
    class Ticking(Scripted):
        in_handler = False
        overlapped = False

        def process_tick(self) -> None:
            self.overlapped |= self.in_handler
            self.hear(AgentMessage("", "", "", MessageType.EVENT, "tick", None, 0.0))

    def work(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        assert isinstance(agent, Ticking)
        agent.in_handler = True
        time.sleep(0.02)
        agent.in_handler = False
        return {}

    agent = Ticking("ticking", work=work)
    before = set(threading.enumerate())
    orchestrator = AgentOrchestrator()
    orchestrator.tick_interval = 0.002
    orchestrator.register_agent(agent)
    orchestrator.start()
    agent.wait_for(3)
    orchestrator.send_message_and_wait("ticking", "work")
    agent.wait_for(len(agent.got) + 2)
    orchestrator.stop()
    ticks = len(agent.got)
    nothing_is_left(before)
    assert not agent.overlapped
    assert len(agent.got) == ticks


def test_a_bad_tick_does_not_end_the_agent(caplog: pytest.LogCaptureFixture) -> None:
    ticked = threading.Event()

    class Bad(Scripted):
        def process_tick(self) -> None:
            ticked.set()
            raise RuntimeError("tick")

    with running(Bad("bad", work=no_documents)) as orchestrator:
        assert ticked.wait(LONG)
        assert orchestrator.send_message_and_wait("bad", "work")["success"]
    assert "bad failed in its tick" in caplog.text


# ------------------------------------------------------------------ broadcasts and history


def test_a_broadcast_reaches_all_but_its_sender() -> None:
    one, two, three = (Scripted(name, news=hear) for name in ("one", "two", "three"))
    deaf = Scripted("deaf", other=hear)
    with running(one, two, three, deaf) as orchestrator:
        one.broadcast_event("news", {"n": 1})
        assert [agent.wait_for(1)[0].data for agent in (two, three)] == [{"n": 1}] * 2
        orchestrator.broadcast_event("news", {"n": 2})
        assert one.wait_for(1)[0].message_type is MessageType.BROADCAST
        assert two.wait_for(2)[1].sender_id == "orchestrator"
        assert orchestrator.get_message_statistics()["dead_letters"] == {}
    assert [message.data["n"] for message in one.got] == [2]


def test_a_request_to_everybody_is_answered_by_each() -> None:
    def name(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        return {"name": agent.agent_id}

    def ask(agent: Scripted, message: AgentMessage) -> None:
        agent.send_message("broadcast", "name")

    asker = Scripted("asker", ask=ask, name=hear)
    with running(asker, Scripted("one", name=name), Scripted("two", name=name)) as orchestrator:
        orchestrator.send_message_to_agent("asker", "ask")
        assert {message.data["name"] for message in asker.wait_for(2)} == {"one", "two"}


def test_a_poller_finds_the_response_in_the_history() -> None:
    """This is how callers outside got their answers."""
    with running(Haystack()) as orchestrator:
        message_id = orchestrator.send_message_to_agent("haystack_pipeline", "retrieve_documents", {"query": "x"})
        until = time.monotonic() + LONG
        found: dict[str, Any] = {}
        while not found and time.monotonic() < until:
            for entry in reversed(orchestrator.message_bus.get_message_history(limit=50)):
                if entry.get("response_to") == message_id and entry.get("message_type") == "response":
                    found = entry["data"]
    assert found["documents"]


def test_the_history_is_bounded_and_filtered() -> None:
    with running(Haystack(), Scripted("other", work=no_documents), max_history=6) as orchestrator:
        for n in range(5):
            orchestrator.send_message_and_wait("haystack_pipeline", "retrieve_documents", {"query": n})
        orchestrator.send_message_and_wait("other", "work")
        bus = orchestrator.message_bus
        everything = bus.get_message_history()
        assert len(everything) == len(bus.message_history) == 6
        assert bus.get_message_history(2) == bus.get_message_history(limit=2) == everything[-2:]
        assert bus.get_message_history(0) == []
        assert bus.get_message_history("other") == everything[-2:]
        assert bus.get_message_history("haystack_pipeline", 1) == everything[3:4]
        assert orchestrator.get_message_statistics()["total_messages"] == 12


def test_status_says_what_old_callers_look_for() -> None:
    with running(Haystack(), Dice()) as orchestrator:
        status = orchestrator.get_agent_status()
        statistics = orchestrator.get_message_statistics()
    old, new = status["haystack_pipeline"], status["dice"]
    assert (old["agent_type"], old["running"], old["handlers"]) == ("HaystackPipeline", True, ["retrieve_documents"])
    assert (new["agent_type"], new["running"], new["handlers"]) == ("Dice", True, ["roll", "shake", "relay"])
    assert (statistics["registered_agents"], statistics["queue_size"]) == (2, 0)
    assert not orchestrator.get_agent_status()["haystack_pipeline"]["running"]


# ------------------------------------------------------------------ a whole module

OLD_MODULE = '''
import threading
from typing import Any, Dict, Optional

from agent_framework import AgentMessage, BaseAgent, MessageType


class NPCControllerAgent(BaseAgent):
    """Answers for the innkeeper, with what the notes know."""

    def __init__(self, verbose: bool = False):
        super().__init__("npc_controller", "NPCController")
        self.verbose = verbose
        self.pending: Dict[str, AgentMessage] = {}
        self.lock = threading.RLock()
        self.ticks = 0

    def _setup_handlers(self):
        self.register_handler("npc_says", self._handle_npc_says)
        self.register_handler("retrieve_documents", self._handle_documents)
        self.register_handler("game_state_updated", self._handle_game_state_updated)

    def _handle_npc_says(self, message: AgentMessage) -> Optional[Dict[str, Any]]:
        if not message.data.get("npc"):
            return {"success": False, "error": "No NPC"}
        rag_id = self.send_message("haystack_pipeline", "retrieve_documents", {"query": message.data["npc"]})
        with self.lock:
            self.pending[rag_id] = message
        return None

    def _handle_documents(self, message: AgentMessage):
        if message.message_type != MessageType.RESPONSE:
            return
        with self.lock:
            original = self.pending.pop(message.response_to)
        self.send_response(original, {"success": True, "says": message.data["documents"][0]["content"]})
        self.broadcast_event("game_state_updated", {"npc": original.data["npc"]})

    def _handle_game_state_updated(self, message: AgentMessage):
        raise AssertionError("an agent does not hear its own events")

    def process_tick(self):
        self.ticks += 1
'''


def test_an_old_module_runs_when_its_import_line_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "npc_controller.py"
    path.write_text(
        OLD_MODULE.replace("from agent_framework import", "from fablewright.runtime.legacy import"), "utf-8"
    )
    spec = importlib.util.spec_from_file_location("npc_controller", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    npc = module.NPCControllerAgent(verbose=True)
    listener = Scripted("game_engine", game_state_updated=hear)
    with running(Haystack(), npc, listener) as orchestrator:
        said = orchestrator.send_message_and_wait("npc_controller", "npc_says", {"npc": "Marta"})
        assert listener.wait_for(1)[0].data == {"npc": "Marta"}
        assert orchestrator.send_message_and_wait("npc_controller", "npc_says", {})["error"] == "No NPC"
    assert said == {"success": True, "says": "notes on Marta"}


# ------------------------------------------------------------------ old and new agents together


@dataclass(frozen=True, slots=True)
class Rolled:
    total: int


@dataclass(frozen=True, slots=True)
class Roll(Request[Rolled]):
    action = "roll"
    dice: str


@dataclass(frozen=True, slots=True)
class Shake(Message):
    action = "shake"
    times: int


@dataclass(frozen=True, slots=True)
class Relay(Request[dict[str, Any]]):
    action = "relay"
    query: str


class Dice(Agent):
    name = "dice"

    def __init__(self) -> None:
        self.shaken = threading.Event()

    @handles(Roll)
    async def roll(self, request: Roll, ctx: Context) -> Rolled:
        return Rolled(len(request.dice))

    @hears(Shake)
    async def shake(self, message: Shake, ctx: Context) -> None:
        assert message.times == 3
        self.shaken.set()

    @handles(Relay)
    async def relay(self, request: Relay, ctx: Context) -> dict[str, Any]:
        return await ctx.ask("haystack_pipeline", LegacyMessage("retrieve_documents", {"query": request.query}))


def test_a_new_agent_on_the_old_bus_asks_and_is_asked() -> None:
    def ask(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        agent.send_message("broadcast", "shake", {"times": 3}, MessageType.EVENT)
        return agent.send_message_and_wait("dice", "roll", {"dice": "2d6"})

    dice = Dice()
    with running(Haystack(), Scripted("asker", ask=ask)) as orchestrator:
        orchestrator.register_agent(dice, [Roll, Shake, Relay])
        assert orchestrator.send_message_and_wait("asker", "ask") == {"success": True, "total": 3}
        assert dice.shaken.wait(LONG)
        relayed = orchestrator.send_message_and_wait("dice", "relay", {"query": "the mill"})
        assert relayed["documents"] == [{"content": "notes on the mill"}]
        with pytest.raises(ContractViolation, match="dice takes Roll for roll"):
            orchestrator.send_message_and_wait("dice", "roll", {"sides": 6})
        history = orchestrator.message_bus.get_message_history("haystack_pipeline")
    assert [(entry["sender_id"], entry["message_type"]) for entry in history] == [
        ("dice", "request"),
        ("haystack_pipeline", "response"),
    ]


@pytest.mark.anyio
async def test_old_agents_live_on_a_bus_of_somebody_elses() -> None:
    bus = Bus()
    old = MessageBus(on=bus)
    generator = BlockingGenerator()
    old.register_agent(generator)
    old.register_agent(Haystack())
    bus.register(Dice())
    before = set(threading.enumerate())
    async with bus:
        assert generator.running
        ask = LegacyMessage("generate_scenario", {"query": "the mill"})
        scene = await bus.ask("scenario_generator", ask, timeout=LONG)
        assert scene["documents"] == [{"content": "notes on the mill"}]
        assert (await bus.ask("dice", Relay("the inn")))["documents"] == [{"content": "notes on the inn"}]
        assert (await bus.ask("haystack_pipeline", Typed("the well")))["documents"][0]["content"] == "notes on the well"
        with pytest.raises(ContractViolation, match="event loop"):
            old.ask("haystack_pipeline", "retrieve_documents", {"query": "x"})
        assert old.get_message_statistics()["pending_requests"] == 0
        statistics = bus.statistics()
        assert statistics.asked == sum(statistics.outcomes.values())
    assert not generator.running
    assert {thread for thread in set(threading.enumerate()) - before if "scenario" in thread.name} == set()
    for misuse in (old.start, old.stop, lambda: old.unregister_agent("haystack_pipeline")):
        with pytest.raises(ContractViolation):
            misuse()


@dataclass(frozen=True, slots=True)
class Typed(Request[dict[str, Any]]):
    action = "retrieve_documents"
    query: str


@pytest.mark.anyio
async def test_a_new_asker_of_an_old_agent_gets_its_error() -> None:
    def fail(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        raise ValueError("no such scroll")

    bus = Bus()
    MessageBus(on=bus).register_agent(Scripted("reader", read=fail))
    async with bus:
        with pytest.raises(RemoteError) as caught:
            await bus.ask("reader", LegacyMessage("read"))
    assert isinstance(caught.value.__cause__, ValueError)


# ------------------------------------------------------------------ beginnings and ends


def test_what_is_sent_before_the_start_is_delivered_after_it() -> None:
    bus, agent = MessageBus(), Scripted("agent", work=hear)
    bus.register_agent(agent)
    agent.send_message("agent", "work", {"n": 1})
    bus.start()
    assert agent.wait_for(1)[0].data == {"n": 1}
    bus.stop()


def test_a_bus_can_be_started_again() -> None:
    before = set(threading.enumerate())
    bus = MessageBus()
    bus.register_agent(Haystack())
    for _ in range(3):
        bus.start()
        bus.start()
        assert bus.ask("haystack_pipeline", "retrieve_documents", {"query": "x"})["success"]
        bus.stop()
        bus.stop()
        with pytest.raises(ContractViolation, match="does not run"):
            bus.ask("haystack_pipeline", "retrieve_documents", {"query": "x"})
    nothing_is_left(before)


def test_agents_come_and_go_while_the_bus_runs() -> None:
    held, began = threading.Event(), threading.Event()

    def block(agent: Scripted, message: AgentMessage) -> dict[str, Any]:
        began.set()
        held.wait(LONG)
        return {}

    with running(Haystack()) as orchestrator:
        late = Scripted("late", block=block)
        orchestrator.register_agent(late)
        assert late.running
        waiting: list[BaseException] = []

        def wait() -> None:
            try:
                orchestrator.send_message_and_wait("late", "block", timeout=LONG)
            except RequestFailed as error:
                waiting.append(error)

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert began.wait(LONG)
        threading.Timer(0.05, held.set).start()
        orchestrator.message_bus.unregister_agent("late")
        waiter.join(LONG)
        assert isinstance(waiting[0], PeerLost)
        assert late.message_bus is None
        with pytest.raises(UnknownRecipient):
            orchestrator.send_message_and_wait("late", "block")
        with pytest.raises(ContractViolation, match="no agent named late"):
            orchestrator.message_bus.unregister_agent("late")


def test_stop_wakes_a_handler_that_waits_for_a_reply_without_a_time_out() -> None:
    silent = Scripted("haystack_pipeline", retrieve_documents=lambda agent, message: None)
    generator = BlockingGenerator(patience=None)
    with running(silent, generator, timeout=LONG) as orchestrator:
        orchestrator.send_message_to_agent("scenario_generator", "generate_scenario", {"query": "x"})
        until = time.monotonic() + LONG
        while not generator.waiting and time.monotonic() < until:
            time.sleep(0.001)
        assert generator.waiting
        began = time.monotonic()
    assert time.monotonic() - began < LONG / 2


def test_stop_under_load_leaves_nobody_waiting() -> None:
    outcomes: list[str] = []
    going = threading.Event()

    def ask_on(orchestrator: AgentOrchestrator) -> None:
        while True:
            try:
                orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", {"query": "x"})
            except (RequestFailed, ContractViolation) as error:
                outcomes.append(type(error).__name__)
                return
            going.set()

    for generator in (BlockingGenerator(), DeferringGenerator()):
        with running(Haystack(), generator) as orchestrator:
            threads = [threading.Thread(target=ask_on, args=(orchestrator,)) for _ in range(20)]
            for thread in threads:
                thread.start()
            assert going.wait(LONG)
            orchestrator.stop()
            for thread in threads:
                thread.join(LONG)
                assert not thread.is_alive()
        going.clear()
    assert len(outcomes) == 40
    assert set(outcomes) <= {"Rejected", "ContractViolation", "PeerLost", "RemoteError", "Cancelled"}


def test_a_handler_may_stop_the_bus_that_runs_it() -> None:
    stopped = threading.Event()
    before = set(threading.enumerate())
    orchestrator = AgentOrchestrator()

    def stop(agent: Scripted, message: AgentMessage) -> None:
        orchestrator.stop()
        stopped.set()

    orchestrator.register_agent(Scripted("agent", stop=stop))
    orchestrator.start()
    with pytest.raises(RequestFailed):
        orchestrator.send_message_and_wait("agent", "stop", timeout=LONG)
    assert stopped.wait(LONG)
    for thread in set(threading.enumerate()) - before:
        thread.join(LONG)
    nothing_is_left(before)


def test_a_handler_that_never_ends_is_named_and_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    held, began = threading.Event(), threading.Event()

    def block(agent: Scripted, message: AgentMessage) -> None:
        began.set()
        held.wait()

    orchestrator = AgentOrchestrator()
    orchestrator.register_agent(Scripted("stuck", block=block))
    orchestrator.start()
    orchestrator.send_message_to_agent("stuck", "block")
    assert began.wait(LONG)
    orchestrator.stop()
    assert "A handler of stuck does not end" in caplog.text
    left = [thread for thread in threading.enumerate() if thread.name == "stuck"]
    held.set()
    for thread in left:
        thread.join(LONG)
        assert not thread.is_alive()


def test_if_one_agent_cannot_start_none_runs() -> None:
    class Broken(Haystack):
        def start(self) -> None:
            raise OSError("no index")

    class BrokenNew(Dice):
        async def on_start(self, spawn: object) -> None:
            raise OSError("no dice")

    for broken in (Broken(), BrokenNew()):
        before = set(threading.enumerate())
        orchestrator = AgentOrchestrator()
        orchestrator.register_agent(Scripted("fine", work=no_documents))
        orchestrator.register_agent(broken)
        with pytest.raises(OSError, match=r"no (index|dice)"):
            orchestrator.start()
        assert not orchestrator.running
        nothing_is_left(before)


# ------------------------------------------------------------------ misuse


def test_misuse_is_told_to_the_one_who_did_it() -> None:
    bus = MessageBus()
    haystack = Haystack()
    with pytest.raises(ContractViolation, match="haystack_pipeline is not connected"):
        haystack.send_message("dice", "roll", {})
    haystack.broadcast_event("unheard")  # as before, this asks nothing of anybody
    bus.register_agent(haystack)
    bus.register_agent(haystack)
    for misuse, words in (
        (lambda: bus.register_agent(Haystack()), "an agent named haystack_pipeline already"),
        (lambda: bus.register_agent("dice"), "no agent"),  # type: ignore[arg-type]  # that is the point
        (lambda: Scripted("broadcast"), "needs a name"),
        (lambda: haystack.register_handler("roll", 3), "cannot be called"),  # type: ignore[arg-type]  # as above
        (lambda: haystack.send_message("", "roll"), "The receiver of a message"),
        (lambda: haystack.send_message("dice", None), "The action of a message"),  # type: ignore[arg-type]  # as above
        (lambda: bus.send_message({"action": "roll"}), "carries AgentMessages"),  # type: ignore[arg-type]  # as above
        (lambda: MessageBus(timeout=float("nan")), "time-out lies between"),
        (lambda: MessageBus(timeout=-1.0), "time-out lies between"),
        (lambda: MessageBus(max_history=-1), "0 messages or more"),
        (lambda: MessageBus(on=Bus(), options=BusOptions()), "its options already"),
    ):
        with pytest.raises(ContractViolation, match=words):
            misuse()
    for _ in range(1000):
        haystack.send_message("dice", "roll")
    with pytest.raises(ContractViolation, match="start it"):
        haystack.send_message("dice", "roll")
    bus.start()
    bus.stop()
    with pytest.raises(ContractViolation, match="has stopped"):
        haystack.send_message("dice", "roll")


def test_the_same_message_cannot_be_under_way_twice() -> None:
    kept: list[AgentMessage] = []
    taken = threading.Event()

    def keep(agent: Scripted, message: AgentMessage) -> None:
        kept.append(message)
        taken.set()

    keeper = Scripted("keeper", work=keep)
    with running(keeper, Scripted("asker", work=hear)) as orchestrator:
        message = AgentMessage("7", "asker", "keeper", MessageType.REQUEST, "work", {}, 0.0)
        orchestrator.message_bus.send_message(message)
        assert taken.wait(LONG)
        orchestrator.message_bus.send_message(message)
        asker = orchestrator.agents["asker"]
        assert isinstance(asker, Scripted)
        assert "send a new one" in asker.wait_for(1)[0].data["error"]
        keeper.send_response(kept[0], {"done": True})
        assert asker.wait_for(2)[1].data == {"done": True}


# ------------------------------------------------------------------ messages as data

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
messages = st.builds(
    AgentMessage,
    id=st.text(),
    sender_id=st.text(),
    receiver_id=st.text(),
    message_type=st.sampled_from(MessageType),
    action=st.text(),
    data=plain,
    timestamp=st.floats(allow_nan=False),
    response_to=st.none() | st.text(),
)


@given(messages)
def test_a_message_survives_as_plain_data(message: AgentMessage) -> None:
    data = message.to_dict()
    assert data["message_type"] == message.message_type.value
    assert AgentMessage.from_dict(data) == message


@given(messages, st.sampled_from(["id", "sender_id", "receiver_id", "message_type", "action", "data", "timestamp"]))
def test_what_a_message_lacks_is_named(message: AgentMessage, field: str) -> None:
    data = message.to_dict()
    del data[field]
    with pytest.raises(ContractViolation, match=f"A message needs {field}"):
        AgentMessage.from_dict(data)
    with pytest.raises(ContractViolation, match="no message type 'shout'"):
        AgentMessage.from_dict({**message.to_dict(), "message_type": "shout"})


# ------------------------------------------------------------------ how fast


@pytest.mark.benchmark
@pytest.mark.parametrize("generator", [BlockingGenerator, DeferringGenerator])
def test_many_scenes_a_second_where_there_were_five(generator: type[BaseAgent]) -> None:
    with running(Haystack(), generator()) as orchestrator:
        count, began = 300, time.perf_counter()
        for n in range(count):
            orchestrator.send_message_and_wait("scenario_generator", "generate_scenario", {"query": f"{n}"})
        rate = count / (time.perf_counter() - began)
    logging.getLogger(__name__).info("%s: %.0f scenes a second", generator.__name__, rate)
    assert rate > 100


# ------------------------------------------------------------------ helpers


def nothing_is_left(before: set[threading.Thread]) -> None:
    """Hold that no thread is left since; only the bus's watchdog is on its last lines when the bus has stopped."""
    left = set(threading.enumerate()) - before
    for thread in left:
        if "watchdog" in thread.name:
            thread.join(LONG)
    assert not [thread for thread in left if thread.is_alive()]


def at_once(count: int, ask: Callable[[int], Any]) -> list[Any]:
    """Ask from as many threads at the same moment; return the replies in order."""
    replies: list[Any] = [None] * count
    gate = threading.Barrier(count)

    def one(number: int) -> None:
        gate.wait(LONG)
        replies[number] = ask(number)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * LONG)
    return replies
