"""Foundry VTT journals to Markdown: entries with pages (version 10 and later), and the old ones with ``content``.

Read are an exported journal entry, a list of them, and an adventure with its ``journal``. Foundry's own marks are
put into words: ``@UUID[JournalEntry.…]{The Mill}`` becomes the wikilink ``[[The Mill]]``, so that the link stays
one; a check or a roll becomes what is to be rolled.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.adapters.documents.html import write_html
from fablewright.adapters.documents.markdown_writer import MarkdownWriter
from fablewright.adapters.documents.pieces import lowered, mapping, ordered, said
from fablewright.adapters.documents.source import Converted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.adapters.documents.source import Source

__all__ = ["journal", "plain_marks"]

_MARKDOWN = 2
"""Foundry's number of the format; 1 is HTML."""
_REFERENCE = re.compile(r"@(?P<kind>[A-Z]\w{1,30})\[(?P<id>[^\[\]\n]{1,300})\](?:\{(?P<label>[^{}\n]{1,300})\})?")
_ROLL = re.compile(r"\[\[/(?P<command>\w{1,20})[ \t]+(?P<what>[^\[\]\n]{1,200})\]\](?:\{(?P<label>[^{}\n]{1,200})\})?")
_JOURNAL = re.compile(r"\bJournalEntry(?:Page)?\b")
_VALUE = re.compile(r"(?:^|[|\s])(?P<key>[A-Za-z]{1,20})\s?[:=]\s?(?P<value>[\w-]{1,40})")


def journal(content: object, source: Source) -> Converted | None:
    """Return journal entries in their order; None if there are none."""
    listed = content if isinstance(content, list) else mapping(content).get("journal") or [content]
    entries = [each for each in map(mapping, listed if isinstance(listed, list) else []) if _is_entry(each)]
    if not entries:
        return None
    writer = MarkdownWriter(source.most)
    pages = left_out = 0
    for entry in entries:
        writer.heading(1, said(entry, "name"))
        if said(entry, "content"):
            _write_html(said(entry, "content"), writer, source, lower=1)
        for page in ordered(entry.get("pages"), "sort"):
            pages += 1
            left_out += not _write_page(page, writer, source)
    return Converted(
        writer.result(), remark=f"left out, because they are no text: {left_out} of {pages} pages" if left_out else ""
    )


def _is_entry(entry: Mapping[str, object]) -> bool:
    if "type" in entry or "entries" in entry or not isinstance(entry.get("name"), str):
        return False
    return isinstance(entry.get("pages"), list) or isinstance(entry.get("content"), str)


def _write_page(page: Mapping[str, object], writer: MarkdownWriter, source: Source) -> bool:
    """Write a page; return False if there is no text on it."""
    text = mapping(page.get("text"))
    html, markdown = said(text, "content"), said(text, "markdown")
    caption = said(mapping(page.get("image")), "caption")
    if not (html or markdown or caption):
        return False
    said_level = mapping(page.get("title")).get("level")
    level = 1 + (said_level if isinstance(said_level, int) and 1 <= said_level <= 3 else 1)
    writer.heading(level, said(page, "name"))
    if markdown and (text.get("format") == _MARKDOWN or not html):
        writer.block(lowered(plain_marks(markdown), level))
    elif html:
        _write_html(html, writer, source, lower=level)
    else:
        writer.text(caption)
    return True


def _write_html(html: str, writer: MarkdownWriter, source: Source, *, lower: int) -> None:
    write_html(plain_marks(html), writer, source.progress, keep_links=False, titled=False, lower=lower)


def plain_marks(text: str) -> str:
    """Return text with Foundry's marks put into words."""
    return _ROLL.sub(_roll, _REFERENCE.sub(_reference, text))


def _reference(match: re.Match[str]) -> str:
    kind, label = match["kind"], match["label"]
    if kind == "Check":
        return label or _check(match["id"])
    if not label:
        return ""
    return f"[[{label}]]" if kind == "JournalEntry" or _JOURNAL.search(match["id"]) else label


def _roll(match: re.Match[str]) -> str:
    if match["label"]:
        return match["label"]
    return _check(match["what"]) if match["command"] in {"check", "save", "skill", "tool"} else match["what"]


def _check(words: str) -> str:
    """Return what is to be rolled: "DC 15 Perception", out of ``type:perception|dc:15`` or ``skill=prc dc=15``."""
    values = {found["key"].lower(): found["value"] for found in _VALUE.finditer(words)}
    what = next((values[key] for key in ("skill", "type", "ability", "tool") if key in values), "")
    if not what:
        return words
    difficulty = f"DC {values['dc']} " if "dc" in values else ""
    return f"{difficulty}{what.replace('-', ' ').title()} check"
