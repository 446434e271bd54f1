"""Makes documents byte by byte, so that a test shows what is in them, and damaged ones can be made too."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.documents.process import DocumentProcess

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True)
class Words:
    """Words at a place on a page, in points from the lower left corner."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False


class Pdfs:
    """Writes PDFs with Helvetica."""

    def of(self, *pages: Sequence[Words], compressed: bool = True) -> bytes:
        return self.raw([self.content(page) for page in pages], compressed=compressed)

    def content(self, page: Sequence[Words]) -> bytes:
        return b"".join(self._shown(words) for words in page)

    def _shown(self, words: Words) -> bytes:
        text = words.text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        font = b"/F2" if words.bold else b"/F1"
        return b"BT %s %g Tf %g %g Td (%s) Tj ET\n" % (font, words.size, words.x, words.y, text)

    def raw(self, contents: Sequence[bytes], *, compressed: bool = True, filters: bytes = b"/FlateDecode") -> bytes:
        """Return a PDF of pages with these content streams."""
        font = b"<< /Type /Font /Subtype /Type1 /BaseFont %s /Encoding /WinAnsiEncoding >>"
        objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"", font % b"/Helvetica", font % b"/Helvetica-Bold"]
        kids = []
        for content in contents:
            data = zlib.compress(content) if compressed else content
            entry = b"/Filter %s " % filters if compressed or filters != b"/FlateDecode" else b""
            objects.append(b"<< %s/Length %d >>\nstream\n%s\nendstream" % (entry, len(data), data))
            kids.append(len(objects) + 1)
            objects.append(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
                b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>" % len(objects)
            )
        listed = b" ".join(b"%d 0 R" % kid for kid in kids)
        objects[1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(kids), listed)
        return self.file(objects)

    def file(self, objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
        """Return a PDF of numbered objects, the first of which is the catalogue."""
        out = io.BytesIO()
        out.write(b"%PDF-1.7\n")
        places = []
        for number, body in enumerate(objects, start=1):
            places.append(out.tell())
            out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        table = out.tell()
        out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
        out.writelines(b"%010d 00000 n \n" % place for place in places)
        out.write(b"trailer\n<< /Size %d /Root 1 0 R %s>>\n" % (len(objects) + 1, trailer))
        out.write(b"startxref\n%d\n%%%%EOF\n" % table)
        return out.getvalue()


_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    '<Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
_STYLES = (
    '<?xml version="1.0"?><w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    + "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "heading 1", "heading 2", "Quote", "Read Aloud")
    )
    + "</w:styles>"
)


class WordDocuments:
    """Writes DOCX files."""

    def of(self, *paragraphs: tuple[str, str] | str, head: str = "") -> bytes:
        """Return a document of paragraphs, each a style and its text, or XML."""
        body = "".join(each if isinstance(each, str) else self.paragraph(*each) for each in paragraphs)
        return self.raw(
            '<?xml version="1.0" encoding="UTF-8"?>' + head + "<w:document "
            'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            f"<w:body>{body}</w:body></w:document>"
        )

    def paragraph(self, style: str, text: str) -> str:
        named = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
        return f'<w:p>{named}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'

    def table(self, *rows: Sequence[str]) -> str:
        cells = ("".join(f"<w:tc>{self.paragraph('', cell)}</w:tc>" for cell in row) for row in rows)
        return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"

    def raw(self, document: str | bytes) -> bytes:
        parts = {"[Content_Types].xml": _TYPES, "_rels/.rels": _RELATIONS, "word/styles.xml": _STYLES}
        return zipped(
            {
                **parts,
                "word/_rels/document.xml.rels": _RELATIONS.replace("word/document.xml", "styles.xml").replace(
                    "relationships/officeDocument", "relationships/styles"
                ),
                "word/document.xml": document,
            }
        )


_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)


class Epubs:
    """Writes EPUBs."""

    def of(self, *chapters: str, head: str = "", container: str = _CONTAINER) -> bytes:
        items = "".join(
            f'<item id="c{n}" href="text/chapter%20{n}.xhtml" media-type="application/xhtml+xml"/>'
            for n in range(len(chapters))
        )
        spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
        package = (
            f'<?xml version="1.0"?>{head}<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Sunken Mill</dc:title></metadata>'
            '<manifest><item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
            f'{items}</manifest><spine><itemref idref="nav"/>{spine}</spine></package>'
        )
        parts: dict[str, str | bytes] = {"mimetype": "application/epub+zip", "META-INF/container.xml": container}
        parts["OEBPS/book.opf"] = package
        parts["OEBPS/nav.xhtml"] = "<html><body><nav><a href='x'>Contents</a></nav><p>Contents page</p></body></html>"
        for n, chapter in enumerate(chapters):
            parts[f"OEBPS/text/chapter {n}.xhtml"] = (
                '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml">'
                f"<head><title>x</title></head><body>{chapter}</body></html>"
            )
        return zipped(parts)


def zipped(parts: dict[str, str] | dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="session")
def pdfs() -> Pdfs:
    return Pdfs()


@pytest.fixture(scope="session")
def words() -> type[Words]:
    return Words


@pytest.fixture(scope="session")
def word_documents() -> WordDocuments:
    return WordDocuments()


@pytest.fixture(scope="session")
def epubs() -> Epubs:
    return Epubs()


@pytest.fixture(scope="module")
def documents() -> Iterator[DocumentProcess]:
    process = DocumentProcess()
    yield process
    process.close()
