"""Records that msgspec cannot carry without loss: written field by field, and made by their own constructor."""

from __future__ import annotations

import dataclasses
import typing
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from fablewright.adapters.wire.declared import fields_of
from fablewright.adapters.wire.form import Form

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.adapters.wire.declared import Field

__all__ = ["record_form"]


def record_form(kind: Any, form_of: Callable[[Any, str], Form]) -> Form:  # noqa: ANN401 - an annotation
    """Return the form of a dataclass or a named tuple.

    Args:
        kind: The class, with what stands in its brackets if it is generic.
        form_of: Finds the forms of its fields.

    Raises:
        ContractViolation: A field cannot travel.
    """
    cls = typing.get_origin(kind) or kind
    fields = sorted(fields_of(kind), key=lambda field: field.has_default)  # as msgspec wants them
    forms = [form_of(field.kind, f"{cls.__name__}.{field.name}") for field in fields]
    # What the constructor works out for itself msgspec would write and read as well.
    is_all = dataclasses.is_dataclass(cls) and len(fields) == len(dataclasses.fields(cls))
    if is_all and all(form.is_plain for form in forms):
        return Form(kind)
    by_field = _by_field(cls, fields, forms)
    if is_all and all(form.is_mostly_plain for form in forms):
        return by_field._replace(is_odd=_has_odd(cls, fields, forms))
    return by_field


def _has_odd(cls: type, fields: Sequence[Field], forms: Sequence[Form]) -> Callable[[Any], bool]:
    """Return what tells whether a field of a record is odd, or that it is no such record."""
    looks = [(field.name, form.is_odd) for field, form in zip(fields, forms, strict=True) if form.is_odd is not None]

    def is_odd(record: Any) -> bool:  # noqa: ANN401 - a record, as a rule
        if not isinstance(record, cls):
            return True
        for name, look in looks:  # noqa: SIM110 - any() costs twice the time
            if look(getattr(record, name)):
                return True
        return False

    return is_odd


def _by_field(cls: Any, fields: Sequence[Field], forms: Sequence[Form]) -> Form:  # noqa: ANN401 - a class
    names = [field.name for field in fields]
    carrier = msgspec.defstruct(
        cls.__name__,
        [
            (field.name, form.kind | UnsetType, UNSET) if field.has_default else (field.name, form.kind)
            for field, form in zip(fields, forms, strict=True)
        ],
    )
    packs = [(name, form.pack) for name, form in zip(names, forms, strict=True) if form.pack is not None]
    unpacks = [(name, form.unpack) for name, form in zip(names, forms, strict=True) if form.unpack is not None]
    may_lack = [field.name for field in fields if field.has_default]
    parts_of = _getter(names)

    def pack(record: Any) -> Any:  # noqa: ANN401 - a record of that class
        if not isinstance(record, cls):
            raise TypeError(f"{type(record).__name__} is no {cls.__name__}")
        parts = parts_of(record)
        for name, pack in packs:
            parts[name] = pack(parts[name])
        return carrier(**parts)

    def unpack(carried: Any) -> Any:  # noqa: ANN401 - a carrier
        parts = parts_of(carried)
        for name in may_lack:
            if parts[name] is UNSET:
                del parts[name]
        for name, unpack in unpacks:
            if name in parts:
                parts[name] = unpack(parts[name])
        return cls(**parts)

    return Form(carrier, pack, unpack)


def _getter(names: Sequence[str]) -> Callable[[object], dict[str, Any]]:
    """Return what reads these attributes, by name."""
    if len(names) < 2:  # attrgetter of one name gives no tuple, and of none there is none
        return lambda record: {name: getattr(record, name) for name in names}
    read = attrgetter(*names)
    return lambda record: dict(zip(names, read(record), strict=True))
