"""PDF to Markdown: its letters with their places, read off with PDFium; ``pdf_columns`` and ``pdf_blocks`` do the rest.

PDFium is what Chrome reads PDFs with. Only text is asked for: nothing is drawn, no script is run, no address is
looked at.
"""

from __future__ import annotations

import ctypes
import math
import re
from functools import lru_cache
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium

from fablewright.adapters.documents.pdf_blocks import markdown
from fablewright.adapters.documents.pdf_columns import Run, lines_in_order
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source, sound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.adapters.documents.pdf_columns import Line

__all__ = ["convert"]

_MOST_PAGES = 5_000
_MOST_LETTERS = 100_000
"""Of one page; a dense page of a rule book has 8,000."""
_BOLD = re.compile(rb"bold|black|heavy|semibold|demi", re.IGNORECASE)
_UPRIGHT = 0.1
"""Radians that a line may lean."""
_ENCRYPTED = 4
_BLANKS = frozenset((0, 9, 10, 13, 32, 0xA0))
_LETTERS = {
    0xFB00: "ff",
    0xFB01: "fi",
    0xFB02: "fl",
    0xFB03: "ffi",
    0xFB04: "ffl",
    0xFB05: "st",
    0xFB06: "st",
    0x02: "\u00ad",  # PDFium's signs of a hyphen at the end of a line
    0xFFFE: "\u00ad",
}
"""What is written otherwise than PDFium reads it."""


def convert(source: Source) -> Converted:
    """Return a PDF as Markdown, with where its pages begin.

    Raises:
        RefusedDocument: It wants a password, or there is no text in it.
    """
    if b"%PDF-" not in source.head(4096):
        raise RefusedDocument("it is no PDF, in spite of its ending")
    try:
        document = pypdfium2.PdfDocument(source.file)
    except pypdfium2.PdfiumError as error:
        if error.err_code == _ENCRYPTED:
            raise RefusedDocument("it is encrypted: save it without a password, then it can be read") from error
        raise
    count = len(document)
    pages: list[list[Line]] = []
    size, bare, broken = 0, 0, 0
    for number in range(min(count, _MOST_PAGES)):
        source.progress()
        lines = _lines(document, number)
        broken += lines is None
        bare += lines == []
        pages.append(lines or [])
        size += sum(len(line.text) for line in pages[-1])
        if size > source.most:
            raise RefusedDocument(f"there is more text in it than {source.most / 1e6:.3g} MB")
    if not size:
        if broken:
            raise RefusedDocument("it is damaged: none of its pages can be read")
        raise RefusedDocument("there is no text in it, most likely it is scanned: make it searchable with OCR first")
    text, starts = markdown(pages)
    return Converted(text, starts, _remark(count, len(pages), bare, broken))


def _remark(count: int, read: int, bare: int, broken: int) -> str:
    remarks = []
    if count > read:
        remarks.append(f"only the first {read:,} of its {count:,} pages were read")
    if bare:
        remarks.append(f"{bare:,} of {count:,} pages have no text, only pictures perhaps")
    if broken:
        remarks.append(f"{broken:,} of {count:,} pages are damaged")
    return "; ".join(remarks)


def _lines(document: pypdfium2.PdfDocument, number: int) -> list[Line] | None:
    """Return a page's lines in reading order; None if it is damaged."""
    try:
        page = document[number]
    except pypdfium2.PdfiumError:
        return None
    try:
        text = page.get_textpage()
        try:
            return lines_in_order(list(_runs(text.raw, page.get_height())))
        finally:
            text.close()
    except pypdfium2.PdfiumError:
        return None
    finally:
        page.close()


def _runs(text: object, height: float) -> Iterator[Run]:
    """Yield the stretches of letters that follow each other on a line in one style."""
    box = pdfium.FS_RECTF()
    where = ctypes.byref(box)
    style = _Styles(text)
    letters: list[str] = []
    left = right = bottom = tall = size = 0.0
    bold = upright = spaced = False
    unicode_of, box_of = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox  # asked for each letter
    for at in range(min(pdfium.FPDFText_CountChars(text), _MOST_LETTERS)):
        code = unicode_of(text, at)
        if code in _BLANKS:
            spaced = True
            continue
        box_of(text, at, where)
        gap = box.left - right
        same_line = bool(letters) and abs(box.bottom - bottom) < 0.35 * size and -0.5 * size < gap < 1.2 * size
        if spaced or not same_line or not -0.3 * size < gap < 0.2 * size:  # a word begins
            # Within a line the size is measured only if the letters have become taller or smaller.
            same_style = same_line and abs(box.top - box.bottom - tall) < 0.05 * size and style.is_bold(at) == bold
            if same_style:
                letters.append(" ")
            else:
                if letters and upright:
                    yield Run("".join(letters), left, right, height - bottom, size, bold)
                letters, left, bottom, tall = [], box.left, box.bottom, box.top - box.bottom
                size, bold, upright = style.size(at, tall), style.is_bold(at), style.is_upright(at)
        letters.append(_letter(code))
        right, spaced = box.right, False
    if letters and upright:
        yield Run("".join(letters), left, right, height - bottom, size, bold)


class _Styles:
    """Asks how a letter looks."""

    def __init__(self, text: object) -> None:
        self._text = text
        self._name = ctypes.create_string_buffer(128)
        self._flags = ctypes.c_int()
        self._matrix = pdfium.FS_MATRIX()

    def size(self, at: int, tall: float) -> float:
        """Return the size of the font in points, to the half; ``tall`` is how tall the letter's box is."""
        size = float(pdfium.FPDFText_GetFontSize(self._text, at))
        if pdfium.FPDFText_GetMatrix(self._text, at, ctypes.byref(self._matrix)):
            size *= math.hypot(self._matrix.c, self._matrix.d)
        if not 1.0 <= size <= 1000.0:
            size = max(1.0, min(abs(tall), 1000.0))
        return round(2 * size) / 2

    def is_bold(self, at: int) -> bool:
        """Whether its font is called bold."""
        pdfium.FPDFText_GetFontInfo(self._text, at, self._name, 128, ctypes.byref(self._flags))
        return bool(_BOLD.search(self._name.value))

    def is_upright(self, at: int) -> bool:
        """Whether it stands on a level line."""
        angle = pdfium.FPDFText_GetCharAngle(self._text, at)
        return bool(angle < _UPRIGHT or angle > 2 * math.pi - _UPRIGHT)


@lru_cache(maxsize=4096)
def _letter(code: int) -> str:
    return _LETTERS.get(code) or (sound(chr(code)) if code < 0x110000 else "\ufffd")
