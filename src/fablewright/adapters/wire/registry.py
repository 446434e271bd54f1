"""What may travel: the messages that were registered, and how each, and what answers it, is written and read."""

from __future__ import annotations

import typing
from types import UnionType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fablewright.adapters.wire.declared import argument_of
from fablewright.adapters.wire.forms import Forms
from fablewright.errors import ContractViolation
from fablewright.protocol.message import Message, Request, StreamRequest
from fablewright.runtime.channel import Streamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fablewright.adapters.wire.form import Form
    from fablewright.runtime.agent import Agent

__all__ = ["Entry", "Registry", "messages_of"]


class Body(NamedTuple):
    """How the values of one type are written and read.

    Attributes:
        form: Their form.
        cls: Their class, where they have one.
        decode: Reads what msgspec has written.
        decode_plain: Reads what is not odd; None: there is no such thing.
    """

    form: Form
    cls: type
    decode: Callable[[Any], Any]
    decode_plain: Callable[[Any], Any] | None

    @classmethod
    def of(cls, kind: Any, form: Form) -> Body:  # noqa: ANN401 - an annotation
        """Return how the values of a type are written and read."""
        plain = msgspec.json.Decoder(kind).decode if form.is_mostly_plain else None
        return cls(form, _class_of(kind), msgspec.json.Decoder(form.kind).decode, plain)

    def out(self, value: Any) -> Any:  # noqa: ANN401 - whatever is sent
        """Return a value as msgspec writes it.

        Raises:
            TypeError: It is of another type.
        """
        if not isinstance(value, self.cls):
            raise TypeError(f"{type(value).__name__} is no {self.cls.__name__}")
        _, pack, _, is_odd = self.form
        return value if pack is None or (is_odd is not None and not is_odd(value)) else pack(value)

    def read(self, raw: msgspec.Raw) -> Any:  # noqa: ANN401 - whatever came
        """Return the value that was written.

        Raises:
            Exception: Whatever is wrong with it.
        """
        if self.decode_plain is not None:
            try:
                return self.decode_plain(raw)
            except msgspec.ValidationError:
                if self.form.unpack is None:
                    raise
        value = self.decode(raw)
        return value if self.form.unpack is None else self.form.unpack(value)


def _class_of(kind: Any) -> type:  # noqa: ANN401 - an annotation
    """Return the class of all values of a type; ``object`` where it is one of several, or a number is any."""
    cls = typing.get_origin(kind) or kind
    is_class = isinstance(cls, type) and cls not in {Any, UnionType, float}
    return cls if is_class else object


class Entry(NamedTuple):
    """A message that may travel.

    Attributes:
        cls: Its class.
        name: What it is called on the way.
        message: How it travels.
        reply: How its reply travels; None: it is told, not asked.
        chunk: How a piece of its reply travels; None: it comes in one.
    """

    cls: type[Message]
    name: str
    message: Body
    reply: Body | None
    chunk: Body | None


def messages_of(agents: Iterable[type[Agent] | Agent]) -> set[type[Message]]:
    """Return all messages that some agents answer or hear."""
    return {message for agent in agents for message in agent.messages.values()}


class Registry:
    """The messages that may travel.

    Args:
        messages: Their classes.

    Attributes:
        by_class: What was registered.
        by_name: The same.

    Raises:
        ContractViolation: A message or its reply has a part that cannot travel, or two have one name.
    """

    def __init__(self, messages: Iterable[type[Message]]) -> None:
        self.by_class: dict[type, Entry] = {}
        self.by_name: dict[str, Entry] = {}
        forms = Forms()
        for message in messages:
            if message.__name__ in self.by_name:
                raise ContractViolation(f"Two messages that travel are called {message.__name__}: rename one.")
            entry = _entry(message, forms)
            self.by_class[message] = self.by_name[entry.name] = entry

    def __repr__(self) -> str:
        return f"<Registry {len(self.by_name)}>"


def _entry(cls: type[Message], forms: Forms) -> Entry:
    name = cls.__name__
    reply, chunk = argument_of(cls, Request), argument_of(cls, StreamRequest)
    if reply is None and chunk is None and issubclass(cls, Request | StreamRequest):
        raise ContractViolation(f"{name} does not say what it is answered with: write Request[...].")

    def body(kind: Any, where: str) -> Body:  # noqa: ANN401 - an annotation
        return Body.of(kind, forms.of(kind, where))

    message = body(cls, name)
    if chunk is not None:
        return Entry(cls, name, message, body(Streamed, name), body(chunk, f"A piece of the reply to {name}"))
    return Entry(cls, name, message, None if reply is None else body(reply, f"The reply to {name}"), None)
