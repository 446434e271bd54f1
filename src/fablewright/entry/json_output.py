"""JSON for programs that may end up on a terminal."""

from __future__ import annotations

import json
import re

__all__ = ["to_json"]

_TERMINAL_CONTROLS = re.compile(r"[\x7f-\x9f]")  # JSON escapes C0 by itself


def to_json(content: dict[str, object], *, one_line: bool = False) -> str:
    """Return readable JSON text that does nothing to a terminal: other control characters are escaped."""
    text = json.dumps(content, ensure_ascii=False, indent=None if one_line else 2, allow_nan=False)
    return _TERMINAL_CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
