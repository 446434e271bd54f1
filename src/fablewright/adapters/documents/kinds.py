"""The kinds of document: by their ending, what people call them, and which module here reads them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document: its name for people, and the module of this package with its ``convert``."""

    name: str
    module: str


_HTML = Kind("HTML", "html")

KINDS = {
    ".docx": Kind("Word document (DOCX)", "docx"),
    ".epub": Kind("EPUB", "epub"),
    ".htm": _HTML,
    ".html": _HTML,
    ".json": Kind("JSON", "game_json"),
    ".pdf": Kind("PDF", "pdf"),
    ".xhtml": _HTML,
}
