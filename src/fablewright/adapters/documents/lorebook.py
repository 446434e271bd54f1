"""SillyTavern lorebooks (world info), also those inside a character card, to Markdown: a section for each entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.adapters.documents.markdown_writer import MarkdownWriter
from fablewright.adapters.documents.pieces import lowered, mapping, ordered, said, strings
from fablewright.adapters.documents.source import Converted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.adapters.documents.source import Source

__all__ = ["lorebook"]


def lorebook(content: object, source: Source) -> Converted | None:
    """Return a lorebook's entries in their order; None if it is none.

    An entry's heading is its title (``comment``) or its first key; all its keys follow, for it is by them that
    people call the thing. Entries that are switched off are left out, and it is said how many.
    """
    book = _book(mapping(content))
    if book is None:
        return None
    writer = MarkdownWriter(source.most)
    writer.heading(1, said(book, "name"))
    writer.text(said(book, "description"))
    off = read = 0
    for entry in ordered(book.get("entries"), "insertion_order", "order", "uid"):
        text = said(entry, "content")
        if entry.get("disable") is True or entry.get("enabled") is False:
            off += 1
            continue
        keys = [*strings(entry, "key"), *strings(entry, "keys")]
        title = said(entry, "comment") or said(entry, "name") or next(iter(keys), "")
        if not text:
            continue
        read += 1
        source.progress()
        writer.heading(2, title)
        others = [key for key in dict.fromkeys(keys) if key.casefold() != title.casefold()]
        writer.text(f"Also called: {', '.join(others)}." if others else "")
        writer.block(lowered(text, 2))
    return Converted(writer.result(), remark=f"left out, because switched off: {off} of {off + read}" if off else "")


def _book(content: Mapping[str, object]) -> Mapping[str, object] | None:
    """Return the lorebook that a file is or holds."""
    inside = mapping(content.get("data")).get("character_book") or content.get("character_book")
    for book in (mapping(inside), content):
        entries = book.get("entries")
        listed = list(entries.values()) if isinstance(entries, dict) else entries
        if isinstance(listed, list) and all(isinstance(each, dict) and "content" in each for each in listed):
            return book
    return None
