from __future__ import annotations

import pytest

from fablewright.gm.questions.question import answer_question, question_terms
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import Passage

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


def test_ones_own_is_nobodys_who_owns() -> None:
    passages = passages_of("gate.md", "# Gate\n\nKessa sighs at the inn and takes a penny, Teal’s own or one's own.")
    assert answer_question("Who owns the inn?", passages) == ((), ())


def test_an_innkeeper_is_whose_inn_it_is() -> None:
    passages = passages_of("people.md", "# Nell Brand\n\nInnkeeper of the Brass Cup.\n\n# Hob\n\nDrinks at the inn.")
    lines, _ = answer_question("Who owns the inn?", passages)
    assert [line.text for line in lines] == ["Innkeeper of the Brass Cup."]


def test_who_somebody_is_stands_at_the_beginning_of_their_note() -> None:
    passages = passages_of(
        "people.md", "# Nell\n\nOld and broad. Wants peace. Says little.\n\n# Hob\n\nMarried to Nell."
    )
    lines, _ = answer_question("Who is Nell?", passages)
    assert [line.text for line in lines][:3] == ["Old and broad.", "Wants peace.", "Says little."]


def test_plural_and_tense_do_not_matter() -> None:
    assert question_terms("Who are the sheriffs?") == question_terms("sheriff")
    assert question_terms("Willowmane’s") == question_terms("Willowmane")


TABLE = """# The Gilded Heron

(Odette; innkeeper of the Heron) Fifty-two, loud. The ferryman Bram manages the Heron in winter.

# Bram Oxley

Ferryman. Keeps a heron feather. Leads the River Wardens. His brother,
Tam Oxley, was slain by Sister Vane nine years ago.

# Rope (1 GP)

Fifty feet of hemp.

# Marsh Hag

**AC** 14 <br> **HP** 61 (11d8 + 12)

# The Wardens

| Name | Class | AC |
|---|---|---|
| Ysolde | Ranger 3 | 15 |
| Corm | Bard 2 | 13 |

# The mill

The mill stands on the north bank. Old bones lie under it. A cooper killed a rat there.

# Gates

The Salt Gate opens at low tide only.
"""
NOTED = passages_of("town.md", TABLE)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Who owns the Heron?", "Odette"),
        ("Who runs the Gilded Heron in winter?", "Bram manages"),
        ("Who leads the River Wardens?", "Leads the River Wardens"),
        ("Who killed Tam Oxley?", "slain by Sister Vane"),
        ("Who murdered Tam?", "slain by Sister Vane"),
        ("When was Tam Oxley killed?", "nine years ago"),
        ("How many hit points does a marsh hag have?", "HP 61"),
        ("What is the AC of the marsh hag?", "AC 14"),
        ("How much is a rope?", "Rope (1 GP)"),
        ("what does a rope cost", "Rope (1 GP)"),
        ("Which class does Ysolde play?", "Ranger 3"),
        ("What is Corm's AC?", "13"),
        ("Does Bram Oxley own a feather?", "Keeps a heron feather"),
        ("Where is the mill?", "on the north bank"),
        ("When does the Salt Gate open?", "at low tide"),
        ("How old is Odette?", "Fifty-two"),
    ],
)
def test_the_answer_has_what_is_asked_for(question: str, said: str) -> None:
    lines = [line.text for line in answer_question(question, NOTED)[0]]
    assert said in lines[0]
    assert len(lines) <= 3


@pytest.mark.parametrize(
    "question",
    [
        "Who killed Billy Bones?",
        "Who built the mill?",
        "Who owns the mill?",
        "Who leads the marsh hags?",
        "How much is a room at the Heron?",
        "How many hit points does Bram Oxley have?",
        "When was the mill built?",
        "What is Bram's horse called?",
        "Who is the king of the river?",
    ],
)
def test_names_without_the_relation_are_no_answer(question: str) -> None:
    assert answer_question(question, NOTED) == ((), ())


@pytest.mark.parametrize(
    ("columns", "rows", "question", "answer"),
    [
        ("| Village | Innkeeper |", "| Fen | Olda Harrow |\n| Mere | Tam Brook |", "Who is the innkeeper in Mere?", 1),
        ("| Village | Founded in |", "| Fen | 912 |\n| Mere | 1014 |", "When was Mere founded?", 1),
        (
            "| Terrain | Distance seen |",
            "| Arctic | 6 miles |\n| Fen | 2 miles |",
            "How far is the distance seen in a fen?",
            1,
        ),
        ("| Village | Innkeeper |", "| Fen | Olda Harrow |\n| Mere | Tam Brook |", "Who is the miller in Mere?", None),
    ],
)
def test_a_part_of_a_cut_table_answers_as_the_whole_would(
    columns: str, rows: str, question: str, answer: int | None
) -> None:
    header = columns + "\n|---|---|"
    whole = Passage(f"{header}\n{rows}", "wares.md", ("Wares",), 0, 60)
    part = Passage(rows, "wares.md", ("Wares",), 40, 70, table_header=header)
    wanted = [] if answer is None else [rows.split("\n")[answer].strip("| ").replace("|", "·")]
    for passage in (whole, part):
        assert [line.text for line in answer_question(question, [passage])[0]] == wanted
