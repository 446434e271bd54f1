"""An answer as plain data and back: what ``--json`` prints, what a campaign keeps, what a program hands in again.

Reading is strict: data that is no answer is refused with the place where it is wrong, never half read. The schema says
beforehand what comes, for programs that want to know.
"""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer
from fablewright.gm.scene.scenario import Scene

__all__ = ["answer_data", "answer_from_data", "answer_schema", "scene_data", "scene_from_data"]

_Record = TypeVar("_Record")

_LONGEST_TEXT = 200_000
"""Characters of one text; a note's passage has a few thousand."""


def answer_data(answer: Answer) -> dict[str, object]:
    """Return an answer as dictionaries, lists, texts and numbers.

    ``sources`` in lines, checks and foes are indices into ``citations``.
    """
    return {
        "status": answer.status,
        "want": answer.want,
        "scene": None if answer.scene is None else scene_data(answer.scene),
        "answer": _plain(answer.lines),
        "citations": [
            {
                "file": passage.file,
                "heading": list(passage.heading),
                "start": passage.start,
                "end": passage.end,
                "page": passage.page,
                "table_header": passage.table_header,
                "text": passage.text,
                "score": passage.score,
            }
            for passage in answer.citations
        ],
        "used_rag": answer.used_rag,
        "generation_method": answer.generation_method,
        "missing": list(answer.missing),
        "timings": {name: round(value, 1) for name, value in dataclasses.asdict(answer.timings).items()},
        **({"variants": _plain(answer.variants)} if answer.variants else {}),
    }


def scene_data(scene: Scene) -> dict[str, object]:
    """Return a scene as plain data."""
    return {each.name: _plain(getattr(scene, each.name)) for each in dataclasses.fields(scene)}


def answer_from_data(data: object) -> Answer:
    """Return the answer that ``answer_data`` wrote down.

    Raises:
        InvalidInput: The data is no answer: a key is missing or unknown, a value of the wrong kind, or a line points
            to a citation that is not there.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput("This is no answer of Fablewright: it must be a JSON object.")
    renamed = {("lines" if key == "answer" else key): value for key, value in data.items()}
    answer = _read(Answer, renamed, "the answer")
    _check_sources(answer)
    return answer


def scene_from_data(data: object) -> Scene:
    """Return the scene that ``scene_data`` wrote down.

    Raises:
        InvalidInput: The data is no scene.
    """
    return _read(Scene, data, "the scene")


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of what ``answer_data`` returns."""
    records: dict[str, Any] = {}
    root = _record_schema(Answer, records)
    parts = {("answer" if name == "lines" else name): part for name, part in root["properties"].items()}
    required = [name for name in parts if name != "variants"]
    return {**root, "properties": parts, "required": required, "$defs": records}


def _record_schema(kind: type[Any], records: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    parts = {each.name: _schema(hints[each.name], records) for each in dataclasses.fields(kind)}
    return {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}


def _schema(kind: Any, records: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - an annotation
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [_schema(arguments[0], records), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema(arguments[0], records)}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [each.value for each in kind]}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if kind.__name__ not in records:
            records[kind.__name__] = {}  # there, should it hold itself
            records[kind.__name__] = _record_schema(kind, records)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    return {"type": _JSON_NAMES[kind]}


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _read(kind: type[_Record], data: object, where: str) -> _Record:
    if not isinstance(data, Mapping):
        raise InvalidInput(f"{where} must be an object, not {_shown(data)}.")
    hints = typing.get_type_hints(kind)
    fields = {each.name: each for each in dataclasses.fields(kind)}  # type: ignore[arg-type] # records are dataclasses
    for key in data:
        if key not in fields:
            raise InvalidInput(f"{where} has a part {_shown(key)} that is not known.")
    values = {}
    for name, each in fields.items():
        if name in data:
            values[name] = _value(hints[name], data[name], f"{where}: {name}")
        elif each.default is dataclasses.MISSING and each.default_factory is dataclasses.MISSING:
            raise InvalidInput(f"{where} has no {name}.")
    return kind(**values)


def _value(kind: Any, data: object, where: str) -> object:  # noqa: ANN401 - an annotation
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return None if data is None else _value(arguments[0], data, where)
    if origin is tuple:
        if not isinstance(data, list | tuple):
            raise InvalidInput(f"{where} must be a list, not {_shown(data)}.")
        return tuple(_value(arguments[0], each, f"{where}[{at}]") for at, each in enumerate(data))
    if origin is typing.Literal:
        if data not in arguments:
            raise InvalidInput(f"{where} must be one of {', '.join(map(str, arguments))}, not {_shown(data)}.")
        return data
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError:
            known = ", ".join(str(each.value) for each in kind)
            raise InvalidInput(f"{where} must be one of {known}, not {_shown(data)}.") from None
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _read(kind, data, where)
    return _single(kind, data, where)


def _single(kind: type, data: object, where: str) -> object:
    """Return a text or a number; a whole number will do for one with a point, and a yes or no for neither."""
    if kind is float and type(data) is int:
        data = float(data)
    if type(data) is not kind:
        raise InvalidInput(f"{where} must be {_WORDS[kind]}, not {_shown(data)}.")
    if isinstance(data, str) and len(data) > _LONGEST_TEXT:
        raise InvalidInput(f"{where} is {len(data):,} characters long; at most {_LONGEST_TEXT:,} are read.")
    if isinstance(data, float) and not abs(data) < float("inf"):
        raise InvalidInput(f"{where} must be a finite number.")
    return data


_JSON_NAMES: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_WORDS: dict[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def _shown(value: object) -> str:
    said = repr(value)
    return said if len(said) <= 40 else said[:39] + "…"


def _check_sources(answer: Answer) -> None:
    """Hold every line to the citations that are there."""

    def look(value: object, cited: int) -> None:
        if dataclasses.is_dataclass(value):
            for each in dataclasses.fields(value):
                part = getattr(value, each.name)
                if each.name == "sources" and not all(0 <= source < cited for source in part):
                    raise InvalidInput("A line of the answer points to a citation that is not there.")
                look(part, cited)
        elif isinstance(value, tuple):
            for part in value:
                look(part, cited)

    look(answer.scene, len(answer.citations))
    look(answer.lines, len(answer.citations))
    for variant in answer.variants:
        look(variant.scene, len(variant.citations))
