from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.adapters.documents.process import DocumentProcess


def test_chapters_come_in_the_order_of_the_book_without_its_contents(documents: DocumentProcess, epubs: Any) -> None:
    data = epubs.of("<h1>The Mill</h1><p>See <a href='x.html'>Osric</a>.</p>", "<h1>The Weir</h1><p>Water.</p>")
    assert documents.convert(".epub", [data]).text == "# The Mill\n\nSee Osric.\n\n# The Weir\n\nWater.\n"


def test_the_package_says_where_it_is(documents: DocumentProcess, epubs: Any) -> None:
    container = '<container><rootfiles><rootfile full-path="missing.opf"/></rootfiles></container>'
    with pytest.raises(InvalidInput, match="does not say what is in it"):
        documents.convert(".epub", [epubs.of("<p>x", container=container)])


def test_an_archive_of_another_kind(documents: DocumentProcess, word_documents: Any) -> None:
    with pytest.raises(InvalidInput, match="no EPUB, in spite of its ending"):
        documents.convert(".epub", [word_documents.of(("", "x"))])
