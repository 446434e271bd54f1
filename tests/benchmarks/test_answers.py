"""The benchmark of answers judges right, and asks the real assistant."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from benchmarks.answers import __main__ as command
from benchmarks.answers.checks import CHECKS, failed_checks, unknown_checks
from benchmarks.answers.marks import mark, says, totals
from benchmarks.answers.questions import Question, read_questions
from benchmarks.answers.said import lines_of
from benchmarks.retrieval.questions import Cited

from fablewright.entry.assemble import sample_campaign
from fablewright.gm.answer import Answer
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Foe, Line, Origin, Scene

if TYPE_CHECKING:
    from pathlib import Path

RATED = "575 XP against 400 low / 600 moderate / 800 high for four level-2 characters: moderate (2024 rules)."


def lines(*texts: str) -> Answer:
    return Answer("encounter", "answered", lines=tuple(Line(text, Origin.BY_RULE) for text in texts))


FIGHT = lines("1 Ogre, 2 Wolves.", RATED)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("xp_total", 575, 600),
        ("xp_total_min", 575, 576),
        ("xp_total_max", 575, 574),
        ("budget", {"low": 400, "high": 800}, {"low": 600}),
        ("budget", 600, 60),
        ("rating", "Moderate", "low"),
        ("max_words", 22, 21),
        ("abstain", False, True),
        ("monsters_all_srd", True, False),
        ("stat_blocks_max", 2, 1),
        ("creatures_max", 3, 2),
        ("creatures_min", 3, 4),
        ("table_row", "Ogre 1, Wolves 2", "Ogre 1, Wolves 3"),
    ],
)
def test_checks(name: str, right: object, wrong: object) -> None:
    assert CHECKS[name](FIGHT, right)
    assert not CHECKS[name](FIGHT, wrong)


def test_a_scene_counts_its_foes_and_says_its_parts() -> None:
    foe = Foe("Moon Toad", 2, None, None, "", Origin.FROM_NOTES)
    answer = Answer("scene", "answered", Scene(Line("Pond", Origin.QUOTED), foes=(foe,)))
    assert failed_checks({"monsters_all_srd": True, "creatures_min": 2}, answer) == ["monsters_all_srd"]
    assert lines_of(answer) == ["Pond", "2 Moon Toads"]


def test_an_unknown_check_is_named_and_not_held() -> None:
    assert unknown_checks({"max_words": 3, "rhymes": True}) == ["rhymes"]
    assert failed_checks({"rhymes": True}, FIGHT) == ["rhymes"]


@pytest.mark.parametrize(
    ("text", "wanted", "there"),
    [
        ("It costs 4,000 GP", "4,000|4000", True),
        ("It costs 14,000 GP", "4,000", False),
        ("DC 150", "15", False),
        ("He’s the REEVE", "he's the reeve", True),
        ("Slow", "slow|fast", True),
        ("Slowly", "fast", False),
    ],
)
def test_what_is_said(text: str, wanted: str, there: bool) -> None:
    assert says(text, wanted) is there


def test_marks_are_added_up() -> None:
    passage = Passage("the red fox", "a.md", (), 0, 11)
    answer = Answer("question", "answered", lines=(Line("A fox.", Origin.QUOTED, (0,)),), citations=(passage,))
    good = Question("1", "lookup", "?", cited=(Cited("a.md", "red fox"),), said=("fox",), checks={"max_words": 2})
    bad = Question("2", "lookup", "?", cited=(Cited("b.md", "red"),), said=("hen", "fox"), unsaid=("fox",))
    total = totals([mark(good, answer), mark(bad, answer, bad_citations=("a.md",))])
    assert (total.asked, total.cited, total.violations, total.bad_citations) == (2, 0.5, 1, 1)
    assert total.said == pytest.approx(2 / 3)
    assert total.checked == 1.0


def test_the_command_asks_the_assistant_and_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    note = sample_campaign() / "Thole.md"
    (tmp_path / "notes" / "town").mkdir(parents=True)
    (tmp_path / "notes" / "town" / "Thole.md").write_text(note.read_text("utf-8"), encoding="utf-8")
    rows = [
        {"id": "a", "kind": "lookup", "prompt": "What is Thole?", "corpus": ["town"], "must_mention": ["Thole"]},
        {"id": "b", "kind": "abstain", "prompt": "How old is Gandolf?", "checks": {"abstain": True}},
    ]
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert [question.name for question in read_questions(file)] == ["a", "b"]
    monkeypatch.setattr(
        sys, "argv", ["answers", "--questions", str(file), "--corpus", str(tmp_path / "notes"), "--json"]
    )
    command.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed["all"]["asked"] == 2
    assert printed["all"]["bad_citations"] == 0
    assert [each["status"] for each in printed["questions"]][1] == "abstained"
