"""Lookups in real indexes: names, mentions, pins and neighbours, and that they go when their file goes."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import pytest

from fablewright.adapters.postgres_index import PostgresIndex
from fablewright.adapters.sqlite_index import Ranking, SqliteIndex
from fablewright.entry.assemble import sample_campaign
from fablewright.gm.finding.finder import Finder
from fablewright.gm.finding.lookups import LookupIndex, Lookups
from fablewright.gm.finding.names import key_of
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import FileStamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Index: TypeAlias = SqliteIndex | PostgresIndex
_T = TypeVar("_T")

MILL = (
    "# Mill\n\nThe mill of [[Hob Tanner]] stands where the two streams meet.\n\n"
    "## Yard\n\n**Geese.** They bite.\n\n## Loft\n\nRye."
)
LOG = "# Session 3 log\n\nThey fled."


@pytest.fixture(params=["sqlite", "postgres"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    opened: Index
    if request.param == "postgres":
        opened = PostgresIndex(request.getfixturevalue("postgres"), uuid.uuid4().hex)
    else:
        opened = SqliteIndex(tmp_path / "index.sqlite")
    add(opened, "mill.md", MILL)
    add(opened, "session_3.md", LOG)
    yield opened
    opened.close()


def add(index: Index, name: str, text: str) -> None:
    index.replace(name, FileStamp(1, 1, name), passages_of(name, text))


def look(index: Index, work: Callable[[Lookups], _T]) -> _T:
    return index.look(work)


def test_the_index_satisfies_the_port(index: Index) -> None:
    assert isinstance(index, LookupIndex)


def test_names_mentions_pins_and_neighbours_are_looked_up(index: Index) -> None:
    def work(lookups: Lookups) -> None:
        assert lookups.count() == 4
        [(mill, strength, plain)] = lookups.named(key_of(["Mill"]), 9)
        assert (strength, plain) == (4, "mill")
        assert lookups.mentions([mill])[mill][0] == key_of(["Hob", "Tanner"])
        [(yard, _, _)] = lookups.named(key_of(["Yard"]), 9)
        assert lookups.heads(yard) == [key_of(["Geese"])]
        assert [(n, own != other) for n, own, other in lookups.beside(yard)] == [(mill, True), (yard + 1, True)]
        [(log, order)] = lookups.pinned("log")
        assert order == 3
        assert lookups.texts([log]) == {log: LOG}
        about = lookups.about([mill, yard, log])
        assert [about[n][0] for n in (mill, yard, log)] == ["lore", "lore", "sheet"]
        assert len({section for _, section in about.values()}) == 3

    look(index, work)


def test_a_word_is_looked_up_as_far_as_asked(index: Index) -> None:
    add(index, "rye.md", "".join(f"# Field {n}\n\nRye.\n\n" for n in range(9)))

    def work(lookups: Lookups) -> None:
        assert len(lookups.with_word("rye", 4)) == 4
        assert len(lookups.with_word("rye", 3)) == 3
        assert len(lookups.with_word("rye", 99)) == 10
        assert lookups.with_word('r"ye', 9) == lookups.with_word("rye", 9)
        assert lookups.with_word("barley", 9) == []

    look(index, work)


def test_what_is_removed_or_replaced_leaves_nothing_behind(index: Index) -> None:
    add(index, "mill.md", "# Barn\n\n**Barn, empty.**")
    index.remove(["session_3.md"])
    assert look(index, lambda lookups: lookups.named(key_of(["Yard"]), 9)) == []
    assert look(index, lambda lookups: lookups.pinned("log")) == []
    [(barn, _, _)] = look(index, lambda lookups: lookups.named(key_of(["Barn"]), 9))
    assert look(index, lambda lookups: lookups.mentions([barn])) == {barn: [key_of(["Barn", "Empty"])]}
    assert look(index, lambda lookups: lookups.about([])) == {}


def test_lookups_see_one_state_of_the_index(index: Index) -> None:
    def work(lookups: Lookups) -> tuple[int, int]:
        before = lookups.version()
        add(index, "new.md", "# New\n\nRye.")
        return before, lookups.version()

    before, after = look(index, work)
    assert before == after < index.version


def test_a_kept_search_is_forgotten_with_the_state_it_was_made_in(index: Index) -> None:
    def rye(lookups: Lookups) -> dict[int, float]:
        return lookups.by_words("rye", 5, related=False)

    assert len(look(index, rye)) == len(look(index, rye)) == 1
    add(index, "new.md", "# New\n\nRye.")
    assert len(look(index, rye)) == 2


def test_passages_come_with_their_scores_in_the_order_given_and_without_those_gone(index: Index) -> None:
    found = index.passages([(2, 0.5), (999, 0.4), (1, 0.3)])
    assert [(passage.heading[-1], passage.score) for passage in found] == [("Yard", 0.5), ("Mill", 0.3)]


def test_names_are_short_whatever_a_title_is(index: Index) -> None:
    add(index, "long.md", f"# ({'a' * 9000})\n\nText.\n\n# {' '.join(f'w{n}' for n in range(90_000))}\n\nA cellar.")
    assert look(index, lambda lookups: lookups.named(key_of(["a" * 89]), 9))
    assert index.search("cellar", limit=9, filters={})[0].file == "long.md"


@pytest.mark.parametrize("question", ["Who is Ambrose Teal?", "How hard is the fight at the queue for my party?"])
def test_a_search_in_all_steps_finds_the_same_in_both(postgres: str, tmp_path: Path, question: str) -> None:
    both: list[Index] = [SqliteIndex(tmp_path / "i.sqlite"), PostgresIndex(postgres, uuid.uuid4().hex)]
    steps, first = [], []
    for each in both:
        for note in sorted(sample_campaign().rglob("*.md")):
            add(each, note.name, note.read_text("utf-8"))
        finding = each.look(lambda lookups: Finder().find(question, lookups))
        steps.append({one.step for one in finding.lists})
        passages = each.passages([(one.passage, one.score) for one in finding.found[:8]])
        first.append([(p.file, p.start) for p in passages])
        each.close()
    assert steps[0] == steps[1] > {"words", "names"}
    assert first[0][0] in first[1][:3]
    assert len(set(first[0]) & set(first[1])) >= 6


def test_frequent_words_of_a_long_question_are_left_out_in_a_large_index(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite", ranking=Ranking(most_rows=40, phrases=False))
    add(index, "a.md", "".join(f"# Field {n}\n\nRye grows on this field.\n\n" for n in range(60)))
    add(index, "b.md", "# Owl\n\nAn owl hunts.\n\n# Mouse\n\nA mouse hides.")
    found = index.search("does the owl or the mouse hide where rye grows in a field", limit=99, filters={})
    assert {passage.file for passage in found} == {"b.md"}
    assert len(index.search("rye field", limit=99, filters={})) == 60  # the rarest always stays
    index.close()


def test_a_clause_of_words_that_are_everywhere_is_not_searched_for(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite", ranking=Ranking(most_rows=40))
    add(index, "a.md", "".join(f"# Field {n}\n\nRye grows on this field.\n\n" for n in range(60)))
    add(index, "b.md", "# Owl\n\nAn owl hunts on a field.")

    def clauses(lookups: Lookups) -> tuple[int, int, int]:
        found = (lookups.by_words(words, limit) for words, limit in (("rye", 30), ("owl field", 30), ("rye", 120)))
        one, two, whole = map(len, found)
        return one, two, whole

    assert look(index, clauses) == (0, 1, 60)
    index.close()
