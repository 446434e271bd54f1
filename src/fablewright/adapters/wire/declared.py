"""What classes declare: the fields of a record, and what a request is answered with."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, NamedTuple

from fablewright.errors import ContractViolation

__all__ = ["Field", "argument_of", "fields_of", "is_record"]


class Field(NamedTuple):
    """A field of a record: its name, its type, and whether it may be left out."""

    name: str
    kind: Any
    has_default: bool


def is_record(kind: Any) -> bool:  # noqa: ANN401 - an annotation
    """Return whether a type has fields with names: a dataclass or a named tuple."""
    return isinstance(kind, type) and (
        dataclasses.is_dataclass(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def fields_of(kind: Any) -> tuple[Field, ...]:  # noqa: ANN401 - an annotation
    """Return what a record is made with.

    Raises:
        ContractViolation: An annotation names something that is not there at run time.
    """
    record = typing.get_origin(kind) or kind
    known = _parameters(kind)
    try:
        hints = typing.get_type_hints(record)
    except NameError as error:
        raise ContractViolation(
            f"{record.__name__} cannot travel: its module imports {error.name} for type checkers only; "
            "import it at run time."
        ) from error
    if dataclasses.is_dataclass(record):
        missing = dataclasses.MISSING
        return tuple(
            Field(
                each.name,
                _with(hints[each.name], known),
                each.default is not missing or each.default_factory is not missing,
            )
            for each in dataclasses.fields(record)
            if each.init
        )
    return tuple(Field(name, _with(hints[name], known), name in record._field_defaults) for name in record._fields)


def argument_of(kind: Any, generic: type) -> Any:  # noqa: ANN401 - annotations
    """Return what stands in the brackets behind ``generic`` where a class derives from it; None: nothing.

    Args:
        kind: The class; bases in between may have brackets of their own.
        generic: A class with one parameter.
    """
    derived = typing.get_origin(kind) or kind
    known = _parameters(kind)
    for base in vars(derived).get("__orig_bases__", derived.__bases__):
        root = typing.get_origin(base) or base
        if root is generic:
            arguments = typing.get_args(base)
            return _with(arguments[0], known) if arguments else None
        if isinstance(root, type) and issubclass(root, generic):
            return argument_of(_with(base, known), generic)
    return None


def _parameters(kind: Any) -> dict[Any, Any]:  # noqa: ANN401 - an annotation
    """Return what the type variables of a class stand for here."""
    return dict(zip(getattr(typing.get_origin(kind), "__parameters__", ()), typing.get_args(kind), strict=False))


def _with(kind: Any, known: dict[Any, Any]) -> Any:  # noqa: ANN401 - annotations
    """Return a type with what its type variables stand for."""
    if isinstance(kind, typing.TypeVar):
        return known.get(kind, kind)
    parameters = () if isinstance(kind, type) else getattr(kind, "__parameters__", ())
    return kind[tuple(known.get(each, each) for each in parameters)] if parameters and known else kind
