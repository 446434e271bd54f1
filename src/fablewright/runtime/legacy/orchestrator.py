"""The old API's orchestrator: the agents, their message bus, and a way in for those who are no agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fablewright.runtime.legacy.agent import BaseAgent
from fablewright.runtime.legacy.message import MessageType, new_message
from fablewright.runtime.legacy.message_bus import MessageBus

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.protocol.message import Message
    from fablewright.runtime.agent import Agent

__all__ = ["AgentOrchestrator"]


class AgentOrchestrator:
    """Starts and stops agents together with their message bus, and speaks to them as ``orchestrator``.

    Args:
        verbose: For those who look at it.
        message_bus: Its message bus; one of its own when None.
    """

    def __init__(self, verbose: bool = False, *, message_bus: MessageBus | None = None) -> None:  # noqa: FBT001, FBT002 - as it was
        self.verbose = verbose
        self.message_bus = message_bus or MessageBus()

    def __repr__(self) -> str:
        return f"<AgentOrchestrator {self.message_bus!r}>"

    @property
    def agents(self) -> dict[str, BaseAgent | Agent]:
        """Those registered, by name."""
        return self.message_bus.agents

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self.message_bus.running

    @property
    def tick_interval(self) -> float:
        """Seconds between two ticks of an agent."""
        return self.message_bus.tick_interval

    @tick_interval.setter
    def tick_interval(self, seconds: float) -> None:
        self.message_bus.tick_interval = seconds

    def register_agent(self, agent: BaseAgent | Agent, messages: Iterable[type[Message]] = ()) -> None:
        """Make an agent reachable, and start it if the others run; see ``MessageBus.register_agent``."""
        self.message_bus.register_agent(agent, messages)
        if self.running and isinstance(agent, BaseAgent) and not agent.running:
            agent.start()

    def start(self) -> None:
        """Start the message bus, then the agents. If one cannot start, all are stopped and its error is raised."""
        if self.running:
            return
        self.message_bus.start()
        try:
            for agent in self._old:
                agent.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the agents, then the message bus; see there. Stopping twice does nothing."""
        try:
            for agent in self._old:
                if agent.running:
                    agent.stop()
        finally:
            self.message_bus.stop()

    @property
    def _old(self) -> list[BaseAgent]:
        return [agent for agent in self.agents.values() if isinstance(agent, BaseAgent)]

    def send_message_to_agent(self, receiver_id: str, action: str, data: object = None) -> str:
        """Send a request and go on; return its id, by which the response is found in the message history."""
        message = new_message("orchestrator", receiver_id, MessageType.REQUEST, action, data)
        self.message_bus.send_message(message)
        return message.id

    def send_message_and_wait(
        self, receiver_id: str, action: str, data: object = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """Send a request, wait, and return the data of its response; see ``MessageBus.ask``."""
        return self.message_bus.ask(receiver_id, action, data, timeout=timeout)

    def broadcast_event(self, action: str, data: object = None) -> None:
        """Tell all agents."""
        self.message_bus.send_message(new_message("orchestrator", "broadcast", MessageType.BROADCAST, action, data))

    def get_agent_status(self) -> dict[str, dict[str, Any]]:
        """Return how each agent stands; see ``MessageBus.get_agent_status``."""
        return self.message_bus.get_agent_status()

    def get_message_statistics(self) -> dict[str, Any]:
        """Return what the message bus has done; see ``MessageBus.get_message_statistics``."""
        return self.message_bus.get_message_statistics()
