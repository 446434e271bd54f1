from __future__ import annotations

import io
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.adapters.documents.pdf import convert
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source
from fablewright.gm.reading.indexing import passages_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.adapters.documents.process import DocumentProcess

WORDS = "mill wheel turns slowly and nobody in town knows why its keeper left at dawn with three lanterns".split()


def read(data: bytes) -> Converted:
    return convert(Source(io.BytesIO(data), len(data), lambda: None, 10_000_000))


def prose(rng: random.Random, letters: int) -> str:
    line = ""
    while len(line) < letters:
        line += rng.choice(WORDS) + " "
    return line.strip()


def column(words: Any, rng: random.Random, name: str, where: tuple[float, float], count: int) -> list[Any]:
    x, top = where
    return [words(x, top - 12 * n, f"{name}{n} {prose(rng, 38)}") for n in range(count)]


def order(text: str, names: Sequence[str]) -> bool:
    places = [text.index(name) for name in names]
    return places == sorted(places)


@pytest.mark.parametrize("stream", ["by columns", "by rows", "shuffled"])
def test_two_columns_are_read_one_after_the_other(pdfs: Any, words: Any, stream: str) -> None:
    rng = random.Random(1)
    left, right = column(words, rng, "L", (50, 680), 40), column(words, rng, "R", (320, 680), 40)
    drawn = [*left, *right]
    if stream == "by rows":
        drawn = [each for pair in zip(left, right, strict=True) for each in pair]
    if stream == "shuffled":
        rng.shuffle(drawn)
    text = read(pdfs.of([words(50, 730, "The Sunken Mill and the Road of Lanterns", 22), *drawn])).text
    assert text.startswith("# The Sunken Mill and the Road of Lanterns\n\nL0 ")
    assert order(text, [f"{name}{n} " for name in "LR" for n in range(40)])


def test_a_title_across_the_columns_divides_the_page(pdfs: Any, words: Any) -> None:
    rng = random.Random(2)
    page = [
        *column(words, rng, "A", (50, 740), 15),
        *column(words, rng, "B", (320, 740), 15),
        words(50, 530, "What the Keeper of the Mill Has Hidden There", 20),
        *column(words, rng, "C", (50, 490), 15),
        *column(words, rng, "D", (320, 490), 15),
    ]
    text = read(pdfs.of(page)).text
    assert order(text, ["A0 ", "A14 ", "B0 ", "B14 ", "# What the Keeper", "C0 ", "C14 ", "D0 ", "D14 "])


def test_three_columns(pdfs: Any, words: Any) -> None:
    rng = random.Random(3)
    page = [
        words(x, 700 - 11 * n, f"{name}{n} {prose(rng, 24)}", 8)
        for n in range(30)
        for name, x in (("A", 40), ("B", 225), ("C", 410))
    ]
    assert order(read(pdfs.of(page)).text, [f"{name}{n} " for name in "ABC" for n in range(30)])


def test_a_table_is_read_by_rows_and_is_a_table(pdfs: Any, words: Any) -> None:
    page = [words(50, 700, "d6", bold=True), words(120, 700, "Event", bold=True)]
    for n in range(6):
        page += [words(50, 680 - 28 * n, str(n + 1)), words(120, 680 - 28 * n, f"Event {n} on the road")]
        page.append(words(120, 668 - 28 * n, "and what comes of it"))
    text = read(pdfs.of(page)).text
    rows = [f"| {n + 1} | Event {n} on the road and what comes of it |" for n in range(6)]
    assert text == "\n".join(["| d6 | Event |", "| --- | --- |", *rows]) + "\n\n"


