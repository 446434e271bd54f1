from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.reading.chunks import Chunk, ChunkSizes, chunks
from fablewright.gm.reading.searchable import searchable

SMALL = ChunkSizes(usual=60, most=200, slight=10)
WORDS = st.lists(st.sampled_from(["tower", "gate.", "a", "Lonely", "# x"]), min_size=1, max_size=30).map(" ".join)
LINES = st.one_of(
    WORDS,
    st.builds("{} {}".format, st.sampled_from(["#", "##", "####"]), WORDS),
    WORDS.map("> {}".format),
    WORDS.map("- {}".format),
    WORDS.map("| {} |".format),
    st.sampled_from(["", "", "```", "---", "===", "<table>", "</table>", "<!--", "-->", "<tr></tr>", "   ", "\ufeff"]),
    st.text(max_size=20),
    st.integers(1, 500).map("x".__mul__),
)
NOTES = st.builds(
    lambda parts, end: end.join(parts), st.lists(LINES, max_size=40), st.sampled_from(["\n", "\r\n", "\r"])
)


def texts(text: str, found: list[Chunk]) -> list[str]:
    return [text[chunk.start : chunk.end] for chunk in found]


def section(words: str, size: int) -> str:
    return (words + " ") * (size // (len(words) + 1))


@settings(max_examples=300)
@given(NOTES, st.booleans(), st.sampled_from([SMALL, ChunkSizes()]))
def test_chunks_cover_the_text_in_order_without_overlap_and_are_bounded(
    text: str,
    markdown: bool,
    sizes: ChunkSizes,
) -> None:
    at = 0
    for chunk in chunks(text, markdown=markdown, sizes=sizes):
        assert at <= chunk.start < chunk.end <= len(text)
        assert not text[at : chunk.start].lstrip("\ufeff").strip()
        assert chunk.end - chunk.start <= sizes.most
        assert text[chunk.start : chunk.end].strip()
        assert len(chunk.heading) <= 6
        at = chunk.end
    assert not text[at:].lstrip("\ufeff").strip()


@given(NOTES)
def test_no_chunk_is_a_bare_heading_where_a_body_follows(text: str) -> None:
    found = chunks(text + "\n\nThe body of the last section.")
    last = found[-1]
    assert "body of the last section" in text[last.start :] or last.end > len(text)


def test_a_section_is_a_chunk_with_its_heading_path() -> None:
    text = "Before.\n\n# Tower\n\nTall and old, and nobody lives here now.\n\n## Gate\n\nBarred.\n\n# Hill\n\nGreen.\n"
    assert [(c.heading, text[c.start : c.end]) for c in chunks(text)] == [
        ((), "Before."),
        (("Tower",), "# Tower\n\nTall and old, and nobody lives here now."),
        (("Tower", "Gate"), "## Gate\n\nBarred."),
        (("Hill",), "# Hill\n\nGreen."),
    ]


def test_levels_that_are_skipped_and_markup_in_titles() -> None:
    text = (
        "#### Deep <span>one</span>\n\nText.\n\n"
        "## **Up**\n\nMore than a few words stand here, forty at least.\n\n"
        "###### [Down](x.md)\n\nText.\n"
    )
    assert [chunk.heading for chunk in chunks(text)] == [("Deep one",), ("Up",), ("Up", "Down")]


def test_a_heading_without_a_body_joins_what_follows() -> None:
    text = "# Places\n<!-- words -->\n\n## Empty\n\n## Tower\n\nTall.\n"
    assert chunks(text) == [Chunk(0, len(text) - 1, ("Places", "Tower"))]


def test_a_slight_section_joins_its_subsection_and_not_its_neighbour() -> None:
    joined = "# Tower\n\nOld.\n\n## Gate\n\nBarred.\n"
    apart = "## Osgood\n\nA guard.\n\n## Pulk\n\nA guard.\n"
    assert [chunk.heading for chunk in chunks(joined)] == [("Tower", "Gate")]
    assert [chunk.heading for chunk in chunks(apart)] == [("Osgood",), ("Pulk",)]


def test_a_last_heading_without_a_body_joins_what_stands_before() -> None:
    text = "# Tower\n\nTall and old.\n\n# To do\n"
    assert chunks(text) == [Chunk(0, len(text) - 1, ("Tower",))]


def test_front_matter_belongs_to_the_first_chunk() -> None:
    text = "---\ntags: [npc]\n# a comment\n---\n\n# Gardren\n\nA bandit.\n"
    assert chunks(text) == [Chunk(0, len(text) - 1, ("Gardren",))]


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff", "\ufeff\r\n"])
def test_nothing_gives_no_chunk(text: str) -> None:
    assert chunks(text) == []
    assert chunks(text, markdown=False) == []


def test_a_byte_order_mark_is_counted_and_left_out() -> None:
    assert chunks("\ufeff# Tower\n\nTall.") == [Chunk(1, 15, ("Tower",))]


def test_a_long_section_is_cut_at_blank_lines_into_even_parts() -> None:
    paragraphs = [section(f"paragraph {number}", 400).strip() for number in range(12)]
    text = "# Long\n\n" + "\n\n".join(paragraphs)
    found = chunks(text)
    assert len(found) == 3
    assert {chunk.heading for chunk in found} == {("Long",)}
    assert [
        part for chunk in texts(text, found) for part in chunk.removeprefix("# Long\n\n").split("\n\n")
    ] == paragraphs
    sizes = [chunk.end - chunk.start for chunk in found]
    assert max(sizes) < 1.5 * min(sizes)


@pytest.mark.parametrize(
    "block",
    [
        "\n".join("> read aloud, line after line" for _ in range(150)),
        "\n".join("| a | b |" for _ in range(400)),
        "```\n" + "code\n\n" * 700 + "```",
        "<table>\n" + "<tr>\n\n<td>1</td>\n</tr>\n" * 200 + "</table>",
        "<!-- " + "hidden\n\n" * 500 + "-->",
    ],
)
def test_a_block_up_to_the_hard_bound_stays_whole(block: str) -> None:
    assert 3000 < len(block) <= 6000
    text = f"# Long\n\n{section('before', 1700)}\n\n{block}\n\n{section('after', 1700)}"
    assert sum(block in chunk for chunk in texts(text, chunks(text))) == 1


def test_a_quotation_glued_to_text_is_not_cut_either() -> None:
    quotation = "\n".join("> read aloud, line after line" for _ in range(150))
    text = f"{section('before', 3000)}\n{quotation}"
    assert any(quotation in chunk for chunk in texts(text, chunks(text)))


def test_a_block_beyond_the_hard_bound_is_cut_at_line_ends() -> None:
    rows = [f"> row {number} of the long reading" for number in range(400)]
    found = texts("\n".join(rows), chunks("\n".join(rows)))
    assert len(found) > 1
    assert [row for part in found for row in part.split("\n")] == rows


def test_a_long_html_table_is_cut_between_rows() -> None:
    row = "<tr>\n<td>Swamp</td>\n<td>Slow</td>\n</tr>\n"
    text = "<table>\n" + row * 300 + "</table>"
    found = texts(text, chunks(text))
    assert len(found) > 3
    assert all(part.count("<tr>") == part.count("</tr>") for part in found)


def test_a_line_beyond_the_hard_bound_is_cut_after_sentences() -> None:
    text = "The gate is barred from the inside. " * 300
    found = texts(text, chunks(text))
    assert len(found) > 3
    assert all(part.endswith("inside.") for part in found)
    assert all(part == searchable(part) for part in found)


def test_plain_text_has_no_headings_and_groups_paragraphs() -> None:
    text = "\r\n\r\n".join(f"# {number} " + section("word", 300).strip() for number in range(20))
    found = chunks(text, markdown=False)
    assert {chunk.heading for chunk in found} == {()}
    assert all(600 < chunk.end - chunk.start <= 2025 for chunk in found)
    assert all(part.startswith("# ") for part in texts(text, found))


HOSTILE = [
    *"#><*_`[|~&\\ \n\r",
    *[
        "# ",
        "#\n",
        "# a\n",
        ">\n",
        "<!--",
        "<!--\n",
        "a <!--\n",
        "x <!--\n-->\n",
        "[a](",
        "[[a",
        "![a]",
        "[a]:\n",
    ],
    *[
        "```\n",
        "`<!--`\n",
        "<table>\n",
        "<tr></tr>",
        "<pre>\n",
        "<a ",
        "<a@",
        "<a:",
        "1. ",
        "- ",
        "---\n",
        "a\n--\n",
    ],
    *["word ", " _a", "[!a", "&#9"],
]


@pytest.mark.benchmark(alone=False)  # processor time, and three times the ratio that is right
@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        chunks(text)
        chunks(text, markdown=False)
        searchable(text)
        return time.process_time() - start

    small = seconds(20_000)
    # Eight times the size: 8 if linear, 64 if quadratic. The constant forgives a slow start.
    assert seconds(160_000) < 24 * small + 0.1


@pytest.mark.benchmark
def test_a_megabyte_on_one_line_with_a_title_of_a_megabyte() -> None:
    start = time.process_time()
    found = chunks("# " + "a" * 1_000_000 + "\n" + "b" * 1_000_000)
    assert time.process_time() - start < 2
    assert all(len(chunk.heading[0]) == 200 for chunk in found)


# ---------------------------------------------------------------- tables and stat blocks


def rows(count: int) -> str:
    return "".join(f"| {n} | {'what happens on the road to the mill ' * 4}|\n" for n in range(count))


@pytest.mark.parametrize("before", ["", "Words before it.\n"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_that_is_cut_keeps_its_header_with_every_part(before: str, end: str) -> None:
    text = f"# Events\n\n{before}| d100 | Event |\n|:-----|-------|\n{rows(60)}\nAfter it.\n".replace("\n", end)
    found = chunks(text)
    assert len(found) > 3
    headers = [chunk.table_header for chunk in found]
    assert headers[0] == ""
    assert set(headers[1:-1]) == {f"| d100 | Event |{end}|:-----|-------|"}
    assert [text[chunk.start : chunk.end].count("d100") for chunk in found[1:]] == [0] * (len(found) - 1)


HTML_ROWS = "".join(f"<tr>\n<td>{n}</td>\n<td>{'what happens on the road ' * 6}</td>\n</tr>\n" for n in range(60))


@pytest.mark.parametrize(
    "header",
    [
        "<table>\n<thead>\n<tr>\n<th>d100</th>\n<th>Event</th>\n</tr>\n</thead>",
        "<table>\n<tr><th>d100</th>\n<th>Event</th></tr>",
        "<TABLE class='x'>\n<THEAD><TR><TD>d100</TD><TD>Event</TD></TR></THEAD>",
    ],
)
def test_so_does_an_html_table(header: str) -> None:
    text = f"{header}\n{HTML_ROWS}</table>\n"
    found = chunks(text)
    assert len(found) > 3
    assert {searchable(chunk.table_header) for chunk in found[1:]} == {"d100 Event"}
    assert {chunk.table_header.rstrip(">") for chunk in found[1:]} == {header.rstrip(">")}


@pytest.mark.parametrize(
    "text",
    [
        rows(60),
        f"<table>\n{HTML_ROWS}</table>\n",
        f"<table>\n<tr><td>a</td></tr>\n<tr><th>b</th></tr>\n{HTML_ROWS}</table>\n",
        f"| {'x' * 2000} | b |\n| --- | --- |\n{rows(60)}",
        f"| a | b |\n\n{rows(60)}",
    ],
)
def test_a_table_without_a_header_has_none(text: str) -> None:
    assert {chunk.table_header for chunk in chunks(text)} == {""}


def test_a_short_table_is_one_chunk_and_needs_no_header() -> None:
    text = f"| d6 | Event |\n|---|---|\n{rows(6)}"
    assert [(chunk.start, chunk.table_header) for chunk in chunks(text)] == [(0, "")]


STATS = (
    "_Large Aberration_\n\n**AC** 17\n**HP** 150 (20d10 + 40)\n**Speed** 10 ft.\n\n"
    "| STR | DEX | CON | INT | WIS | CHA |\n|---|---|---|---|---|---|\n| 21 | 9 | 15 | 18 | 15 | 18 |\n\n"
)


def test_a_stat_block_is_one_chunk_with_its_actions() -> None:
    actions = f"#### Traits\n\n{section('**Slimy.** It is wet.', 900)}\n\n#### Actions\n\n"
    actions += section("**Tail.** It hits.", 1200)
    text = "# Beasts\n\nAll of the beasts that live around the mill.\n\n"
    text += f"## Eel\n\n### Eel\n\n{STATS}{actions}\n\n## Owl\n\nHoots at night, always.\n"
    found = chunks(text)
    assert [chunk.heading for chunk in found] == [("Beasts",), ("Beasts", "Eel", "Eel"), ("Beasts", "Owl")]
    assert text[found[1].start : found[1].end].startswith("## Eel\n\n### Eel")
    assert text[found[1].start : found[1].end].endswith("It hits.")


def test_a_stat_block_without_headings_is_one_chunk_too() -> None:
    text = f"# Eel\n\n{STATS}" + "\n\n".join(["**Tail.** " + "It hits. " * 20] * 12) + "\n\n# Owl\n\nHoots.\n"
    assert len(chunks(text)) == 2


def test_a_stat_block_that_is_too_long_is_cut_at_its_headings() -> None:
    parts = "".join(f"## {name}\n\n{section('It hits.', 2500)}\n\n" for name in ("Traits", "Actions", "Lair"))
    found = chunks(f"# Dragon\n\n{STATS}{parts}")
    assert {chunk.heading for chunk in found} == {
        ("Dragon",),
        ("Dragon", "Traits"),
        ("Dragon", "Actions"),
        ("Dragon", "Lair"),
    }


def test_prose_that_speaks_of_armor_and_hit_points_is_no_stat_block() -> None:
    text = "# Rules\n\nAC 15 and HP 7 are usual for whoever guards a gate.\n\n"
    text += f"## More\n\n{section('Words about it.', 1500)}\n"
    assert [chunk.heading for chunk in chunks(text)] == [("Rules",), ("Rules", "More")]


def test_small_sections_before_a_stat_block_do_not_make_it_too_long() -> None:
    lead = "# Beasts\n\n<!-- " + "x" * 1500 + " -->\n\n"
    body = "**Tail.** " + "It hits. " * 580
    text = f"{lead}## Eel\n\n{STATS}{body}\n"
    assert 4500 < len(text) - len(lead) < 6000 < len(text)
    found = chunks(text)
    assert [text[chunk.start : chunk.start + 6] for chunk in found] == ["# Beas", "## Eel"]
