"""What is wrong with a body that was sent, in words for people: msgspec says it in those of its types."""

from __future__ import annotations

import re

__all__ = ["complaint"]

_WHERE = re.compile(r"\A(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?\Z", re.DOTALL)
_LENGTH = re.compile(r"Expected `(?P<kind>str|array)` of length (?P<how><=|>=) (?P<most>\d+)")
_SIZE = re.compile(r"Expected `(?:int|float)` (?P<how><=|>=|<|>) (?P<bound>\S+)")
_KIND = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_CHOICE = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL)

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
    if length := _LENGTH.fullmatch(what):
        return _length(field, length)
    if size := _SIZE.fullmatch(what):
        bound = float(size["bound"])
        return f"{field} must be {_BOUNDS[size['how']]} {bound:,.0f}" if bound.is_integer() else ""
    if kind := _KIND.fullmatch(what):
        wanted = " or ".join(_KINDS.get(each, each) for each in kind["wanted"].split(" | "))
        return f"{field} must be {wanted}, not {_KINDS.get(kind['got'], kind['got'])}"
    if unknown := _UNKNOWN.fullmatch(what):
        return f"{field} has no field {unknown['name'][:_LONGEST]!r}"
    if missing := _MISSING.fullmatch(what):
        return f"{field} lacks {missing['name']}"
    if choice := _CHOICE.fullmatch(what):
        return f"{field} cannot be {choice['value'][:_LONGEST]}"
    return ""


def _length(field: str, length: re.Match[str]) -> str:
    is_text, most = length["kind"] == "str", int(length["most"])
    if length["how"] == ">=":
        return f"{field} is empty" if most == 1 else ""
    return f"{field} is too long: at most {most:,} {'characters' if is_text else 'entries'} are taken"
