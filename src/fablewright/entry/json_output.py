"""An answer as one JSON object, for programs."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer

__all__ = ["answer_object", "to_json"]

_TERMINAL_CONTROLS = re.compile(r"[\x7f-\x9f]")  # JSON escapes C0 by itself


def answer_object(answer: Answer) -> dict[str, object]:
    """Return what ``--json`` prints for an answer, as plain dictionaries, lists and numbers.

    ``sources`` in lines, checks and foes are indices into ``citations``.
    """
    return {
        "status": answer.status,
        "want": answer.want,
        "scene": None if answer.scene is None else _plain(answer.scene),
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
    }


def to_json(content: dict[str, object], *, one_line: bool = False) -> str:
    """Return readable JSON text that does nothing to a terminal: other control characters are escaped."""
    text = json.dumps(content, ensure_ascii=False, indent=None if one_line else 2, allow_nan=False)
    return _TERMINAL_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value
