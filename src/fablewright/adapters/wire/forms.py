"""What a type says about how its values travel.

The rules:

1. What msgspec writes and reads without loss travels as it is: texts, whole numbers, bytes, dates, enums of texts or
   numbers, literals, tuples, lists, sets and mappings of these, and dataclasses of these.
2. A number with a point may be none that JSON has (NaN, infinity); then it is ``{"float": "nan"}``.
3. An enum with other values goes by the names of its members; a mapping with other keys is a list of pairs.
4. A record with such a thing in it goes field by field. Fields that are not known are skipped, fields that are not
   there have their defaults: so a newer release may add some.
5. Where one of several things may stand that JSON cannot tell apart, each is tagged with its name.
6. ``Any`` is what JSON has, and tuples, sets, bytes and mappings; see ``anything``.
7. A type that holds itself is refused, as is what has no form: the depth of what travels is known before it comes.
"""

from __future__ import annotations

import collections.abc
import enum
import types
import typing
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from types import GenericAlias
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from fablewright.adapters.wire import anything
from fablewright.adapters.wire.declared import is_record
from fablewright.adapters.wire.form import Form
from fablewright.adapters.wire.records import record_form
from fablewright.adapters.wire.unions import union_form
from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Forms"]

_AS_IT_IS = frozenset(
    {str, int, bool, types.NoneType, bytes, datetime, date, time, timedelta, Decimal, UUID},
)
_IN_LITERALS = frozenset({str, int, types.NoneType})
_MAPPINGS = frozenset({dict, collections.abc.Mapping})
_CONTAINERS = _MAPPINGS | {tuple, list, set, frozenset}


class _Odd(msgspec.Struct, frozen=True):
    """A number that JSON has not."""

    float: typing.Literal["nan", "inf", "-inf"]


class Forms:
    """Finds the form of each type, once."""

    def __init__(self) -> None:
        self._known: dict[Any, Form] = {}
        self._looking: list[Any] = []  # into these records, each inside the one before

    def __repr__(self) -> str:
        return f"<Forms {len(self._known)}>"

    def of(self, kind: Any, where: str) -> Form:  # noqa: ANN401 - an annotation
        """Return the form of a type.

        Args:
            kind: The type, as annotations have it.
            where: Where it stands, for people.

        Raises:
            ContractViolation: Values of this type cannot travel.
        """
        form = self._known.get(kind)
        if form is None:
            form = self._form(kind, where)
            try:
                msgspec.json.Decoder(form.kind)
            except TypeError as error:
                raise ContractViolation(f"{where} cannot travel: {error}.") from error
            self._known[kind] = form
        return form

    def _form(self, kind: Any, where: str) -> Form:  # noqa: ANN401, C901, PLR0911 - an annotation; a line a rule
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        record = origin or kind
        if kind in _AS_IT_IS or (origin is typing.Literal and {type(each) for each in arguments} <= _IN_LITERALS):
            return Form(kind)
        if kind is float:
            return _FLOAT
        if kind is Any or kind is object:
            return Form(Any, anything.pack, anything.unpack)
        if origin in {types.UnionType, typing.Union}:
            return union_form(kind, [(each, self.of(each, where)) for each in arguments], where)
        if isinstance(kind, typing.NewType):
            return self.of(kind.__supertype__, where)
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            return _enum_form(kind)
        if is_record(record):
            return self._record(kind, where)
        if origin not in _CONTAINERS:
            raise ContractViolation(f"{where} cannot travel: nothing says what {kind!r} looks like on the way.")
        items = [self.of(each, where) for each in arguments if each is not ...]
        if origin is tuple:
            return _tuple_form(kind, items, is_long=arguments[1:] == (...,))
        if origin in _MAPPINGS:
            return _mapping_form(kind, arguments[0], items)
        return _items_form(kind, origin, items[0])

    def _record(self, kind: Any, where: str) -> Form:  # noqa: ANN401 - an annotation
        if kind in self._looking:
            raise ContractViolation(f"{where} cannot travel: {kind!r} holds itself.")
        self._looking.append(kind)
        try:
            return record_form(kind, self.of)
        finally:
            self._looking.pop()


def _pack_float(value: float) -> float | _Odd:
    if not isinstance(value, float | int):
        raise TypeError(f"{value!r} is no number")
    number = float(value)
    return number if isfinite(number) else _Odd(repr(number))  # type: ignore[arg-type] # there are no others


def _is_odd(value: object) -> bool:
    return type(value) is not float or not isfinite(value)


def _unpack_float(value: float | _Odd) -> float:
    return value if type(value) is float else float(value.float)  # type: ignore[union-attr] # it is one or the other


_FLOAT = Form(float | _Odd, _pack_float, _unpack_float, _is_odd)


def _enum_form(kind: type[enum.Enum]) -> Form:
    if {type(member.value) for member in kind} in ({str}, {int}):
        return Form(kind)
    names = tuple(kind.__members__)
    return Form(typing.Literal[names], lambda member: member.name, kind.__getitem__)


def _tuple_form(kind: Any, items: Sequence[Form], *, is_long: bool) -> Form:  # noqa: ANN401 - an annotation
    if all(item.is_plain for item in items):
        return Form(kind)
    if is_long:
        return _items_form(kind, tuple, items[0])
    packs, unpacks = [_pack(item) for item in items], [_unpack(item) for item in items]

    def pack(values: tuple[Any, ...]) -> list[Any]:
        return [each(value) for each, value in zip(packs, values, strict=True)]

    def unpack(values: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(each(value) for each, value in zip(unpacks, values, strict=True))

    return Form(GenericAlias(tuple, tuple(item.kind for item in items)), pack, unpack)


def _items_form(kind: Any, container: type[Any], item: Form) -> Form:  # noqa: ANN401 - an annotation
    if item.is_plain:
        return Form(kind)
    pack, unpack = _pack(item), _unpack(item)
    return Form(
        GenericAlias(list, (item.kind,)),
        lambda values: [pack(value) for value in values],
        lambda values: container(unpack(value) for value in values),
        None if item.is_odd is None else _any_of(item.is_odd, container),
    )


def _any_of(is_odd: Callable[[Any], bool], container: type[Any]) -> Callable[[Any], bool]:
    return lambda values: not isinstance(values, container) or any(map(is_odd, values))


def _mapping_form(kind: Any, key: Any, items: Sequence[Form]) -> Form:  # noqa: ANN401 - annotations
    keys, values = items
    is_named = key in {str, int} or typing.get_origin(key) is typing.Literal or isinstance(key, enum.EnumMeta)
    if is_named and keys.is_plain and values.is_plain:
        return Form(kind)
    key_out, key_in, out, in_ = _pack(keys), _unpack(keys), _pack(values), _unpack(values)
    if is_named and keys.is_plain:
        return Form(
            GenericAlias(dict, (key, values.kind)),
            lambda mapping: {key: out(value) for key, value in mapping.items()},
            lambda mapping: {key: in_(value) for key, value in mapping.items()},
        )
    return Form(
        GenericAlias(list, (GenericAlias(tuple, (keys.kind, values.kind)),)),
        lambda mapping: [(key_out(key), out(value)) for key, value in mapping.items()],
        lambda pairs: {key_in(key): in_(value) for key, value in pairs},
    )


def _pack(form: Form) -> Callable[[Any], Any]:
    return form.pack or _same


def _unpack(form: Form) -> Callable[[Any], Any]:
    return form.unpack or _same


def _same(value: Any) -> Any:  # noqa: ANN401 - whatever it is
    return value
