from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.sentences import sentences
from fablewright.gm.reading.statements import Role, columns_of, readable, statements


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
    assert secret("Pru is dead. SECRET")  # a mark alone speaks of what stands before it
    assert [s.secret for s in statements([passage("Pru cooks. She is dead: SECRET.")])] == [False, True]
    assert not secret("A secret door leads north.", heading=("The secret door",))


BUTLER = "The butler did it."


@pytest.mark.parametrize(
    "text",
    [
        "> Secret: {}",
        "> SECRET - {}",
        "> DM only: {}",
        "> GM notes: {}",
        "> **GM:** {}",
        "> **gm** {}",
        "> **GM**\n> {}",
        "> **GM:**\n>\n> {}",
        "> **GM:**\n\n> {}",
        "> _(Keeper’s eyes only)_ {}",
        "> **_Do not read aloud:_** {}",
        "> __For the referee__\n> {}",
        "> Spoiler — {}",
        "> - **Secret:** {}",
        "> >! {} !<",
        ">! {} !<",
        "> The inn is warm. ||{}||",
        "> [!note] DM notes\n> {}",
        "> [!warning] GM\n> {}",
        "> [!secret]- GM\n> {}",
        "> [!quote] Behind the scenes\n> {}",
        "> [!gm-only]\n> {}",
        "> [!quote] Read aloud\n> The inn.\n> > [!secret]\n> > {}",
        "> [!info] GM only\n> > [!quote] Read aloud\n> > The inn.\n>\n> {}",
        "> ==GM== {}",
        "> The inn. (GM: {})",
        "> The inn. [DM notes: {}]",
        "> Note to the DM: {}",
        "> The inn. {{{{GM}}}} {}",
        "> Private: {}",
        "**Secret:** {}",
        "**GM** {}",
        "GM only\n{}",
        ":::gm\n{}\n:::",
        '!!! danger "GM only"\n    {}',
        "<gm>{}</gm>",
        '<div data-visibility="gm">{}</div>',
        "---\nplayers: false\n---\n> {}",
        "---\nDM: true # x\n---\n> {}",
        "**Secrets** — {}",
        "GM: {}",
        "DM note — {}",
        "(GM eyes only) {}",
        "[DM] {}",
        "- **Secret:** {}",
        "- Keeper only: the truth\n  - {}",
        "1. gm-only: {}",
        "**SECRET**\n\n{}",
        "SECRET:\n\n{}",
        "**Secret**\n- {}",
        "_GM notes_\n\n> {}",
        "Nobody knows it. {} (GM only)",
        "Nobody knows it, GM only. {}",
        "#gm-only {}",
        "||{}||",
        "<details><summary>DM</summary>{}</details>",
        "<details>\n<summary><b>For the GM</b></summary>\n\n> {}\n\n</details>",
        '<div style="display: none">\n\n{}\n\n</div>',
        "<p hidden>{}</p>",
        '<section class="gm-only">\n\n> {}\n</section>',
        "<div hidden><div>A</div>\n\n{}",
        "---\ntags: [gm-only, plot]\n---\n> {}",
        "---\ntags:\n  - plot\n  - secret\n---\n{}",
        "---\ngm: true\n---\n> {}",
        "---\nvisibility: GM\n---\n{}",
    ],
)
def test_whatever_the_gm_keeps_to_herself_is_secret(text: str) -> None:
    [told] = [s for s in statements([passage(text.format(BUTLER))]) if "butler" in s.text]
    assert told.secret
    assert told.role is not Role.READ_ALOUD


@pytest.mark.parametrize(
    "title",
    """GM Notes|DM Only|DMs only|Keeper's Eyes Only|Keeper’s notes|Hidden Truth|Secrets|Secrets and clues|For the GM|
    Spoilers|Behind the scenes|gm-only|The cellar (GM only)|**For the** DM|What is really going on|Gorm's secret|
    The secret of the mill|Referee's information|Storyteller secrets|GM|Not for players|The truth""".split("|"),
)
@pytest.mark.parametrize("mark", ["## {}\n\n", "{}\n---\n\n"])
def test_headings_of_the_gm_make_all_below_them_secret(title: str, mark: str) -> None:
    heading = mark.format(title.strip())
    text = f"# Inn\n\nA warm inn.\n\n{heading}> {BUTLER}\n\n### Foes\n\nNone.\n\n## Yard\n\nA yard."
    assert [(s.text, s.secret) for s in statements([passage(text)])] == [
        ("A warm inn.", False),
        (BUTLER, True),
        ("None.", True),
        ("A yard.", False),
    ]
    assert all(s.secret for s in statements([passage(f"> {BUTLER}", heading=("Inn", readable(title.strip())))]))


@pytest.mark.parametrize(
    "title",
    """The secret door|Secret passage|A secret room|Secret meeting at the docks|The gatekeeper|The shipmaster's house|
    Wand of Secrets|The Keeper's Lodge|Master of the mill|Hidden valley|A true friend""".split("|"),
)
def test_what_is_hidden_in_the_world_is_no_secret_of_the_gm(title: str) -> None:
    assert read(f"## {title.strip()}\n\n> The fog smells of pennies.") == [
        (Role.READ_ALOUD, "The fog smells of pennies.")
    ]
    assert not any(s.secret for s in statements([passage("A mill.", heading=(title.strip(),))]))


@pytest.mark.parametrize(
    "text",
    [
        "> **Note**\n> **Area Aspects:** fog, mist.",
        "> **Tip:** The fog smells of pennies.",
        "> Tip: The fog smells of pennies.",
        "> Tactics: they flee.",
    ],
)
def test_a_box_with_another_label_is_an_aside(text: str) -> None:
    assert {(s.role, s.secret) for s in statements([passage(text)])} == {(Role.ASIDE, False)}