def test_headings_by_size_and_paragraphs_by_room(pdfs: Any, words: Any) -> None:
    page = [
        words(50, 740, "The Mill", 24),
        words(50, 700, "Cellar", 16),
        words(50, 670, "Water stands in the cellar up to the knee, and some-"),
        words(50, 658, "thing moves in it. <b>"),
        words(50, 630, "A rat.", bold=True),
        words(85, 630, "It is only a rat, larger than most rats."),
        words(50, 600, "# no heading"),
        words(50, 575, "• One"),
        words(50, 563, "• Two goes on"),
        words(60, 551, "in the next line"),
    ]
    assert read(pdfs.of(page)).text == (
        "# The Mill\n\n## Cellar\n\nWater stands in the cellar up to the knee, and something moves in it. &lt;b>\n\n"
        "**A rat.** It is only a rat, larger than most rats.\n\n\\# no heading\n\n- One\n\n"
        "- Two goes on in the next line\n\n"
    )


def test_pages_are_kept_and_heads_and_feet_are_not(pdfs: Any, words: Any) -> None:
    pages = [
        [
            words(50, 770, f"{n}  THE SUNKEN MILL", 8),
            words(50, 700, f"Chapter {n}", 20),
            words(50, 660, f"Only page {n} speaks of the {name}, and it says so at some length."),
            words(300, 20, str(n), 8),
        ]
        for n, name in enumerate(["owl", "bat", "cat", "dog", "eel"], 1)
    ]
    found = read(pdfs.of(*pages))
    assert "SUNKEN" not in found.text
    assert len(found.pages) == 5
    assert [found.text[start:].startswith(f"# Chapter {n}\n") for n, start in enumerate(found.pages, 1)] == [True] * 5
    passages = passages_of("Rules.pdf", found.text, found.pages)
    assert [(passage.page, passage.place) for passage in passages] == [
        (n, f"Rules.pdf, p. {n} › Chapter {n}") for n in range(1, 6)
    ]
    assert all(found.text[passage.start : passage.end] == passage.text for passage in passages)


def test_pages_without_text_are_mentioned(pdfs: Any, words: Any) -> None:
    found = read(pdfs.of([words(50, 700, "Some words")], [], [words(50, 700, "More words")]))
    assert found.remark == "1 of 3 pages have no text, only pictures perhaps"
    assert [passage.page for passage in passages_of("a.pdf", found.text, found.pages)] == [1]


def test_text_that_stands_upright_in_the_margin_is_left_out(pdfs: Any, words: Any) -> None:
    margin = b"BT /F1 10 Tf 0 1 -1 0 30 300 Tm (Margin words) Tj ET\n"
    text = read(pdfs.raw([pdfs.content([words(50, 700, "Body words")]) + margin])).text
    assert text == "Body words\n\n"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda pdfs: pdfs.of([], []), "most likely it is scanned"),
        (lambda pdfs: b"PK\3\4 no", "no PDF, in spite of its ending"),
        (
            lambda pdfs: pdfs.file(
                [
                    b"<< /Type /Catalog /Pages 2 0 R >>",
                    b"<< /Type /Pages /Count 0 /Kids [] >>",
                    b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (b"00" * 32, b"11" * 32),
                ],
                trailer=b"/Encrypt 3 0 R /ID [<00><00>] ",
            ),
            "it is encrypted",
        ),
    ],
)
def test_what_cannot_be_read(pdfs: Any, made: Any, why: str) -> None:
    with pytest.raises(RefusedDocument, match=why):
        read(made(pdfs))


@pytest.mark.benchmark(alone=False)  # it takes a sixth of its minute
def test_a_rule_book_of_360_pages_is_read_in_a_minute(documents: DocumentProcess, pdfs: Any, words: Any) -> None:
    rng = random.Random(4)
    pages = [
        [
            words(50, 770, f"{n}  THE SUNKEN MILL", 8),
            *column(words, rng, "L", (50, 740), 55),
            *column(words, rng, "R", (320, 740), 55),
        ]
        for n in range(1, 361)
    ]
    data = pdfs.of(*pages)
    begun = time.perf_counter()
    found = documents.convert(".pdf", [data])
    assert time.perf_counter() - begun <= 60
    assert len(found.pages) == 360
    assert len(found.text) > 360 * 110 * 38
    assert found.text.count("L54 ") == found.text.count("R54 ") == 360
