"""What every index does, whatever is below it: words, vectors, versions, and nothing half done."""

from __future__ import annotations

import heapq
import operator
import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from fablewright.adapters.postgres_index import PostgresIndex
from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.errors import ContractViolation, InvalidInput
from fablewright.gm.reading.embedded_text import embedded_text, key_of, vector_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fablewright.gm.reading.ports import PassageIndex, Vector, VectorIndex

Index: TypeAlias = SqliteIndex | PostgresIndex

STAMP = FileStamp(10, 20, "ab")
INN = {
    ("The Blue Heron",): "# The Blue Heron\n\nAn inn by the marsh.",
    ("The Blue Heron", "Cellar"): "## Cellar\n\nRats gnaw at a locked strongbox.",
    ("The Blue Heron", "Attic"): "## Attic\n\nA ghost weeps for her lost wedding ring.",
}
TOWER = {("The Old Tower",): "# The Old Tower\n\nIts bell rings by itself, and a heron nests in the belfry."}


def note(file: str, sections: dict[tuple[str, ...], str]) -> list[Passage]:
    """The passages of a file that holds these sections."""
    made, start = [], 0
    for heading, text in sections.items():
        made.append(Passage(text, file, heading, start, start + len(text)))
        start += len(text) + 2
    return made


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Index]]:
    """Yield what opens the same index, as another process would."""
    made: list[Index] = []
    if request.param == "postgres":
        url, notes = request.getfixturevalue("postgres"), uuid.uuid4().hex

    def again() -> Index:
        one: Index
        one = SqliteIndex(tmp_path / "i.sqlite") if request.param == "sqlite" else PostgresIndex(url, notes)
        made.append(one)
        return one

    yield again
    for one in made:
        one.close()


@pytest.fixture
def index(opened: Callable[[], Index]) -> Index:
    one = opened()
    one.replace("inns/heron.md", STAMP, note("inns/heron.md", INN))
    one.replace("tower.md", STAMP, note("tower.md", TOWER))
    return one


def satisfies(index: Index) -> tuple[PassageIndex, VectorIndex]:
    """mypy holds both to the ports here."""
    return index, index


def places(found: list[Passage]) -> list[tuple[str, str]]:
    return [(each.file, each.heading[-1]) for each in found]


def direction(text: str, dimensions: int = 24) -> Vector:
    """A vector of a text: the same for the same text, and unlike that of another."""
    chance = random.Random(text)
    return vector_of(chance.gauss() for _ in range(dimensions))


def embed_all(index: Index, model: str = "m", vector: Callable[[str], Vector] = direction) -> int:
    waiting = index.unembedded(model, limit=1000)
    index.store(model, {key: vector(text) for key, text in waiting.items()})
    return len(waiting)


# ---------------------------------------------------------------- words


def test_words_are_found_where_they_stand(index: Index) -> None:
    assert places(index.search("Who weeps for the ring?", limit=5, filters={}))[0] == ("inns/heron.md", "Attic")
    (found,) = index.search("strongbox", limit=5, filters={})
    assert found.text == INN["The Blue Heron", "Cellar"]
    assert (found.start, found.end) == (40, 83)
    assert found.heading == ("The Blue Heron", "Cellar")
    assert found.score > 0


def test_the_name_of_a_section_counts_more_than_a_word_in_one(index: Index) -> None:
    found = places(index.search("heron", limit=5, filters={}))
    assert found[0] == ("inns/heron.md", "The Blue Heron")
    assert found[-1] == ("tower.md", "The Old Tower")


@pytest.mark.parametrize(
    "query", ["", "the of", "zymurgy", "'); DROP TABLE files; --", 'a" OR b & !c | (', "\0", "\ud800", "heron:* <->"]
)
def test_whatever_is_asked_is_no_syntax(index: Index, query: str) -> None:
    index.search(query, limit=5, filters={})
    assert index.count() == 4


def test_filters_and_limits(index: Index) -> None:
    assert places(index.search("heron", limit=5, filters={"file": "TOWER*"})) == [("tower.md", "The Old Tower")]
    assert places(index.search("rats ghost", limit=5, filters={"heading": "attic"})) == [("inns/heron.md", "Attic")]
    assert len(index.search("heron rats ghost", limit=2, filters={})) == 2
    assert index.search("heron", limit=0, filters={}) == []
    with pytest.raises(InvalidInput, match="no filter"):
        index.search("heron", limit=5, filters={"page": "1"})


