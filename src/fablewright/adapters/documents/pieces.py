"""Pieces of somebody else's JSON: each is taken for what it should be, and is empty where it is something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["lowered", "mapping", "ordered", "said", "strings"]

_HEADING = re.compile(r"^(#{1,6})(?=[ \t])", re.MULTILINE)


def mapping(value: object) -> Mapping[str, object]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def said(value: Mapping[str, object], key: str) -> str:
    """Return a string, or an empty one."""
    words = value.get(key)
    return words.strip() if isinstance(words, str) else ""


def strings(value: Mapping[str, object], key: str) -> list[str]:
    """Return the strings of a list, without empty ones."""
    listed = value.get(key)
    found = listed if isinstance(listed, list) else []
    return [each.strip() for each in found if isinstance(each, str) and each.strip()]


def ordered(value: object, *keys: str) -> list[Mapping[str, object]]:
    """Return the objects of a list, or the values of an object, by the first of the keys that is a number."""
    listed = list(value.values()) if isinstance(value, dict) else value
    found = [mapping(each) for each in listed] if isinstance(listed, list) else []

    def place(each: Mapping[str, object]) -> float:
        numbers = (each.get(key) for key in keys)
        return next((float(number) for number in numbers if type(number) in {int, float}), 0.0)  # type: ignore[arg-type]

    return sorted(found, key=place)


def lowered(markdown: str, by: int) -> str:
    """Return Markdown with its headings that many levels further down, for it stands under a heading of ours."""
    return _HEADING.sub(lambda match: "#" * min(6, len(match[1]) + by), markdown)
