from __future__ import annotations

from fablewright.gm.finding.ranked import Found, Ranked, best_first, fused, placed


def order(found: list[Found]) -> list[int]:
    return [one.passage for one in found]


def test_lists_count_by_the_share_of_their_own_best() -> None:
    found = fused([Ranked("words", {1: 30.0, 2: 15.0}), Ranked("dense", {2: 0.5, 3: 0.5}, weight=0.8)])
    assert [(one.passage, round(one.score, 6)) for one in found] == [(2, 1.3), (1, 1.0), (3, 0.8)]


def test_a_power_makes_lower_ranks_count_less() -> None:
    plain = fused([Ranked("words", {1: 2.0, 2: 1.0})])
    sharp = fused([Ranked("words", {1: 2.0, 2: 1.0}, sharp=2.0)])
    assert (plain[1].score, sharp[1].score) == (0.5, 0.25)


def test_scores_that_are_shares_already_stay_weak() -> None:
    assert fused([Ranked("names", {1: 0.2}, shares=True)])[0].score == 0.2
    assert fused([Ranked("names", {1: 0.2})])[0].score == 1.0


def test_of_several_lists_of_a_step_the_best_counts() -> None:
    clauses = [Ranked("clause", {1: 1.0, 2: 0.5}), Ranked("clause", {2: 1.0})]
    found = fused(clauses)
    assert [(one.passage, one.score) for one in found] == [(1, 1.0), (2, 1.0)]
    assert len(found[1].parts) == 2  # both are told of


def test_equal_passages_keep_the_order_of_their_numbers() -> None:
    assert order(fused([Ranked("words", {7: 1.0, 3: 1.0, 5: 1.0})])) == [3, 5, 7]
    assert list(best_first({7: 1.0, 3: 1.0, 5: 2.0})) == [5, 3, 7]


def test_a_list_without_finds_does_no_harm() -> None:
    assert fused([Ranked("words", {})]) == []


def test_a_place_moves_up_and_never_down() -> None:
    found = fused([Ranked("words", {n: 10.0 - n for n in range(1, 8)})])
    pins = Ranked("pin", {6: 3.0, 99: 4.0, 1: 5.0}, places=True)
    moved = placed(found, [pins])
    assert order(moved) == [1, 2, 6, 99, 3, 4, 5, 7]
    scores = [one.score for one in moved]
    assert scores == sorted(scores, reverse=True)


def test_equal_places_keep_the_order_of_the_list_and_places_beyond_the_end_are_the_end() -> None:
    found = fused([Ranked("words", {1: 2.0, 2: 1.0})])
    assert order(placed(found, [Ranked("pin", {8: 1.0, 9: 1.0, 7: 50.0}, places=True)])) == [8, 9, 1, 2, 7]


def test_places_are_no_scores() -> None:
    assert fused([Ranked("pin", {1: 3.0}, places=True)]) == []


def test_what_no_word_of_the_question_found_is_only_offered() -> None:
    found = fused([Ranked("words", {1: 1.0})])
    moved = placed(found, [Ranked("pin", {2: 1.0}, places=True), Ranked("unique", {3: 2.0}, places=True)])
    assert {one.passage: one.is_offered for one in moved} == {1: False, 2: True, 3: False}
