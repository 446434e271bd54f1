from __future__ import annotations

import pytest

from fablewright.gm.indexing import passages_of
from fablewright.gm.question import answer_question, question_terms

NOTES = """# The Inn

The inn stands askew. Amanda owns the inn, but Phil manages it.

# Sheriff Ruth

Ruth is the sheriff. She is fifty.

# Grappled

Your Speed is 0.

# Grappling

A grappler grapples. A grappled creature escapes with a check.
"""
PASSAGES = passages_of("notes.md", NOTES)


def texts(question: str) -> list[str]:
    return [line.text for line in answer_question(question, PASSAGES)[0]]


def test_the_sentence_that_answers_is_quoted_with_its_place() -> None:
    lines, cited = answer_question("Who owns the inn?", PASSAGES)
    assert [line.text for line in lines] == ["Amanda owns the inn, but Phil manages it."]
    assert cited[lines[0].sources[0]].heading == ("The Inn",)


@pytest.mark.parametrize(
    "question", ["What is the name of Sheriff Ruth's horse?", "Who is Gandolf?", "", "What is it?"]
)
def test_what_is_not_in_the_notes_is_not_answered(question: str) -> None:
    assert answer_question(question, PASSAGES) == ((), ())


def test_the_section_of_that_very_name_comes_first() -> None:
    assert texts("Grappled: what does it do?")[0] == "Your Speed is 0."


def test_a_weak_word_carries_the_question_when_there_is_no_other() -> None:
    passages = passages_of("keep.md", "# Keep\n\nLord One owns the keep.")
    assert answer_question("Who owns the keep?", passages)[0][0].text == "Lord One owns the keep."


def test_who_somebody_is_stands_at_the_beginning_of_their_note() -> None:
    passages = passages_of(
        "people.md", "# Nell\n\nOld and broad. Wants peace. Says little.\n\n# Hob\n\nMarried to Nell."
    )
    lines, _ = answer_question("Who is Nell?", passages)
    assert [line.text for line in lines][:3] == ["Old and broad.", "Wants peace.", "Says little."]


def test_plural_and_tense_do_not_matter() -> None:
    assert question_terms("Who are the sheriffs?") == question_terms("sheriff")
    assert question_terms("Willowmane’s") == question_terms("Willowmane")
