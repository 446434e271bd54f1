"""Documents that are ZIP archives of XML: what is in them is weighed before it is unpacked, and read without entities.

The sizes that an archive states are binding: no more than that is unpacked, and one that states too little fails
its checksum.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING
from xml.parsers import expat

from fablewright.adapters.documents.source import RefusedDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.adapters.documents.source import Source

__all__ = ["open_archive", "parse_safely", "read_parts"]

_MOST_UNPACKED = 64_000_000
"""Bytes of the parts that are read; a thousand pages of text have a tenth of that."""
_MOST_PARTS = 50_000
_DEEPEST = 200
_ENCRYPTED = b"\xd0\xcf\x11\xe0"
"""How old Office files begin, and new ones that have a password."""


def open_archive(source: Source, kind: str) -> zipfile.ZipFile:
    """Return the archive that a document is.

    Raises:
        RefusedDocument: It is none, or it is encrypted.
    """
    head = source.head(8)
    if head.startswith(_ENCRYPTED):
        raise RefusedDocument("it is encrypted or has an old format: save it without a password, as a new file")
    if not head.startswith(b"PK"):
        raise RefusedDocument(f"it is no {kind}, in spite of its ending")
    archive = zipfile.ZipFile(source.file)
    if len(archive.infolist()) > _MOST_PARTS:
        raise RefusedDocument(f"it has more than {_MOST_PARTS:,} parts")
    return archive


def read_parts(archive: zipfile.ZipFile, names: Iterable[str]) -> dict[str, bytes]:
    """Return what is in some parts; those that are not there are left out.

    Raises:
        RefusedDocument: They would be too large, or are encrypted.
    """
    known = {info.filename: info for info in archive.infolist()}
    wanted = [known[name] for name in dict.fromkeys(names) if name in known]
    size = sum(info.file_size for info in wanted)
    if size > _MOST_UNPACKED:
        raise RefusedDocument(f"it unpacks to {size / 1e6:,.0f} MB; the limit is {_MOST_UNPACKED / 1e6:.0f} MB")
    if any(info.flag_bits & 1 for info in wanted):
        raise RefusedDocument("it is encrypted: save it without a password, then it can be read")
    return {info.filename: _unpacked(archive, info) for info in wanted}


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    """Return a part, without unpacking more than it says it has: the checksum then tells whether it lied."""
    with archive.open(part) as packed:
        return packed.read(part.file_size)


def parse_safely(data: bytes) -> list[tuple[str, dict[str, str]]]:
    """Return the elements of an XML part in order, as local names and attributes.

    Raises:
        RefusedDocument: It declares entities, which could name files or grow without end, or is nested too deeply.
        xml.parsers.expat.ExpatError: It is no XML.
    """
    found: list[tuple[str, dict[str, str]]] = []
    depth = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise RefusedDocument("it is nested too deeply")
        found.append((name.rpartition(":")[2], attributes))

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def declare(*_: object) -> None:
        raise RefusedDocument("it declares XML entities, which no such document needs and harm is done with")

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.EndElementHandler = end
    parser.EntityDeclHandler = declare
    parser.Parse(data, True)  # noqa: FBT003 - expat has no keywords
    return found