def test_any_text_comes_back_as_it_was(index: Index) -> None:
    text = "A NUL \0, a lone sign \ufffe, a 🐉, and a \r\n line."
    odd = Passage(text, "odd 'name' 🐉.md", ("Two\0", "ways"), 3, 3 + len(text))
    index.replace(odd.file, STAMP, [odd])
    (found,) = index.search("lone sign", limit=5, filters={})
    assert (found.text, found.file, found.heading, found.start) == (text, odd.file, odd.heading, 3)
    assert odd.file in index.stamps()


# ---------------------------------------------------------------- files


def test_why_a_file_cannot_be_read_is_kept_with_it(index: Index, opened: Callable[[], Index]) -> None:
    refused = FileStamp(3, 4, "cd", "it is damaged\0, or no PDF")
    index.replace("bad.pdf", refused, [])
    assert opened().stamps()["bad.pdf"] == refused
    index.touch("bad.pdf", FileStamp(3, 9, "cd", "it is empty"))
    assert opened().stamps()["bad.pdf"] == FileStamp(3, 9, "cd", "it is empty")


def test_a_row_is_found_by_the_header_of_its_table(index: Index) -> None:
    row = Passage("| Heron | 2 |", "table.md", ("Birds",), 0, 13, table_header="| bird | wingspan |\n|---|---|")
    index.replace("table.md", STAMP, [row])
    [found] = index.search("wingspan", limit=5, filters={})
    assert (found.text, found.table_header) == (row.text, row.table_header)


def test_signs_between_words_neither_hide_them_nor_hold_anybody_up(index: Index) -> None:
    text = "Paid 5,500 gp to mill_owner/heron-keeper, see hob@mill.example/a_b." + "*a_" * 30_000
    began = time.perf_counter()
    index.replace("signs.md", STAMP, [Passage(text, "signs.md", ("Signs",), 0, len(text))])
    assert time.perf_counter() - began < 5
    for query in ("5,500 gp", "owner", "keeper", "hob"):
        assert index.search(query, limit=1, filters={})[0].file == "signs.md"


def test_files_come_and_go(index: Index) -> None:
    assert index.stamps() == {"inns/heron.md": STAMP, "tower.md": STAMP}
    assert index.counts() == {"inns/heron.md": 3, "tower.md": 1}
    index.touch("tower.md", FileStamp(11, 21, "cd"))
    assert index.stamps()["tower.md"] == FileStamp(11, 21, "cd")
    index.replace("tower.md", STAMP, note("tower.md", {("Ruin",): "A crow."}))
    assert index.search("belfry", limit=5, filters={}) == []
    index.replace("tower.md", STAMP, [])
    assert index.counts()["tower.md"] == 0
    assert index.holds("tower.md")  # a file without a passage is one all the same
    index.remove(["tower.md", "never was.md"])
    assert list(index.stamps()) == ["inns/heron.md"]
    for name in ("tower.md", "Inns/heron.md", "inns/", "", "inns/heron.md\0", "\ud800"):
        assert not index.holds(name), name
    assert index.holds("inns/heron.md")


def test_the_version_tells_whether_a_search_may_find_something_else(index: Index) -> None:
    seen = [index.version]

    def changed() -> bool:
        seen.append(index.version)
        return seen[-1] != seen[-2]

    index.touch("tower.md", FileStamp(1, 1))
    index.remove(["never was.md"])
    index.unembedded("m", limit=10)
    assert not changed()
    index.replace("new.md", STAMP, note("new.md", {(): "New."}))
    assert changed()
    embed_all(index)
    assert changed()
    assert embed_all(index) == 0
    assert not changed()
    index.remove(["new.md"])
    assert changed()
    assert len(set(seen)) == 4  # none comes again


def test_what_is_written_is_there_for_the_next_process(index: Index, opened: Callable[[], Index]) -> None:
    embed_all(index)
    other = opened()
    assert other.count() == other.embedded("m") == 4
    assert other.version == index.version
    assert other.remark == ""
    index.remove(["tower.md"])
    assert other.search("belfry", limit=5, filters={}) == []
    assert all(each.file != "tower.md" for each in other.nearest("m", direction("x"), limit=9, filters={}))


