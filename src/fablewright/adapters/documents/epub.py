"""EPUBs to Markdown: the chapters in the order of the book, each of them HTML."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fablewright.adapters.documents.archive import open_archive, parse_safely, read_parts
from fablewright.adapters.documents.html import decoded, write_html
from fablewright.adapters.documents.markdown_writer import MarkdownWriter
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source

if TYPE_CHECKING:
    import zipfile

__all__ = ["convert"]

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"


def convert(source: Source) -> Converted:
    """Return an EPUB as Markdown; the table of contents and pictures are left out.

    Raises:
        RefusedDocument: It is none, is copy-protected, would unpack to too much, or is made to do harm.
    """
    archive = open_archive(source, "EPUB")
    chapters = _chapters(archive)
    parts = read_parts(archive, chapters)
    writer = MarkdownWriter(source.most)
    for name in chapters:
        if name in parts:
            source.progress()
            write_html(decoded(parts[name]), writer, source.progress, keep_links=False, titled=False)
    missing = sum(1 for name in chapters if name not in parts)
    if not writer.result() and _ENCRYPTION in archive.namelist():
        raise RefusedDocument("it is copy-protected")
    return Converted(writer.result(), remark=f"{missing} of {len(chapters)} chapters are not in it" if missing else "")


def _chapters(archive: zipfile.ZipFile) -> list[str]:
    """Return the parts that are chapters, in order."""
    container = read_parts(archive, [_CONTAINER]).get(_CONTAINER)
    if container is None:
        raise RefusedDocument("it is no EPUB, in spite of its ending")
    books = [known.get("full-path", "") for name, known in parse_safely(container) if name == "rootfile"]
    package = read_parts(archive, books[:1]).get(books[0]) if books else None
    if package is None:
        raise RefusedDocument("it is damaged: it does not say what is in it")
    folder = posixpath.dirname(books[0])
    items: dict[str, str] = {}
    order: list[str] = []
    for name, known in parse_safely(package):
        if (
            name == "item"
            and "html" in known.get("media-type", "")
            and "nav" not in known.get("properties", "").split()
        ):
            items[known.get("id", "")] = posixpath.normpath(posixpath.join(folder, unquote(known.get("href", ""))))
        elif name == "itemref" and known.get("linear") != "no":
            order.append(known.get("idref", ""))
    return [items[each] for each in dict.fromkeys(order) if each in items]
