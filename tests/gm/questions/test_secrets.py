"""What the players do not know yet is found, about those who are asked for and no others."""

from __future__ import annotations

import pytest

from fablewright.gm.questions.secrets import asks_for_secrets, secret_lines
from fablewright.gm.reading.indexing import passages_of

NOTES = passages_of(
    "Tracker.md",
    "# Tracker (GM only)\n\n- Bram sold the map.\n- Odette pays the guild.\n",
) + passages_of("Log.md", "# Session 1 log\n\n- Bram overheard the party. The players do not know that he listened.\n")


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What do the players not know yet about Bram?", True),
        ("Which secrets does Odette have?", True),
        ("What is Odette hiding?", True),
        ("Where is the secret door?", False),
        ("Who is Bram?", False),
    ],
)
def test_what_asks_for_secrets(question: str, asks: bool) -> None:
    assert asks_for_secrets(question) is asks


def test_secrets_of_the_one_asked_for_with_what_the_log_says_is_unknown() -> None:
    lines, cited = secret_lines("What do the players not know yet about Bram?", NOTES)
    assert [line.text for line in lines] == [
        "Bram sold the map.",
        "Bram overheard the party.",
        "The players do not know that he listened.",
    ]
    assert [cited[line.sources[0]].file for line in lines] == ["Tracker.md", "Log.md", "Log.md"]
    assert lines[0].secret


def test_nobody_asked_for_has_none() -> None:
    assert secret_lines("Which secrets does Corin have?", NOTES) == ((), ())
