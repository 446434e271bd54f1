"""The old API's agent: a name, and functions that handle its messages."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

from fablewright.errors import ContractViolation
from fablewright.runtime.legacy.message import AgentMessage, MessageType, new_message

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BaseAgent"]


class _Office(Protocol):
    """What an agent needs of its message bus."""

    def send_message(self, message: AgentMessage) -> None: ...
    def take_result(self, agent: BaseAgent, request: AgentMessage, result: object) -> None: ...
    def ask(
        self, receiver_id: str, action: str, data: object, *, timeout: float | None, sender_id: str
    ) -> dict[str, Any]: ...


class BaseAgent(ABC):
    """Base class of agents of the old API.

    A handler gets an ``AgentMessage``. To a request it returns a dict, which is the response; or None, and sends the
    response later with ``send_response``. Whichever comes first counts; a second one is never delivered. If it raises,
    the asker gets a message of type ERROR. A response to what this agent asked comes to the handler of its action.

    Which thread a handler runs on: see ``lanes``. In short, one after the other, except that a response or an event
    is also handled in the middle of another handler.

    Args:
        agent_id: The name that others send to.
        agent_type: What it is, for people; the name of the class when left out.
        verbose: For subclasses to look at.

    Attributes:
        message_bus: Where it is registered; None while it is not.
        running: Whether it was started and not stopped; ``process_tick`` is called while it is.
        message_handlers: The handlers, by action.
    """

    def __init__(self, agent_id: str, agent_type: str = "", verbose: bool = False) -> None:  # noqa: FBT001, FBT002 - as it was
        given: object = agent_id
        if not isinstance(given, str) or given in {"", "broadcast"}:
            raise ContractViolation(f"An agent needs a name, and not {agent_id!r}.")
        self.agent_id = agent_id
        self.agent_type = agent_type or type(self).__name__
        self.verbose = verbose
        self.message_bus: _Office | None = None
        self.running = False
        self.message_handlers: dict[str, Callable[[AgentMessage], Any]] = {}
        self._setup_handlers()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.agent_id} {'running' if self.running else 'stopped'}>"

    @abstractmethod
    def _setup_handlers(self) -> None:
        """Register the handlers; called once, before the rest of a subclass's ``__init__``."""

    def register_handler(self, action: str, handler: Callable[[AgentMessage], Any]) -> None:
        """Have ``handler`` called with each message of that action; the latest registered counts.

        Raises:
            ContractViolation: It cannot be called.
        """
        if not callable(handler):
            raise ContractViolation(f"The handler of {action} in {self.agent_id} cannot be called: {handler!r}.")
        self.message_handlers[action] = handler

    # -------------------------------------------------------------- sending

    def send_message(
        self, receiver_id: str, action: str, data: object = None, message_type: MessageType = MessageType.REQUEST
    ) -> str:
        """Send a message and go on; return its id, which the response will carry as ``response_to``.

        Raises:
            ContractViolation: The agent is not registered, or its bus has stopped.
        """
        message = new_message(self.agent_id, receiver_id, message_type, action, data)
        self._office.send_message(message)
        return message.id

    def send_message_and_wait(
        self, receiver_id: str, action: str, data: object = None, timeout: float | None = None
    ) -> dict[str, Any]:
        """Send a request and return the data of its response, which comes to no handler.

        Args:
            receiver_id: Whom to ask.
            action: For what.
            data: With what.
            timeout: Seconds; the message bus's when None.

        Raises:
            RequestFailed: There is no response; the kinds are those of ``Bus.ask``.
            ContractViolation: The agent is not registered, or its bus does not run.
        """
        return self._office.ask(receiver_id, action, data, timeout=timeout, sender_id=self.agent_id)

    def send_response(self, original_message: AgentMessage, data: object = None) -> None:
        """Answer a request. The first answer counts, whether it is sent or returned.

        Raises:
            ContractViolation: The agent is not registered, or its bus has stopped.
        """
        to, action = original_message.sender_id, original_message.action
        kind = MessageType.RESPONSE
        self._office.send_message(new_message(self.agent_id, to, kind, action, data, original_message.id))

    def broadcast_event(self, action: str, data: object = None) -> None:
        """Tell everybody else; nothing happens while the agent is not registered."""
        if self.message_bus is not None:
            self.send_message("broadcast", action, data, MessageType.EVENT)

    @property
    def _office(self) -> _Office:
        if self.message_bus is None:
            raise ContractViolation(f"{self.agent_id} is not connected: register it with a message bus first.")
        return self.message_bus

    # -------------------------------------------------------------- handling

    def handle_message(self, message: AgentMessage) -> None:
        """Call the handler of a message, and answer with what it returns."""
        handler = self.message_handlers.get(message.action)
        if handler is None:
            return
        result = handler(message)
        if message.message_type is MessageType.REQUEST and self.message_bus is not None:
            self.message_bus.take_result(self, message, result)

    def _validate_message_data(self, message: AgentMessage) -> bool:
        """Return whether a message's data is a dict."""
        return isinstance(message.data, dict)

    def _handle_broadcast_event(self, message: AgentMessage) -> dict[str, Any]:
        """Acknowledge an event; a handler to register for what is of no interest."""
        return {"success": True, "message": f"{self.agent_id} has heard of {message.action}"}

    # -------------------------------------------------------------- life

    def start(self) -> None:
        """Begin to tick."""
        self.running = True

    def stop(self) -> None:
        """Tick no more."""
        self.running = False

    def process_tick(self) -> None:  # noqa: B027 - most agents only react
        """Do what is to be done regularly; called while the agent runs and no handler of it does."""
