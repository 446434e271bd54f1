"""What a message may hold: data, and not too much of it; refused where it is sent, by the one who sends it."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from types import NoneType

from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message
from fablewright.protocol.size import size_of

__all__ = ["check_body", "no_message"]

_SMALL = (int, float, bool, NoneType)
_MOST_CLASSES = 1024
_FIELDS: dict[type, tuple[str, ...]] = {}  # of dataclasses; bounded, for programs may make classes without end
_RANKED: set[type] = set()  # those of them with a priority of their own in each message


def check_body(message: object, limit: int | None) -> None:
    """Refuse a message that is no data or too large.

    Args:
        message: The message.
        limit: Bytes that it may take, estimated; None: nothing is checked.

    Raises:
        ContractViolation: It names no action, or its priority is no whole number.
        NotData: It holds something that is no data; both are ``ContractViolation``.
        TooLarge: It takes more than the limit.
    """
    if limit is None:
        return
    kind = type(message)
    names = _FIELDS.get(kind)
    if names is None:
        names = _names(message)
    if _RANKED and kind in _RANKED:
        _check_priority(kind, getattr(message, "priority", None))
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
    kind = type(message)
    names = tuple(field.name for field in fields(message)) if is_dataclass(message) else None
    if not issubclass(kind, Message) or getattr(message, "action", None) is None:
        raise no_message(message)
    _check_priority(kind, getattr(message, "priority", None))
    if names is not None:
        if len(_FIELDS) >= _MOST_CLASSES:
            _FIELDS.clear()
            _RANKED.clear()
        _FIELDS[kind] = names
        if "priority" in names:
            _RANKED.add(kind)
        return names
    is_bare = not getattr(message, "__dict__", None) and not any(vars(base).get("__slots__") for base in kind.__mro__)
    return () if is_bare else ("",)


def _check_priority(kind: type, priority: object) -> None:
    if not isinstance(priority, int):
        raise ContractViolation(f"{kind.__name__} has the priority {priority!r}; it must be a whole number.")
