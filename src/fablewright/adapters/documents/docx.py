"""Word documents to Markdown: mammoth makes HTML of the styles that people give their text, ``html`` the rest."""

from __future__ import annotations

import mammoth

from fablewright.adapters.documents.archive import open_archive, parse_safely, read_parts
from fablewright.adapters.documents.html import write_html
from fablewright.adapters.documents.markdown_writer import MarkdownWriter
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source

__all__ = ["convert"]

_BOXES = ("Quote", "Intense Quote", "Read Aloud", "Read-Aloud", "Boxed", "Box Text", "Sidebar")
_STYLES = "\n".join(
    ["p[style-name='Title'] => h1:fresh", *(f"p[style-name^='{name}'] => blockquote > p:fresh" for name in _BOXES)]
)


def convert(source: Source) -> Converted:
    """Return a Word document as Markdown; pictures are left out.

    Raises:
        RefusedDocument: It is none, would unpack to too much, or is made to do harm.
    """
    archive = open_archive(source, "Word document (DOCX)")
    names = [name for name in archive.namelist() if name.lower().endswith((".xml", ".rels"))]
    if "[Content_Types].xml" not in names:
        raise RefusedDocument("it is no Word document (DOCX), in spite of its ending")
    for data in read_parts(archive, names).values():
        parse_safely(data)
        source.progress()
    source.file.seek(0)
    html = mammoth.convert_to_html(
        source.file, style_map=_STYLES, include_embedded_style_map=False, convert_image=_without_picture
    ).value
    writer = MarkdownWriter(source.most)
    write_html(html, writer, source.progress, keep_links=True)
    return Converted(writer.result())


def _without_picture(_image: object) -> list[object]:
    return []