# ---------------------------------------------------------------- vectors


def test_what_is_embedded_is_the_headings_and_the_words(index: Index) -> None:
    waiting = index.unembedded("m", limit=100)
    assert set(waiting.values()) == {embedded_text(*section) for section in (INN | TOWER).items()}
    assert {key_of(text) for text in waiting.values()} == set(waiting)
    assert len(index.unembedded("m", limit=3)) == 3


def test_the_nearest_first_with_its_cosine(index: Index) -> None:
    embed_all(index)
    waiting = index.unembedded("another model", limit=100)
    wanted = next(text for text in waiting.values() if "ghost" in text)
    found = index.nearest("m", direction(wanted), limit=10, filters={})
    assert len(found) == 4
    assert found[0].heading[-1] == "Attic"
    assert found[0].score == pytest.approx(1.0, abs=0.002)
    cosines = [each.score for each in found]
    assert cosines == sorted(cosines, reverse=True)
    exact = sum(
        a * b for a, b in zip(*(memoryview(direction(t)).cast("f") for t in list(waiting.values())[:2]), strict=True)
    )
    (second,) = [
        each
        for each in index.nearest("m", direction(next(iter(waiting.values()))), limit=10, filters={})
        if embedded_text(each.heading, each.text) == list(waiting.values())[1]
    ]
    assert second.score == pytest.approx(exact, abs=0.005)


def test_vectors_are_found_through_the_same_filters(index: Index) -> None:
    embed_all(index)
    found = index.nearest("m", direction("anything"), limit=10, filters={"file": "inns/*"})
    assert {each.file for each in found} == {"inns/heron.md"}
    assert len(found) == 3
    assert places(index.nearest("m", direction("x"), limit=10, filters={"heading": "old tow"})) == [
        ("tower.md", "The Old Tower")
    ]
    assert index.nearest("m", direction("x"), limit=10, filters={"file": "none"}) == []
    with pytest.raises(InvalidInput, match="no filter"):
        index.nearest("m", direction("x"), limit=10, filters={"page": "1"})


def test_words_come_first_and_vectors_as_they_are_made(index: Index) -> None:
    assert index.nearest("m", direction("x"), limit=10, filters={}) == []
    assert index.embedded("m") == 0
    some = dict(list(index.unembedded("m", limit=2).items()))
    index.store("m", {key: direction(text) for key, text in some.items()})
    assert index.embedded("m") == len(index.nearest("m", direction("x"), limit=10, filters={})) == 2
    assert len(index.unembedded("m", limit=10)) == 2


def test_a_rename_a_move_and_an_undo_embed_nothing_again(index: Index) -> None:
    embed_all(index)
    index.replace("moved/inn.md", STAMP, note("moved/inn.md", INN))
    index.remove(["inns/heron.md"])
    assert index.unembedded("m", limit=10) == {}
    assert index.embedded("m") == 4
    index.replace("tower.md", STAMP, note("tower.md", {("The Old Tower",): "Its bell is silent."}))
    assert len(index.unembedded("m", limit=10)) == 1
    index.replace("tower.md", STAMP, note("tower.md", TOWER))
    assert index.unembedded("m", limit=10) == {}
    assert len(index.nearest("m", direction("x"), limit=10, filters={})) == 4


def test_the_same_text_twice_has_one_vector_and_two_places(index: Index) -> None:
    index.replace("copy.md", STAMP, note("copy.md", TOWER))
    assert embed_all(index) == 4
    found = index.nearest("m", direction("x"), limit=10, filters={})
    assert sorted(each.file for each in found if each.heading == ("The Old Tower",)) == ["copy.md", "tower.md"]


def test_models_are_kept_apart(index: Index) -> None:
    embed_all(index)
    assert len(index.unembedded("n", limit=10)) == 4
    embed_all(index, "n", lambda text: direction(text, 5))
    assert len(index.nearest("n", direction("x", 5), limit=10, filters={})) == 4
    with pytest.raises(ContractViolation, match="24 dimensions, not 5"):
        index.nearest("m", direction("x", 5), limit=10, filters={})
    with pytest.raises(ContractViolation, match="5 dimensions, not 24"):
        index.store("n", {"k": direction("x", 24)})
    with pytest.raises(ContractViolation, match="dimensions"):
        index.store("new", {"k": direction("x", 24), "l": direction("x", 5)})
    assert index.embedded("new") == 0


