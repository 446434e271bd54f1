"""The schema of an answer as ``gm/answer_data.py`` writes it down, read off the records themselves."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import types
import typing
from typing import Any

from fablewright.gm.answer import Answer
from fablewright.gm.answer_data import hints_of, name_of

__all__ = ["PLACE", "answer_schemas"]

PLACE = "#/components/schemas/"
_SINGLE: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_LEFT_OUT_WHEN_EMPTY = "variants"


def answer_schemas() -> dict[str, dict[str, object]]:
    """Return the schemas of ``Answer`` and of all that it is made of, by name."""
    found: dict[str, dict[str, object]] = {}
    _record(Answer, found)
    return dict(sorted(found.items()))


def _record(kind: type, found: dict[str, dict[str, object]]) -> dict[str, object]:
    """Note the schema of a record, unless it is there; return what points to it."""
    if kind.__name__ not in found:
        schema: dict[str, object] = {"type": "object", "title": kind.__name__, "description": inspect.getdoc(kind)}
        found[kind.__name__] = schema
        parts = {name_of(kind, name): _schema(hint, found) for name, hint in hints_of(kind).items()}
        schema["properties"] = parts
        schema["required"] = [name for name in parts if name != _LEFT_OUT_WHEN_EMPTY]
    return {"$ref": f"{PLACE}{kind.__name__}"}


def _schema(hint: Any, found: dict[str, dict[str, object]]) -> dict[str, object]:  # noqa: ANN401 - an annotation
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema(each, found) for each in arguments]}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], found)}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return {"enum": [each.value for each in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _record(hint, found)
    return {"type": _SINGLE[hint]}
