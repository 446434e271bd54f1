"""What a message may hold: data, and not too much of it; refused where it is sent, by the one who sends it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message
from fablewright.protocol.size import size_of

__all__ = ["check_body", "no_message"]

_SMALL = (int, float, bool, NoneType)
_FIELDS: dict[type, tuple[str, ...]] = {}


def check_body(message: object, limit: int | None) -> None:
    """Refuse a message that is no data or too large.

    Args:
        message: The message.
        limit: Bytes that it may take, estimated; None: nothing is checked.

    Raises:
        ContractViolation: It names no action.
        NotData: It holds something that is no data; both are ``ContractViolation``.
        TooLarge: It takes more than the limit.
    """
    if limit is None:
        return
    kind = type(message)
    names = _FIELDS.get(kind)
    if names is None:
        names = _FIELDS[kind] = _names(message)
    # Nearly all messages are a few words and numbers; for them this is five times as quick as size_of.
    total = 0
    for name in names:
        value = getattr(message, name, message)
        if type(value) is str:
            total += len(value)
        elif type(value) not in _SMALL:
            break
    else:
        if 4 * total + 64 * len(names) <= limit:
            return
    size_of(message, limit=limit)


def no_message(thing: object) -> ContractViolation:
    """Return what is to be said about something that was sent and names no action."""
    return ContractViolation(
        f"{type(thing).__name__} names no action: a message is a Message with `action: ClassVar[str]`."
    )


def _names(message: object) -> tuple[str, ...]:
    """Return the fields of a message; for what is no dataclass a name that nothing has, unless it says nothing."""
    if not isinstance(message, Message) or getattr(message, "action", None) is None:
        raise no_message(message)
    if is_dataclass(message):
        return tuple(field.name for field in fields(message))
    is_bare = not getattr(message, "__dict__", None) and not any(
        vars(kind).get("__slots__") for kind in type(message).__mro__
    )
    return () if is_bare else ("",)
