"""What is wrong with a body that was sent, in words for people: msgspec says it in those of its types."""

from __future__ import annotations

import re
from collections.abc import Callable  # noqa: TC003 - of a constant

__all__ = ["complaint"]

_WHERE = re.compile(r"\A(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?\Z", re.DOTALL)

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_LONGEST = 80
"""Characters of what a client sent that are said back to it."""


def complaint(said: str) -> str:
    """Return what msgspec says as a sentence that begins with the field; what is not known stays as it is.

    Args:
        said: The text of a ``msgspec.ValidationError``.
    """
    found = _WHERE.fullmatch(said)
    assert found is not None  # noqa: S101 - it matches any text
    what, path = found["what"], (found["path"] or "").removeprefix(".")
    return f"{_sentence(what, path or 'the body') or said}."


def _sentence(what: str, field: str) -> str:
    for pattern, told in _TOLD:
        if found := pattern.fullmatch(what):
            return told(field, found)
    return ""


def _length(field: str, length: re.Match[str]) -> str:
    is_text, most = length["kind"] == "str", int(length["most"])
    if length["how"] == ">=":
        return f"{field} is empty" if most == 1 else ""
    return f"{field} is too long: at most {most:,} {'characters' if is_text else 'entries'} are taken"


def _size(field: str, size: re.Match[str]) -> str:
    bound = float(size["bound"])
    return f"{field} must be {_BOUNDS[size['how']]} {bound:,.0f}" if bound.is_integer() else ""


def _kind(field: str, kind: re.Match[str]) -> str:
    wanted = " or ".join(_KINDS.get(each, each) for each in kind["wanted"].split(" | "))
    return f"{field} must be {wanted}, not {_KINDS.get(kind['got'], kind['got'])}"


def _unknown(field: str, unknown: re.Match[str]) -> str:
    return f"{field} has no field {unknown['name'][:_LONGEST]!r}"


def _missing(field: str, missing: re.Match[str]) -> str:
    return f"{field} lacks {missing['name']}"


def _choice(field: str, choice: re.Match[str]) -> str:
    return f"{field} cannot be {choice['value'][:_LONGEST]}"


_TOLD: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], str]], ...] = (
    (re.compile(r"Expected `(?P<kind>str|array)` of length (?P<how><=|>=) (?P<most>\d+)"), _length),
    (re.compile(r"Expected `(?:int|float)` (?P<how><=|>=|<|>) (?P<bound>\S+)"), _size),
    (re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`"), _kind),
    (re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL), _unknown),
    (re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL), _missing),
    (re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL), _choice),
)
