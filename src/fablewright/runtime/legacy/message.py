"""The old API's messages, and the one message in which they travel on the bus."""

from __future__ import annotations

import dataclasses
import enum
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AgentMessage", "LegacyMessage", "MessageType", "as_dict", "new_message"]


class MessageType(enum.Enum):
    """What a message is for."""

    REQUEST = "request"  # wants a response
    RESPONSE = "response"  # answers a request
    EVENT = "event"  # an agent says that something has happened
    BROADCAST = "broadcast"  # the orchestrator says so
    ERROR = "error"  # says why a request is not answered; data is {"success": False, "error": words}


@dataclass
class AgentMessage:
    """One message between agents.

    Attributes:
        id: Unique.
        sender_id: Who sent it.
        receiver_id: Whom it is for; "broadcast" means everybody but the sender.
        message_type: See ``MessageType``.
        action: Which of the receiver's handlers.
        data: What the handler is to work with; a dict by custom.
        timestamp: When it was made, in seconds since the epoch.
        response_to: Id of the request that it answers.
    """

    id: str
    sender_id: str
    receiver_id: str
    message_type: MessageType
    action: str
    data: Any
    timestamp: float
    response_to: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, with the message type by its value."""
        plain = {field.name: getattr(self, field.name) for field in dataclasses.fields(AgentMessage)}
        return {**plain, "message_type": self.message_type.value}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> AgentMessage:
        """Make one of plain data.

        Raises:
            ContractViolation: A field is missing, or there is no such message type.
        """
        try:
            kind = MessageType(plain["message_type"])
            required = (plain["id"], plain["sender_id"], plain["receiver_id"], kind)
            return cls(*required, plain["action"], plain["data"], plain["timestamp"], plain.get("response_to"))
        except KeyError as error:
            raise ContractViolation(f"A message needs {error.args[0]}.") from None
        except ValueError:
            known = ", ".join(kind.value for kind in MessageType)
            wrong = plain["message_type"]
            raise ContractViolation(f"There is no message type {wrong!r}; there are: {known}.") from None


def new_message(  # noqa: PLR0917 - the fields of a message, in their order
    sender_id: str,
    receiver_id: str,
    message_type: MessageType,
    action: str,
    data: object,
    response_to: str | None = None,
) -> AgentMessage:
    """Make a message with an id of its own, now.

    Raises:
        ContractViolation: The receiver or the action is no name.
    """
    names: tuple[tuple[str, object], ...] = (("receiver", receiver_id), ("action", action))
    for what, name in names:
        if not isinstance(name, str) or not name:
            raise ContractViolation(f"The {what} of a message is a name, not {name!r}.")
    now = time.time()
    return AgentMessage(str(uuid.uuid4()), sender_id, receiver_id, message_type, action, data, now, response_to)


@dataclass(slots=True, eq=False)
class LegacyMessage(Request[dict[str, Any]]):
    """What is asked or told of an agent of the old API; its reply is a dict.

    Agents of the new API use it too::

        reply = await ctx.ask("haystack_pipeline", LegacyMessage("retrieve_documents", {"query": "mill"}))

    Attributes:
        action: Which of the agent's handlers.
        data: What the handler is given as ``message.data``.
        message: The old message that it carries, if there was one.
    """

    action: str  # type: ignore[misc]  # an old action is a string, not a type
    data: Any = None
    message: AgentMessage | None = None


def as_dict(value: object) -> dict[str, Any]:
    """Return what an agent of the new API said, as one of the old API would have.

    A dict stays as it is. A dataclass or named tuple becomes its fields, anything else the ``result``; both with
    ``"success": True``, which old handlers look for.
    """
    if isinstance(value, dict):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    elif isinstance(value, tuple) and hasattr(value, "_asdict"):
        fields = value._asdict()
    else:
        fields = {"result": value}
    return {"success": True, **fields}
