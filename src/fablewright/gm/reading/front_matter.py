"""Reads the YAML at the head of a note as far as notes use it: keys with one value or a list of values.

No YAML parser: a GM's note must be readable with an unclosed quote or a stray tab in its head, anchors and tags
must not be able to make a small file large, and the few forms that note programs write are a page of code.
"""

from __future__ import annotations

import re

__all__ = ["front_matter"]

_MOST = 20_000
"""Characters that are looked at; a head that is longer is no head."""
_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_KEY = re.compile(r"(?P<key>[^\s:#\-\[\]{}\"'][^:\n]{0,60}):(?:[ \t]+(?P<value>.*))?$")
_ITEM = re.compile(r"[ \t]*-[ \t]+(?P<value>.*)$")
_LISTED = re.compile(
    r"""[ \t]*(?:"(?P<double>(?:[^"\\]|\\.)*+)"|'(?P<single>(?:[^']|'')*+)'|(?P<plain>[^,]*+))[ \t]*,?"""
)
_ESCAPED = re.compile(r"\\(.)")


def front_matter(text: str) -> dict[str, tuple[str, ...]]:
    """Return the values of each key in a note's front matter, keys in small letters; empty without any.

    Read are ``key: value``, ``key: [one, "two"]`` and a list of ``- item`` lines; other forms are passed over.

    Args:
        text: The decoded note from its beginning.
    """
    head = text[:_MOST].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = head.partition("\n")
    end = _END.search(rest)
    if first.rstrip(" \t") != "---" or end is None:
        return {}
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for line in rest[: end.start()].split("\n"):
        pair, item = _KEY.match(line), _ITEM.match(line)
        if pair:
            values = found.setdefault(pair["key"].strip().lower(), [])
            values.extend(_values(pair["value"] or ""))
        elif item:
            values.append(_scalar(item["value"]))
    return {key: tuple(filter(None, listed)) for key, listed in found.items()}


def _values(written: str) -> list[str]:
    """Return what stands behind a key: the items of ``[…]``, or the one value."""
    written = written.strip()
    if not (written.startswith("[") and written.endswith("]")) or written.startswith("[["):  # [[a wikilink]]
        return [_scalar(written)]
    inside = written[1:-1]
    values: list[str] = []
    at = 0
    while at < len(inside):
        match = _LISTED.match(inside, at)
        if match is None or match.end() == at:
            break
        values.append(_scalar(match[0].rstrip().removesuffix(",")))
        at = match.end()
    return values


def _scalar(written: str) -> str:
    """Return a value without its quotes; a ``#`` behind a blank begins a comment."""
    written = written.strip()
    if written[:1] == '"' and (end := written.rfind('"')) > 0:
        return _ESCAPED.sub(r"\1", written[1:end]).strip()
    if written[:1] == "'" and (end := written.rfind("'")) > 0:
        return written[1:end].replace("''", "'").strip()
    if written.startswith(("#", "|", ">", "&", "*", "{")):  # a comment, a block of text, an anchor, a mapping
        return ""
    return written.split(" #", 1)[0].strip()
