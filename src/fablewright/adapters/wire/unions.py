"""One of several things: as it is where JSON can tell them apart, tagged with its name where not."""

from __future__ import annotations

import functools
import operator
import typing
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from fablewright.adapters.wire.form import Form
from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["union_form"]


class _Choice(NamedTuple):
    """One of the things that may stand there: its class, its tagged form, and how it gets there."""

    cls: type
    tagged: Callable[[Any], Any]
    pack: Callable[[Any], Any] | None


def union_form(kind: Any, alternatives: Sequence[tuple[Any, Form]], where: str) -> Form:  # noqa: ANN401 - an annotation
    """Return the form of a union.

    Args:
        kind: The union.
        alternatives: What may stand there, each with its form.
        where: As in ``Forms.of``.

    Raises:
        ContractViolation: Two of them have one name.
    """
    others = [(each, form) for each, form in alternatives if each is not NoneType]
    is_optional = len(others) < len(alternatives)
    if len(others) == 1:
        return _optional(others[0][1])
    if all(form.is_plain for _, form in others) and _can_tell_apart(kind):
        return Form(kind)
    return _tagged(others, where, is_optional=is_optional)


def _optional(form: Form) -> Form:
    pack, unpack, is_odd = form.pack, form.unpack, form.is_odd
    if pack is None or unpack is None:
        return Form(form.kind | None)
    return Form(
        form.kind | None,
        lambda value: None if value is None else pack(value),
        lambda value: None if value is None else unpack(value),
        None if is_odd is None else lambda value: value is not None and is_odd(value),
    )


def _can_tell_apart(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    try:
        msgspec.json.Decoder(kind)
    except TypeError:
        return False
    return True


def _tagged(others: Sequence[tuple[Any, Form]], where: str, *, is_optional: bool) -> Form:
    choices: dict[str, _Choice] = {}
    unpacks: dict[type, Callable[[Any], Any] | None] = {}
    for each, form in others:
        cls = _class_of(each)
        name = cls.__name__
        if name in choices:
            raise ContractViolation(f"{where} cannot travel: on the way there are two kinds of {name}.")
        tagged = msgspec.defstruct(name, [("of", form.kind)], tag_field="is", tag=name, frozen=True)
        choices[name] = _Choice(cls, tagged, form.pack)
        unpacks[tagged] = form.unpack
    by_class = {choice.cls: choice for choice in choices.values()}

    def pack(value: Any) -> Any:  # noqa: ANN401 - one of the others
        if value is None and is_optional:
            return None
        choice = by_class.get(type(value))
        if choice is None:
            choice = next((each for each in choices.values() if isinstance(value, each.cls)), None)
        if choice is None:
            raise TypeError(f"{type(value).__name__} is none of {', '.join(choices)}")
        return choice.tagged(value if choice.pack is None else choice.pack(value))

    def unpack(value: Any) -> Any:  # noqa: ANN401 - tagged
        if value is None:
            return None
        unpack = unpacks[type(value)]
        return value.of if unpack is None else unpack(value.of)

    kind: Any = functools.reduce(operator.or_, unpacks)
    return Form(kind | None if is_optional else kind, pack, unpack)


def _class_of(kind: Any) -> type:  # noqa: ANN401 - an annotation
    """Return the class of the values of a type."""
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return type(typing.get_args(kind)[0])
    if isinstance(kind, typing.NewType):
        return _class_of(kind.__supertype__)
    cls: type = origin or kind
    return cls
