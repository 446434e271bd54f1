"""What stands around every body: one object, whose ``kind`` says what it is.

The names are those of the parcels. What a newer release adds is skipped; what is left out has its default.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from fablewright.adapters.wire.failures import MOST, Failure
from fablewright.protocol.pending import Outcome  # noqa: TC001 - msgspec reads the annotations at run time

__all__ = ["Ask", "Chunk", "Ended", "Frame", "Grant", "Sent", "Tell", "Withdraw"]

_Id = Annotated[str, Meta(min_length=1)]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_EMPTY = Raw(b"null")


class Sent(msgspec.Struct, omit_defaults=True, tag_field="kind"):
    """An envelope; ``type`` is the name of its message."""

    message_id: _Id
    to: str
    action: str
    type: str
    body: Raw
    sender: str = ""
    correlation_id: str = ""
    causation_id: str | None = None
    reply_to: str | None = None
    attempt: Annotated[int, Meta(ge=1)] = 1
    priority: int = 0
    path: tuple[str, ...] = ()
    idempotency_key: str | None = None
    traceparent: str | None = None
    headers: dict[str, str] = {}


class Ask(Sent, tag="ask"):
    """An envelope whose sender waits."""


class Tell(Sent, tag="tell"):
    """An envelope whose sender does not wait."""


class Ended(msgspec.Struct, omit_defaults=True, tag_field="kind", tag="ended"):
    """How a request ended; ``type`` is the name of the request that ``body`` is the reply to."""

    message_id: _Id
    outcome: Outcome
    type: str = ""
    body: Raw = _EMPTY
    failures: Annotated[tuple[Failure, ...], Meta(max_length=MOST)] = ()


class Chunk(msgspec.Struct, tag_field="kind", tag="chunk"):
    """A piece of the reply to a request; ``type`` is the request's name."""

    message_id: _Id
    type: str
    sequence: _Count
    body: Raw


class Withdraw(msgspec.Struct, tag_field="kind", tag="withdraw"):
    """Nobody waits any more."""

    message_id: _Id
    to: str


class Grant(msgspec.Struct, tag_field="kind", tag="grant"):
    """How many pieces may come in all."""

    message_id: _Id
    granted: _Count


Frame = Ask | Tell | Ended | Chunk | Withdraw | Grant
