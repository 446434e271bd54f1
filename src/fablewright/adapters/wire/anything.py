"""Values whose type nobody has declared, as the data of the old API's messages: whatever each is, it says itself.

What JSON has is written as it is. Anything else is an object with one key that begins with ``$``, such as
``{"$tuple": [1, 2]}``; so is a mapping with keys that are no texts, or that begin like that.
"""

from __future__ import annotations

import base64
import types
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

__all__ = ["DEEPEST", "pack", "unpack"]

DEEPEST = 32
"""Containers in containers."""

_AS_IT_IS = frozenset({str, bool, types.NoneType})
_INTS = range(-(2**63), 2**64)
"""Whole numbers that readers of JSON keep exact; a larger one is written as text."""


def pack(value: object, depth: int = 0) -> Any:  # noqa: ANN401, PLR0911 - JSON; a line a kind
    """Return a value as msgspec can write it.

    Raises:
        TypeError: It is too deep, or nothing of that kind can travel.
    """
    kind = type(value)
    if kind in _AS_IT_IS or (kind is int and value in _INTS):
        return value
    if isinstance(value, int) and kind is int:
        return {"$int": str(value)}
    if isinstance(value, float) and kind is float:
        return value if isfinite(value) else {"$float": repr(value)}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if depth >= DEEPEST:
        raise TypeError(f"it is more than {DEEPEST} containers deep")
    depth += 1
    if isinstance(value, list):
        return [pack(each, depth) for each in value]
    if kind in {tuple, set, frozenset} and isinstance(value, tuple | set | frozenset):
        return {f"${kind.__name__}": [pack(each, depth) for each in value]}
    if isinstance(value, Mapping):
        if all(type(key) is str and not key.startswith("$") for key in value):
            return {key: pack(each, depth) for key, each in value.items()}
        return {"$dict": [[pack(key, depth), pack(each, depth)] for key, each in value.items()]}
    raise TypeError(f"a {kind.__qualname__} among what has no declared type")


def unpack(value: Any, depth: int = 0) -> object:  # noqa: ANN401 - JSON
    """Return what was packed.

    Raises:
        ValueError: It is too deep, or tagged with what is not known.
    """
    if not isinstance(value, list | dict):
        return value
    if depth > 3 * DEEPEST:  # what is written as pairs has three containers for one
        raise ValueError(f"it is more than {DEEPEST} containers deep")
    depth += 1
    if isinstance(value, list):
        return [unpack(each, depth) for each in value]
    tag = next((key for key in value if key.startswith("$")), None)
    if tag is None:
        return {key: unpack(each, depth) for key, each in value.items()}
    if len(value) > 1 or tag not in _TAGS:
        raise ValueError(f"nothing is tagged like {tag[:20]!r}")
    kind, make = _TAGS[tag]
    if not isinstance(value[tag], kind):
        raise ValueError(f"{tag} does not hold what belongs there")  # noqa: TRY004 - all that is wrong is one error
    return make(unpack(value[tag], depth))


def _float(text: str) -> float:
    if text not in {"nan", "inf", "-inf"}:
        raise ValueError("no such number")
    return float(text)


_TAGS: dict[str, tuple[type, Callable[[Any], object]]] = {
    "$int": (str, int),
    "$float": (str, _float),
    "$bytes": (str, lambda text: base64.b64decode(text, validate=True)),
    "$tuple": (list, tuple),
    "$set": (list, set),
    "$frozenset": (list, frozenset),
    "$dict": (list, dict),
}
