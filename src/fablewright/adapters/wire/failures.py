"""What comes instead of a reply: errors by their names, never as objects.

An error of the tree in ``fablewright.errors`` arrives as what it was; one that derives from it, as the nearest that is
in the tree; any other as a ``RemoteError`` with its words. So do the errors that it was raised from. What an agent of
the old API answers as an error is data, and arrives as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from fablewright import errors
from fablewright.adapters.wire import anything
from fablewright.errors import DeadlineExceeded, FablewrightError, Rejected, RemoteError, RequestFailed
from fablewright.protocol.pending import Outcome
from fablewright.runtime.failure import AskedWrongly, BrokenContract, Shared, said
from fablewright.runtime.legacy.seat import ErrorReply

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MOST", "Failure", "failures_of", "value_of"]

MOST = 8
"""Errors, each raised from the next."""

_LONGEST = 2000
"""Characters of an error's words."""

_BROKEN, _ERROR_REPLY = BrokenContract.__name__, ErrorReply.__name__

_TREE: dict[str, type[FablewrightError]] = {
    name: kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, FablewrightError)
}


class Failure(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error on its way.

    Attributes:
        error: Its name in the tree; ``BrokenContract``; ``ErrorReply`` of the old API; empty for mere words.
        text: Its words.
        to: As in ``RequestFailed``.
        action: As in ``RequestFailed``.
        message_id: As in ``RequestFailed``.
        started: As in ``DeadlineExceeded``.
        data: Of an ``ErrorReply``.
    """

    error: str
    text: Annotated[str, Meta(max_length=_LONGEST)]
    to: str = ""
    action: str = ""
    message_id: str = ""
    started: bool = True
    data: Any = None


def failures_of(value: object) -> tuple[Failure, ...]:
    """Return what came with an outcome that is no reply, as it travels: an error, and those that it was raised from."""
    match value:
        case None:
            return ()
        case BrokenContract():
            return (Failure(_BROKEN, _short(value.text)),)
        case AskedWrongly():
            return (Failure(_BROKEN, _short(str(value))),)
        case Shared():
            return failures_of(value.error)
        case BaseException():
            return tuple(_failure(error) for error, _ in zip(_chain(value), range(MOST), strict=False))
    return (Failure("", _short(str(value))),)


def value_of(outcome: Outcome, failures: Sequence[Failure]) -> object:
    """Return what comes with an outcome that is no reply.

    Raises:
        ValueError: It does not belong to such an outcome.
    """
    value: object = None
    for failure in reversed(failures):
        cause, value = value, _value(failure, Rejected if outcome is Outcome.REJECTED else RemoteError)
        if isinstance(value, Exception) and isinstance(cause, Exception):
            value.__cause__ = cause
    fits = {
        Outcome.FAILED: isinstance(value, Exception | BrokenContract),
        Outcome.REJECTED: value is None or isinstance(value, Rejected),
        Outcome.PEER_LOST: isinstance(value, str),
    }
    if not fits.get(outcome, value is None):
        raise ValueError(f"a request that is {outcome.value} does not end with {failures!r:.80}")
    return value


def _value(failure: Failure, otherwise: type[RequestFailed]) -> object:
    """Return an error, or words; ``otherwise`` is for one that a newer release has and this one has not."""
    if not failure.error:
        return failure.text
    if failure.error == _BROKEN:
        return BrokenContract(failure.text)
    if failure.error == _ERROR_REPLY:
        data = anything.unpack(failure.data)
        if not isinstance(data, dict):
            raise ValueError("an agent of the old API answers with an object")
        return ErrorReply(data)
    kind = _TREE.get(failure.error)
    if kind is None:
        return otherwise(f"{failure.error[:80]}: {failure.text}")
    if not issubclass(kind, RequestFailed):
        return kind(failure.text)
    error = kind(failure.text, to=failure.to, action=failure.action, message_id=failure.message_id)
    if isinstance(error, DeadlineExceeded) and not failure.started:
        error.started = False
    return error


def _failure(error: BaseException) -> Failure:
    name = next((kind.__name__ for kind in type(error).__mro__ if _TREE.get(kind.__name__) is kind), None)
    if isinstance(error, ErrorReply):
        return Failure(_ERROR_REPLY, "", data=anything.pack(error.data))
    if name is None:
        return Failure(RemoteError.__name__, _short(said(error)))
    if not isinstance(error, RequestFailed):
        return Failure(name, _short(str(error)))
    started = not isinstance(error, DeadlineExceeded) or error.started
    return Failure(name, _short(str(error)), error.to, error.action, error.message_id, started)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _short(text: str) -> str:
    """Return words that fit, and that can be written: a file's name may hold what is no character."""
    fit = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return fit.encode(errors="backslashreplace").decode()[:_LONGEST]
