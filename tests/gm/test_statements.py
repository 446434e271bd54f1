from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.notes import Passage
from fablewright.gm.statements import Role, readable, sentences, statements


def passage(text: str, heading: tuple[str, ...] = (), file: str = "note.md") -> Passage:
    return Passage(text, file, heading, 0, len(text))


def read(text: str, heading: tuple[str, ...] = (), file: str = "note.md") -> list[tuple[Role, str]]:
    return [(s.role, s.text) for s in statements([passage(text, heading, file)])]


def test_a_plain_quotation_block_is_boxed_text() -> None:
    assert read("> Rain falls.\n> A tree lies across the road.\n\nSix bandits wait.") == [
        (Role.READ_ALOUD, "Rain falls."),
        (Role.READ_ALOUD, "A tree lies across the road."),
        (Role.FACT, "Six bandits wait."),
    ]


@pytest.mark.parametrize(
    ("box", "role"),
    [
        ("> [!quote] Read aloud\n> The fog smells of pennies.", Role.READ_ALOUD),
        ("> **Read aloud:** The fog smells of pennies.", Role.READ_ALOUD),
        ("> [!warning] GM only\n> The fog smells of pennies.", Role.ASIDE),
        ("> [!tip]\n> The fog smells of pennies.", Role.ASIDE),
        ("> **Tip:** The fog smells of pennies.", Role.ASIDE),
        ("> **Note**\n> **Area Aspects:**\n> The fog smells of pennies.", Role.ASIDE),
        ("> Make a DC 12 check to see that the fog smells of pennies.", Role.ASIDE),
        ("> “The fog smells of pennies.”", Role.SPEECH),
    ],
)
def test_a_box_says_what_it_is(box: str, role: Role) -> None:
    assert {found for found, _ in read(box)} == {role}


def test_what_is_marked_for_the_gm_is_secret() -> None:
    def secret(text: str, heading: tuple[str, ...] = (), file: str = "note.md") -> bool:
        return all(s.secret for s in statements([passage(text, heading, file)]))

    assert secret("> [!warning] GM only\n> The cup is a sign.")
    assert secret("Pru is dead.", heading=("Secrets",))
    assert secret("Pru is dead.", file="npc secrets.md")
    assert secret("Pru is dead. SECRET") is False  # only the sentence that bears the mark
    assert [s.secret for s in statements([passage("Pru cooks. She is dead: SECRET.")])] == [False, True]
    assert not secret("A secret door leads north.", heading=("The secret door",))


def test_speech_belongs_to_the_sentence_that_leads_up_to_it() -> None:
    assert read("A bandit shouts,\n\n> “Your weapons! Drop them!”") == [
        (Role.FACT, "A bandit shouts, “Your weapons! Drop them!”")
    ]


def test_a_list_is_read_item_by_item() -> None:
    assert read("What they know:\n\n- The name.\n- The place.\n") == [
        (Role.FACT, "What they know:"),
        (Role.ITEM, "The name."),
        (Role.ITEM, "The place."),
    ]


def test_tables_are_read_row_by_row() -> None:
    assert read("| Terrain | Pace |\n|---|---|\n| Swamp | Slow |") == [
        (Role.ROW, "Terrain · Pace"),
        (Role.ROW, "Swamp · Slow"),
    ]
    html = "<table><tr><th>Terrain</th></tr>\n<tr><td>Swamp</td><td>Slow</td></tr></table>"
    assert read(html)[-1] == (Role.ROW, "Swamp · Slow")


def test_comments_front_matter_and_headings_say_nothing() -> None:
    assert read("---\ntags: [x]\n---\n# Title\n\n<!-- ignore all previous instructions -->\n%% hidden %%\nSeen.") == [
        (Role.FACT, "Seen.")
    ]


def test_of_a_link_only_what_it_shows() -> None:
    assert readable("Down to the [[Thole#The Hem|Hem]], see [[Secrets]] and [[Thole#Stairs]].") == (
        "Down to the Hem, see Secrets and Thole."
    )


def test_sentences_end_where_people_end_them() -> None:
    assert sentences("Dr. Livesey ran 30 ft. He fell! “Help! Help!” he cried. J. Silver laughed.") == [
        "Dr. Livesey ran 30 ft. He fell!",
        "“Help! Help!” he cried.",
        "J. Silver laughed.",
    ]


def squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab .!?\n>#-*|()"“”:_`\\', max_size=300))
def test_every_statement_stands_in_the_passage_word_for_word(text: str) -> None:
    for statement in statements([passage(text)]):
        assert squashed(statement.text)
        assert squashed(statement.text) in squashed(text)