def test_the_nearest_of_many_are_those_that_comparing_all_would_find(opened: Callable[[], Index]) -> None:
    index = opened()
    chance = random.Random(3)
    middles = [[chance.gauss() for _ in range(32)] for _ in range(40)]
    texts = {f"note {n}": [x + 0.6 * chance.gauss() for x in middles[n % 40]] for n in range(3000)}
    for first in range(0, 3000, 300):
        name = f"{first}.md"
        index.replace(name, STAMP, [Passage(f"note {n}", name, (), n, n + 1) for n in range(first, first + 300)])
    index.store("m", {key_of(text): vector_of(numbers) for text, numbers in texts.items()})
    assert index.unembedded("m", limit=10) == {}
    units = {text: list(memoryview(vector_of(numbers)).cast("f")) for text, numbers in texts.items()}
    hits = 0
    for number in range(20):
        asked = list(memoryview(vector_of(x + 0.6 * chance.gauss() for x in middles[number])).cast("f"))
        cosines = {text: sum(map(operator.mul, unit, asked)) for text, unit in units.items()}
        exact = heapq.nlargest(10, cosines, key=cosines.__getitem__)
        found = index.nearest("m", vector_of(asked), limit=10, filters={})
        assert len(found) == 10
        hits += len({each.text for each in found} & set(exact))
    assert hits >= 0.97 * 200


def test_vectors_without_passages_go_once_they_are_the_most(
    opened: Callable[[], Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fablewright.adapters.sqlite_vectors._KEPT_ORPHANS", 2)
    monkeypatch.setattr("fablewright.adapters.postgres_index._KEPT_ORPHANS", 2)
    index = opened()
    index.replace("a.md", STAMP, [Passage(f"old {n}", "a.md", (), n, n + 1) for n in range(4)])
    embed_all(index)
    index.replace("a.md", STAMP, [Passage(f"new {n}", "a.md", (), n, n + 1) for n in range(2)])
    assert len(index.nearest("m", direction("old 1"), limit=9, filters={})) == 0
    embed_all(index)
    assert len(index.nearest("m", direction("old 1"), limit=9, filters={})) == 2
    index.replace("a.md", STAMP, [Passage(f"old {n}", "a.md", (), n, n + 1) for n in range(4)])
    assert len(index.unembedded("m", limit=9)) == 4


# ---------------------------------------------------------------- threads


def test_readers_see_whole_files_and_no_half_update(index: Index, opened: Callable[[], Index]) -> None:
    stop = threading.Event()
    other = opened()
    index.remove(["inns/heron.md", "tower.md"])

    def write() -> int:
        rounds = 0
        while not stop.is_set():
            rounds += 1
            texts = [f"owl {rounds} {n}" for n in range(6)]
            index.replace("o.md", STAMP, [Passage(text, "o.md", (), n, n + 1) for n, text in enumerate(texts)])
            index.store("m", {key_of(text): direction(text, 8) for text in texts})
        return rounds

    def read(one: Index, find: Callable[[Any], list[Passage]]) -> int:
        seen = 0
        while not stop.is_set():
            found = find(one)
            assert len({each.text.split()[1] for each in found}) <= 1
            seen += len(found) == 6
        return seen

    def by_words(one: Index) -> list[Passage]:
        return one.search("owl", limit=50, filters={})

    def by_vector(one: Index) -> list[Passage]:
        return one.nearest("m", direction("x", 8), limit=50, filters={})

    with ThreadPoolExecutor(5) as threads:
        jobs = [threads.submit(read, one, find) for one in (index, other) for find in (by_words, by_vector)]
        writer = threads.submit(write)
        threading.Event().wait(1.0)
        stop.set()
        assert writer.result() > 1
        assert all(job.result() > 0 for job in jobs)


def test_a_closed_index_says_so(index: Index) -> None:
    index.close()
    index.close()
    with pytest.raises(ContractViolation, match="closed"):
        index.count()
