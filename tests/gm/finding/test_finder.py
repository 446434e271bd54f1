"""The steps of a search over a small campaign in a real index: what each brings, and that it can be switched off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fablewright.adapters.sqlite_index import SqliteIndex
from fablewright.gm.finding.finder import Finder, Finding, QueryVector
from fablewright.gm.finding.options import ALL_STEPS, STEPS, FindingOptions
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import FileStamp, Passage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILLER = "The road goes on between hedges and past farms, and nobody is in a hurry. " * 3
NOTES = {
    "mill.md": "# The Mill\n\n## Yard\n\n> Geese run between the wheels of a broken cart, and the sluice is open.\n\n"
    "Two **ogres** under [[Hob Tanner]] wait here.\n\n## Loft\n\nSacks of rye, and a hole in the roof.\n\n"
    "## Wheel house\n\nThe axle is oak.",
    "people.md": "# People\n\n## Hob Tanner\n\nA tall man with a grudge against the reeve.\n\n"
    "## Nell Brook\n\nThe reeve.",
    "monsters.md": "# Monsters\n\n## Ogre\n\n_Large Giant, Chaotic Evil_\n\n**AC** 11\n**HP** 68 (8d10 + 24)\n"
    "**Speed** 40 ft.\n\n## Goose\n\n_Small Beast, Unaligned_\n\n**AC** 10\n**HP** 2 (1d4)\n**Speed** 30 ft.",
    "rules/fights.md": "# Fights\n\n## Spend your budget\n\nEvery creature has an XP value. Deduct it from your XP "
    "budget.\n\n## Climbing\n\nEach foot costs another foot.",
    "srd/glossary.md": "# Rules Glossary\n\n## Suffocation [Hazard]\n\nA creature without air gains Exhaustion.",
    "pond.md": "# The pond\n\n## Suffocation\n\nWhat the miller calls his beer.",
    "House rules.md": "# House rules\n\n## House rules\n\nPotions are drunk as a bonus action.\n\n"
    "## Lines (never appear)\n\nGeese, or any other bird that bites.",
    "Party.md": "# Party\n\nLevel: 2\n\n| Name | Class | AC | HP |\n|---|---|---|---|\n| Wren | Rogue | 14 | 17 |",
    "session_1.md": "# Session 1 log\n\nThey met Nell Brook at the market.",
    "session_2.md": "# Session 2 log\n\nThey broke into the yard, and [[Hob Tanner]] saw them. Nobody rested.",
    "filler.md": "".join(f"# Road {n}\n\n{FILLER}\n\n" for n in range(60)),
}
BARE = replace(ALL_STEPS, **dict.fromkeys(STEPS, False))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteIndex]:
    opened = SqliteIndex(tmp_path_factory.mktemp("index") / "index.sqlite")
    for name, text in NOTES.items():
        opened.replace(name, FileStamp(1, 1, name), passages_of(name, text))
    yield opened
    opened.close()


def find(index: SqliteIndex, question: str, options: FindingOptions = ALL_STEPS) -> list[Passage]:
    finding = search(index, question, options)
    return index.passages([(one.passage, one.score) for one in finding.found])


def search(index: SqliteIndex, question: str, options: FindingOptions = ALL_STEPS) -> Finding:
    return index.look(lambda lookups: Finder(options).find(question, lookups))


def titles(passages: list[Passage], count: int = 99) -> list[str]:
    return [passage.heading[-1] for passage in passages[:count]]


def test_without_any_step_it_is_the_search_by_words(index: SqliteIndex) -> None:
    by_words = index.search("sacks of rye", limit=99, filters={})
    assert titles(find(index, "sacks of rye", BARE)) == titles(by_words)
    assert {each.step for each in search(index, "Hob Tanner at the mill", BARE).lists} == {"words"}


def test_it_finds_the_same_every_time_and_best_first(index: SqliteIndex) -> None:
    question = "Who is Hob Tanner, and what waits in the yard?"
    found = find(index, question)
    assert found == find(index, question)
    assert [p.score for p in found] == sorted((p.score for p in found), reverse=True)
    assert len({(p.file, p.start) for p in found}) == len(found)


def test_a_section_is_found_by_its_name(index: SqliteIndex) -> None:
    question = "Goose: does it run between the wheels of a broken cart?"
    assert titles(find(index, question, replace(BARE, names=True)), 1) == ["Goose"]
    assert titles(find(index, question, BARE), 1) == ["Yard"]


def test_what_happens_is_looked_up_under_its_name_in_the_rules(index: SqliteIndex) -> None:
    question = "How long do they last when they drown in the mill race?"
    [rule] = [each for each in search(index, question).lists if each.step == "rule"]
    assert {p.file for p in index.passages([(n, 0.0) for n in rule.scores])} == {"srd/glossary.md"}
    assert "Suffocation [Hazard]" in titles(find(index, question), 4)
    assert "Suffocation [Hazard]" not in titles(find(index, question, replace(ALL_STEPS, rules=False)))
    for other in ("Who wanted to drown the reeve?", "They drown. Describe the scene."):
        assert not [each for each in search(index, other).lists if each.step == "rule"]


def test_in_a_fight_the_budget_comes_before_the_ground(index: SqliteIndex) -> None:
    question = "Build me a fight for my party with ogres that drown people"
    [rule] = [each for each in search(index, question).lists if each.step == "rule"]
    assert min(rule.scores.values()) > 6
    found = titles(find(index, question))
    assert found.index("Spend your budget") < found.index("Suffocation [Hazard]") < 8


def test_a_second_half_is_about_whom_the_first_half_finds(index: SqliteIndex) -> None:
    question = "Who saw them break into the yard, and what does that fellow want?"
    steps = replace(ALL_STEPS, hop=False, neighbours=False)
    assert "Hob Tanner" in titles(find(index, question, steps), 4)
    assert "Hob Tanner" not in titles(find(index, question, replace(steps, chain=False)))
    [chain] = [each for each in search(index, question).lists if each.step == "chain"]
    assert titles(index.passages([(number, 0.0) for number in chain.scores])) == ["Hob Tanner"]
    assert not [each for each in search(index, "Who saw them break into the yard?").lists if each.step == "chain"]


def test_a_fight_calls_for_house_rules_and_budget_though_no_word_says_so(index: SqliteIndex) -> None:
    question = "How deadly are two ogres at the sluice?"
    found = titles(find(index, question), 6)
    assert {"Yard", "House rules", "Spend your budget"} <= set(found)
    without = replace(ALL_STEPS, pins=False, kinds=False)
    assert not {"House rules", "Spend your budget"} & set(titles(find(index, question, without)))


def test_a_pinned_note_that_speaks_of_the_find_stands_higher(index: SqliteIndex) -> None:
    def places(question: str) -> dict[str, float]:
        pins = next(each for each in search(index, question).lists if each.step == "pin")
        return {p.heading[-1]: pins.scores[n] for n in pins.scores for p in index.passages([(n, 0.0)])}

    geese, elsewhere = places("Describe the yard"), places("Describe the roads between hedges and farms")
    assert geese["Lines (never appear)"] < elsewhere["Lines (never appear)"]
    assert geese["Party"] == elsewhere["Party"]


def test_a_recap_is_of_the_last_session(index: SqliteIndex) -> None:
    found = titles(find(index, "Where did we stop last session?"), 3)
    assert "Session 2 log" in found
    assert found.index("Session 2 log") == min(at for at, title in enumerate(found) if title.startswith("Session"))


def test_from_a_scene_it_hops_to_whom_it_mentions(index: SqliteIndex) -> None:
    question = "What waits between the wheels of the broken cart?"
    assert "Hob Tanner" in titles(find(index, question, replace(BARE, hop=True)))
    assert "Hob Tanner" not in titles(find(index, question, BARE))


def test_a_question_for_numbers_wants_the_stat_block_of_what_is_mentioned(index: SqliteIndex) -> None:
    question = "What are the stats of those who wait at the sluice?"
    assert "Ogre" in titles(find(index, question), 7)
    assert "Ogre" not in titles(find(index, question, replace(ALL_STEPS, hop=False)), 7)


def test_neighbours_come_along(index: SqliteIndex) -> None:
    question = "a hole in the roof above the sacks"
    assert {"Yard", "Wheel house"} <= set(titles(find(index, question, replace(BARE, neighbours=True))))
    assert "Wheel house" not in titles(find(index, question, BARE))


def test_what_happened_last_decides_between_equals(index: SqliteIndex) -> None:
    question = "the reeve"
    before, after = (titles(find(index, question, replace(BARE, state=on))) for on in (False, True))
    assert before[:2] == ["Nell Brook", "Hob Tanner"]
    lists = {each.step: each for each in search(index, question, replace(BARE, state=True)).lists}
    assert "state" not in lists or lists["state"].scores
    assert set(after) == set(before)


def test_the_characters_are_left_out_for_once(index: SqliteIndex) -> None:
    lists = search(index, "Wren looks for a hole in the roof", replace(BARE, characters=True)).lists
    assert [each.note for each in lists if each.note] == ["without Wren"]
    assert not [
        each for each in search(index, "Hob looks for a hole", replace(BARE, characters=True)).lists if each.note
    ]


def test_a_name_that_nothing_else_has_gets_a_place(index: SqliteIndex) -> None:
    question = "Does the Rogue have a grudge against the tall reeve, geese at the sluice, and sacks in the roof?"
    assert titles(find(index, question, BARE)).index("Party") > 2
    assert titles(find(index, question, replace(BARE, rare=True))).index("Party") <= 2
    assert ("unique", "Rogue") in {(each.step, each.note) for each in search(index, question).lists}


def test_a_second_passage_of_a_section_counts_less(index: SqliteIndex) -> None:
    index.replace("long.md", FileStamp(1, 1, "l"), passages_of("long.md", "# Bells\n\n" + "Bells ring.\n\n" * 400))
    try:
        plain = [p.score for p in find(index, "bells ring", BARE)][:2]
        spread = [p.score for p in find(index, "bells ring", replace(BARE, spread=True))][:2]
        assert spread[0] == plain[0]
        assert spread[1] < plain[1]
    finally:
        index.remove(["long.md"])


def test_meaning_is_one_more_list(index: SqliteIndex) -> None:
    vector = QueryVector("none", b"\0" * 8)
    finding = index.look(lambda lookups: Finder().find("rye", lookups, vector=vector))
    assert "dense" not in {each.step for each in finding.lists}  # there are no vectors of that model


@pytest.mark.parametrize(
    "question", ["", "   ", "???", "the of and", "zzzz qqqq", "\"'*:^", "a" * 4000, "where " * 500]
)
def test_any_question_has_an_answer(index: SqliteIndex, question: str) -> None:
    assert isinstance(find(index, question), list)


def test_an_empty_index_has_nothing(tmp_path: Path) -> None:
    empty = SqliteIndex(tmp_path / "index.sqlite")
    assert find(empty, "How hard is the fight at the mill for my party?") == []
    empty.close()


def test_what_is_gone_is_not_found_by_any_step(tmp_path: Path) -> None:
    index = SqliteIndex(tmp_path / "index.sqlite")
    for name, text in NOTES.items():
        index.replace(name, FileStamp(1, 1, name), passages_of(name, text))
    index.remove(["people.md", "House rules.md", "session_2.md"])
    found = {p.file for p in find(index, "How hard is the fight with Hob Tanner in the yard?")}
    assert not found & {"people.md", "House rules.md", "session_2.md"}
    assert "session_1.md" in {p.file for p in find(index, "Where did we stop last session?")}
    index.close()


def test_a_rare_word_of_a_stat_block_is_no_find_by_itself(index: SqliteIndex) -> None:
    def rare(question: str) -> dict[str, float]:
        (told,) = [each for each in search(index, question, replace(BARE, rare=True)).lists if each.step == "rare"]
        found = index.passages(list(told.scores.items()))
        return {passage.heading[-1]: passage.score for passage in found}

    told = rare("a chaotic grudge")  # one stands in a stat block alone, the other in a person's section alone
    assert 0 < 2 * told["Ogre"] < told["Hob Tanner"]