@pytest.mark.parametrize(
    "text",
    [
        "Nell keeps the secret door shut.",
        "- Nell keeps secrets",
        "Osric: the smith.",
        "The GM may add wolves.",
        "Ask for the innkeeper only at night.",
        "---\ntags: [secret-door, inn]\nauthor: GM\n---\nA door.",
        "| a || b || c |",
        '<span aria-hidden="true">A door.</span>',
        "<details><summary>Statistics</summary>A door.</details>",
    ],
)
def test_ordinary_words_are_no_mark(text: str) -> None:
    assert not any(s.secret for s in statements([passage(text)]))


def test_a_mark_reaches_no_further_than_it_says() -> None:
    marked = "**SECRET**\n\nPru is dead.\n\nPru cooks.\n\n- Secret: Gorm pays.\n  - Well.\n- Gorm eats."
    assert [(s.text, s.secret) for s in statements([passage(marked)])] == [
        ("Pru is dead.", True),
        ("Pru cooks.", False),
        ("Gorm pays.", True),
        ("Well.", True),
        ("Gorm eats.", False),
    ]


@pytest.mark.parametrize("between", ["", ">\n"])
def test_a_box_is_split_where_it_turns_to_the_gm(between: str) -> None:
    text = f"> **Read aloud:** The inn.\n{between}> **GM:** {BUTLER}\n{between}> **Read aloud:** A cat.\n> It purrs."
    assert [(s.text, s.role, s.secret) for s in statements([passage(text)])] == [
        ("The inn.", Role.READ_ALOUD, False),
        (BUTLER, Role.ASIDE, True),
        ("A cat.", Role.READ_ALOUD, False),
        ("It purrs.", Role.READ_ALOUD, False),
    ]


@pytest.mark.parametrize(
    "box",
    [
        "> Read aloud:\n> The inn is warm.",
        "> READ ALOUD: The inn is warm.",
        "> *Read-aloud* —\n>\n> The inn is warm.",
        "> **Boxed text**\n> The inn is warm.",
        "> _Read this aloud:_ The inn is warm.",
        "> The inn is warm.",
    ],
)
def test_the_label_of_boxed_text_is_not_read_aloud(box: str) -> None:
    assert read(box) == [(Role.READ_ALOUD, "The inn is warm.")]


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


@pytest.mark.parametrize(
    "header",
    ["| Terrain | Pace |\n|---|---|", "<table><thead><tr><th>Terrain</th><th>Pace</th></tr></thead>", ""],
)
def test_the_columns_of_a_cut_table_are_read_like_a_row(header: str) -> None:
    row = Passage("| Fen | slow |", "a.md", (), 9, 23, table_header=header)
    assert columns_of(row) == ("Terrain · Pace" if header else "")


@pytest.mark.parametrize(
    "text",
    [
        "Hans sells flour to the whole valley every autumn and spring. **Secret:** Hans ate the ZZZ.",
        "Trade: miller\nSecret: Hans ate the ZZZ",
        "Players know: the heir is gone.\nPlayers don't know: Hans ate the ZZZ.",
        "Unbeknownst to the party, Hans ate the ZZZ.",
        "The players do not know that Hans ate the ZZZ.",
        "Only the GM knows that Hans ate the ZZZ.",
        "Hans ate the ZZZ (the players must never learn this).",
        "> The mill is quiet, and its wheel turns without any water. Secretly, Hans ate the ZZZ.",
        "Hans is secretly fond of the ZZZ.",
        "DON'T TELL THE PLAYERS: Hans ate the ZZZ.",
        "Twist: Hans ate the ZZZ.",
        "Geheim: Hans hat den ZZZ gegessen.",
        "> Das Rad steht still.\n> SL-Info: Hans hat den ZZZ gegessen.",
        "Réservé au MJ : Hans a mangé le ZZZ.",
        "Secreto: Hans se comió el ZZZ.",
        "Секрет: ZZZ.",
        "秘密\uff1aZZZ。",
        "| Name | Trade | Secret |\n|---|---|---|\n| Hans | miller | ate the ZZZ |",
        "| Name | GM notes |\n|---|---|\n| Hans | ate the ZZZ |",
    ],
)
def test_a_secret_in_the_middle_of_a_paragraph_or_a_table_is_one(text: str) -> None:
    told = [each for each in statements([passage(text)]) if "ZZZ" in each.text]
    assert told
    assert all(each.secret for each in told)


@pytest.mark.parametrize(
    "text",
    [
        "The secret door opens at a touch.",
        "Trade: miller\nPrice: 2 sp\nSecretary: Ilse",
        "| Name | Trade |\n|---|---|\n| Hans | miller |",
        "> The players see a wheel that turns.",
        "The sl of a boat: long.",
    ],
)
def test_what_only_resembles_a_mark_is_none(text: str) -> None:
    assert not any(each.secret for each in statements([passage(text)]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GM only: Hans ate it.", "Hans ate it."),
        ("**Secret:** Hans ate it.", "Hans ate it."),
        ("(GM note) Hans ate it.", "Hans ate it."),
        ("The secret of the mill: Hans ate it.", "The secret of the mill: Hans ate it."),
    ],
)
def test_a_mark_that_whoever_shows_the_secret_puts_there_is_not_said_twice(text: str, shown: str) -> None:
    assert [(s.text, s.secret) for s in statements([passage(text)])] == [(shown, True)]
