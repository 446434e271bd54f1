from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.adapters.documents.process import DocumentProcess


def test_styles_become_headings_boxes_and_tables(documents: DocumentProcess, word_documents: object) -> None:
    data = word_documents.of(  # type: ignore[attr-defined] # from conftest
        ("Title", "The Sunken Mill"),
        ("heading2", "Cellar"),
        ("", "Osric &amp; his dog."),
        ("ReadAloud", "You see water."),
        ("ReadAloud", "It is cold."),
        word_documents.table(("d6", "Event"), ("1", "Rain | hail")),  # type: ignore[attr-defined] # from conftest
    )
    assert documents.convert(".docx", [data]).text == (
        "# The Sunken Mill\n\n## Cellar\n\nOsric & his dog.\n\n> You see water.\n>\n> It is cold.\n\n"
        "| d6 | Event |\n| --- | --- |\n| 1 | Rain \\| hail |\n"
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"PK\3\4 and then nothing", "damaged, or no Word document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "encrypted or has an old format"),
        (b"plain words", "no Word document"),
    ],
)
def test_what_is_no_word_document(documents: DocumentProcess, data: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        documents.convert(".docx", [data])
