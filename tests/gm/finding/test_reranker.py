from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.finding.reranker import ranks_of, reordered, reranked_text
from fablewright.gm.reading.notes import Passage


def passages(count: int) -> list[Passage]:
    return [Passage(f"text {n}", "a.md", ("Inn",), n * 10, n * 10 + 5, score=float(count - n)) for n in range(count)]


def test_the_reranker_counts_more_than_the_search_and_neither_has_the_last_word() -> None:
    found = passages(30)
    for at, place in ((2, 0), (4, 1), (19, 3)):
        turned = reordered(found, {each: float(each == at) for each in range(30)})
        assert turned[place].start == 10 * at
        assert [p.score for p in turned] == [p.score for p in found]


def test_what_was_offered_keeps_its_place() -> None:
    turned = reordered(passages(5), {0: 1.0, 1: 2.0, 3: 3.0, 4: 9.0})
    assert [p.start for p in turned] == [40, 30, 20, 10, 0]


def test_what_is_judged_is_headings_words_and_the_header_of_a_table() -> None:
    row = Passage("| Owl | 3 |", "a.md", ("Birds", "Night"), 0, 9, table_header="| name | CR |")
    assert reranked_text(row) == "Birds / Night\n| name | CR |\n| Owl | 3 |"
    assert len(reranked_text(Passage("x" * 9000, "a.md", (), 0, 9000))) == 2000


@given(st.integers(0, 40), st.dictionaries(st.integers(0, 39), st.floats(-1e9, 1e9)))
def test_nothing_is_lost_and_what_was_not_judged_stays_where_it_is(count: int, scores: dict[int, float]) -> None:
    found = passages(count)
    scores = {at: score for at, score in scores.items() if at < count}
    turned = reordered(found, scores)
    assert sorted(p.start for p in turned) == [p.start for p in found]
    assert [p.score for p in turned] == [p.score for p in found]
    assert all(turned[at] == found[at] for at in range(count) if at not in scores)


@given(st.lists(st.floats(-1e9, 1e9), max_size=30))
def test_ranks_go_by_scores(scores: list[float]) -> None:
    ranks = ranks_of(scores)
    assert sorted(ranks) == list(range(1, len(scores) + 1))
    assert all(a >= b for a, x in zip(scores, ranks, strict=True) for b, y in zip(scores, ranks, strict=True) if x < y)
