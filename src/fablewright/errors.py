"""Every error that Fablewright raises on purpose, in one tree.

::

    FablewrightError
    ├── RequestFailed             an ask ended without a reply; carries .to, .action, .message_id
    │   ├── DeadlineExceeded      its deadline passed first
    │   ├── Cancelled             somebody withdrew it before it was answered
    │   ├── PeerLost              the answerer stopped, crashed or dropped its reply token
    │   ├── Rejected              it was never started
    │   │   ├── MailboxFull       the receiver's queue is at its bound
    │   │   ├── CircuitOpen       the receiver failed too often; not asked again yet
    │   │   ├── BulkheadFull      too many asks to this receiver are in flight
    │   │   ├── UnknownRecipient  no such agent, or it has no such action
    │   │   ├── Unreachable       the network to the receiver is not there now
    │   │   └── WouldDeadlock     its answer would have to wait for itself
    │   └── RemoteError           the handler raised; its error is the __cause__
    ├── ContractViolation         a handler or caller broke the rules of the runtime
    ├── InvalidInput              a person's words could not be understood; the message says how to mend them
    ├── ConfigurationError        a setting is unknown or has a wrong value
    └── MissingExtra              an optional dependency is not installed; the message holds the command

Each message is one line for a person: what happened, and where it helps, what to do next.
"""

from __future__ import annotations

__all__ = [
    "BulkheadFull",
    "Cancelled",
    "CircuitOpen",
    "ConfigurationError",
    "ContractViolation",
    "DeadlineExceeded",
    "FablewrightError",
    "InvalidInput",
    "MailboxFull",
    "MissingExtra",
    "PeerLost",
    "Rejected",
    "RemoteError",
    "RequestFailed",
    "UnknownRecipient",
    "Unreachable",
    "WouldDeadlock",
]


class FablewrightError(Exception):
    """The root: catch this to catch everything that Fablewright raises on purpose."""


class RequestFailed(FablewrightError):
    """An ask ended without a reply."""

    def __init__(self, reason: str, *, to: str = "", action: str = "", message_id: str = "") -> None:
        super().__init__(reason)
        self.to = to
        self.action = action
        self.message_id = message_id


class DeadlineExceeded(RequestFailed):
    """The deadline passed before a reply came.

    Attributes:
        started: Whether a handler had begun; if not, it says nothing about the answerer's health.
    """

    started: bool = True


class Cancelled(RequestFailed):
    """The ask was withdrawn before it was answered."""


class PeerLost(RequestFailed):
    """The answerer stopped, crashed or dropped its reply token before it answered."""


class Rejected(RequestFailed):
    """The request was never started."""


class MailboxFull(Rejected):
    """The receiver's mailbox is at its bound."""


class CircuitOpen(Rejected):
    """The receiver failed too often lately and is left alone for a while."""


class BulkheadFull(Rejected):
    """Too many asks to this receiver are in flight already."""


class UnknownRecipient(Rejected):
    """No agent of that name is registered, or it has no handler for the action."""


class Unreachable(Rejected):
    """The network to the receiver is not there now; nothing was sent, and nothing will be later."""


class WouldDeadlock(Rejected):
    """Whoever should answer waits, over however many hops, for the one who asks."""


class RemoteError(RequestFailed):
    """The handler raised; what it raised is the ``__cause__``."""


class ContractViolation(FablewrightError):
    """A handler or a caller broke a rule of the runtime: answered twice, or not at all."""


class InvalidInput(FablewrightError):
    """A person's words could not be understood; the message says how to mend them."""


class ConfigurationError(FablewrightError):
    """A setting is unknown or has a wrong value."""


class MissingExtra(FablewrightError):
    """An optional dependency is not installed; the message holds the exact command that installs it."""
