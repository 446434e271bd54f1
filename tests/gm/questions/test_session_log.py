from __future__ import annotations

import pytest

from fablewright.gm.questions.session_log import asks_for_log, log_lines
from fablewright.gm.reading.indexing import passages_of

ONE = "# Session log\n\n## Session 1\n\n- They met.\n\n## Session 2, so far\n\n- They fled.\n- They hid.\n"


@pytest.mark.parametrize(
    "words",
    [
        "What happened last session?",
        "recap",
        "Summarise the last session",
        "where did we stop?",
        "what happened in session 1?",
        "what did the party do in session 2",
    ],
)
def test_who_asks_for_the_log(words: str) -> None:
    assert asks_for_log(words)


@pytest.mark.parametrize("words", ["Who owns the inn?", "When is the next session?", "Summarise the plot of the duke"])
def test_who_does_not(words: str) -> None:
    assert not asks_for_log(words)


def test_the_newest_session_is_the_last() -> None:
    lines, cited = log_lines("What happened last session?", passages_of("Session log.md", ONE))
    assert [line.text for line in lines] == ["They fled.", "They hid."]
    assert all(cited[line.sources[0]].file == "Session log.md" for line in lines)


def test_a_session_by_its_number() -> None:
    lines, _ = log_lines("What happened in session 1?", passages_of("Session log.md", ONE))
    assert [line.text for line in lines] == ["They met."]


def test_a_file_for_each_session_and_a_plan_for_the_next() -> None:
    passages = [
        *passages_of("logs/session_09.md", "# Session 9 log\n\n- Rain.\n"),
        *passages_of("logs/session_10.md", "# Session 10 log\n\n- Snow.\n"),
        *passages_of("session_11.md", "# Session 11\n\n- The dragon will wake.\n"),
    ]
    assert [line.text for line in log_lines("recap", passages)[0]] == ["Snow."]


def test_dates_count_too() -> None:
    passages = [
        *passages_of("2026-01-05.md", "# Session log\n\n- Old.\n"),
        *passages_of("2026-02-01.md", "# Session log\n\n- New.\n"),
    ]
    assert [line.text for line in log_lines("recap", passages)[0]] == ["New."]


def test_no_log_no_lines() -> None:
    assert log_lines("recap", passages_of("mill.md", "# Mill\n\nIt burns.")) == ((), ())
