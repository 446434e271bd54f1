"""What an asker is told about an outcome that is no reply."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.errors import (
    Cancelled,
    ContractViolation,
    DeadlineExceeded,
    FablewrightError,
    PeerLost,
    Rejected,
    RemoteError,
)
from fablewright.protocol.pending import Outcome

if TYPE_CHECKING:
    from fablewright.protocol.envelope import Envelope

__all__ = ["AskedWrongly", "BrokenContract", "Shared", "failure", "is_reply", "said"]

_EXPIRED = Outcome.EXPIRED  # a member looked up in its Enum costs 0.05 us


@dataclass(frozen=True, slots=True)
class BrokenContract:
    """Stands for a ``ContractViolation`` until the asker raises its own: a raised error belongs to one stack."""

    text: str


class AskedWrongly(ContractViolation):
    """Raised on the answering side for what the asker did wrong; it is the asker's to know, as it is."""


@dataclass(frozen=True, slots=True)
class Shared:
    """An error that several askers are told; each raises one of its own."""

    error: FablewrightError

    def twin(self) -> FablewrightError:
        """Return an error that says the same, with a traceback of its own."""
        twin = copy(self.error)
        twin.__cause__ = self.error.__cause__
        return twin


def is_reply(value: object) -> bool:
    """Return whether what came with an outcome is a reply, and not word of a failure."""
    return not isinstance(value, BrokenContract | Shared | Exception)


def failure(outcome: Outcome | None, value: object, envelope: Envelope, *, handled: bool) -> FablewrightError:
    """Return the error to raise.

    Args:
        outcome: How the request ended.
        value: What came with it: the handler's error, a refusal, or words.
        envelope: The request.
        handled: Whether a handler had begun.
    """
    to, action = envelope.to, envelope.action
    error: FablewrightError
    if outcome is _EXPIRED:  # very many may do so at once: before anything else is looked at
        error = DeadlineExceeded(
            f"{to} did not answer {action} in time.", to=to, action=action, message_id=envelope.message_id
        )
        if not handled:
            error.started = False
        return error
    where = {"to": to, "action": action, "message_id": envelope.message_id}
    match (outcome, value):
        case (_, Shared()):
            error = value.twin()
        case (Outcome.FAILED, BrokenContract()):
            error = ContractViolation(value.text)
        case (Outcome.FAILED, AskedWrongly()):
            error = ContractViolation(str(value))
        case (Outcome.FAILED, Exception()):
            error = RemoteError(f"{to} failed on {action}: {said(value)}", **where)
            error.__cause__ = value
        case (Outcome.REJECTED, Rejected()):
            error = value
        case (Outcome.REJECTED, _):
            error = Rejected(f"The bus has stopped; {to} takes nothing any more.", **where)
        case (Outcome.PEER_LOST, _):
            error = PeerLost(f"{value}; it will not be answered.", **where)
        case _:
            error = Cancelled(f"{action} was withdrawn before {to} answered.", **where)
    return error


def said(error: BaseException) -> str:
    """Return an error in words, for one line; a ``RemoteError`` has said already whose it was."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be printed is still an error of its type
        text = ""
    if text and type(error) is RemoteError:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
