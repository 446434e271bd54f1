from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from fablewright.entry.render import render
from fablewright.entry.terminal import write
from fablewright.gm.answer import Answer, Timings
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene
from fablewright.gm.scene.variants import Variant


def page(answer: Answer, width: int = 80) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False)
    write(console, render(answer, console))
    return file.getvalue()


def of(scene: Scene, *passages: Passage) -> Answer:
    return Answer("scene", "answered", scene=scene, citations=passages, used_rag=bool(passages))


PLAIN_TITLE = Line("T", Origin.BY_RULE)


@pytest.mark.parametrize("width", [80, 120])
def test_the_order_is_that_of_play(full_answer: Answer, width: int) -> None:
    text = page(full_answer, width)
    marks = ["First encounter", "┃ The fog", "What is here", "Checks", "Foes", "Options", "Consequences", "Loot"]
    places = [text.index(mark) for mark in [*marks, "Sources", "* invented", "5 passages"]]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_page_or_ends_in_blanks(full_answer: Answer, width: int) -> None:
    for line in page(full_answer, width).splitlines():
        assert len(line) <= min(width, 120)
        assert line == line.rstrip()


def test_prose_is_not_wider_than_can_be_read_aloud_from(full_answer: Answer) -> None:
    lines = [line for line in page(full_answer, 200).splitlines() if line.startswith("  ┃")]
    assert len(lines) > 2
    assert max(map(len, lines)) <= 100


def test_markup_in_notes_is_text(full_answer: Answer) -> None:
    assert "The fog smells of [red]cold[/red] pennies." in page(full_answer)


def test_escape_sequences_in_notes_are_gone_from_texts_names_and_places() -> None:
    evil = "a\x1b[31mb\x9bc"
    passage = Passage("x", f"{evil}.md", (evil,), 0, 1)
    line = Line(evil, Origin.QUOTED, (0,))
    scene = Scene(
        line,
        (line,),
        (line,),
        (Check(evil, 10, line, line, line, Origin.QUOTED, (0,)),),
        (Foe(evil, 1, None, None, evil, Origin.QUOTED, (0,)),),
        (line,),
        (Option(line, line),),
        (line,),
        (line,),
    )
    for width in (80, 120):
        text = page(of(scene, passage), width)
        assert "\x1b" not in text
        assert "\x9b" not in text
        assert "ab" in text


def test_checks_are_a_table_where_there_is_room_and_stacked_where_not(full_answer: Answer) -> None:
    wide, narrow = page(full_answer, 120), page(full_answer, 80)
    assert "On a success" in wide
    assert "success:" not in wide
    assert "  • Wisdom (Perception) DC 13 [2]\n    on the Stairs\n    success: the party sees Mabb" in narrow
    assert "On a success" not in narrow


def test_foes_stand_in_columns_with_count_cr_and_xp(full_answer: Answer) -> None:
    text = page(full_answer)
    assert "   1 ×  Spy           CR 1       200 XP [3]\n" in text
    assert "   2 ×  Tough         CR 1/2     100 XP each [3]\n" in text
    assert "  some  Curdled dead [1]\n" in text
    assert "  400 XP for four level-2 characters: between low (200) and moderate (600).§\n" in text


def test_options_are_numbered_with_their_consequence(full_answer: Answer) -> None:
    assert "  1. Press a penny into a zombie's left hand. [2]\n     → It sighs, turns grey" in page(full_answer)


def test_secrets_are_marked(full_answer: Answer) -> None:
    assert "  • GM only: The pennies go up to the inn, one a night. [2]\n" in page(full_answer)


@pytest.mark.parametrize("width", [80, 120])
def test_secret_foes_and_checks_are_marked(width: int) -> None:
    scene = Scene(
        PLAIN_TITLE,
        checks=(Check("Arcana", 10, None, None, None, Origin.BY_RULE, secret=True),),
        foes=(
            Foe("Ogre", 3, 2.0, 450, "", Origin.BY_RULE, secret=True),
            Foe("Bandit", 2, 0.125, 25, "", Origin.BY_RULE),
        ),
    )
    marked = [line for line in page(of(scene), width).splitlines() if "GM only" in line]
    assert ["Arcana" in line or "Ogre" in line for line in marked] == [True, True]


def test_what_is_invented_is_marked_and_the_mark_explained(full_answer: Answer) -> None:
    text = page(full_answer)
    assert "a gate is pulled shut.*" in text
    assert "* invented, not in your notes" in text
    grounded = of(Scene(Line("T", Origin.QUOTED, (0,))), Passage("T", "a.md", (), 0, 1))
    assert "invented" not in page(grounded)


def test_passages_of_one_heading_share_a_number_and_numbers_follow_the_reading(full_answer: Answer) -> None:
    text = page(full_answer)
    sources = text[text.index("Sources\n") :].splitlines()[1:]
    assert sources[0] == "  [1] First encounter.md › First encounter: the Small Change robs the queue"
    assert [line[2:5] for line in sources if line.startswith("  [")] == ["[1]", "[2]", "[3]", "[4]"]
    assert "[5]" not in text


def test_each_grounded_line_has_its_mark(full_answer: Answer) -> None:
    text = page(full_answer)
    for words in ("begun to curdle. [1]", "Fog: Lightly Obscured beyond 30 feet. [1][3]", "six pennies. [1]"):
        assert words in " ".join(text.split())


def test_an_empty_part_has_no_heading() -> None:
    text = page(of(Scene(PLAIN_TITLE)))
    for name in ("What is here", "Checks", "Foes", "Options", "Consequences", "Loot", "Sources"):
        assert name not in text


def test_the_last_line_says_how_long_it_took(full_answer: Answer) -> None:
    last = page(full_answer).splitlines()[-1]
    assert last == "5 passages · search 123 ms · writing 31 ms · 1.2 s in all"
    quick = dataclasses.replace(full_answer, used_rag=False, timings=Timings(total_ms=3.4))
    assert page(quick).splitlines()[-1] == "3 ms in all"


def test_an_answer_in_lines_is_a_list_and_one_line_is_plain() -> None:
    one = Answer("dice", "answered", lines=(Line("2d6 → 7", Origin.BY_RULE),))
    assert page(one) == "\n2d6 → 7\n"
    two = dataclasses.replace(one, lines=one.lines * 2)
    assert page(two) == "\n• 2d6 → 7\n• 2d6 → 7\n"


def test_wide_characters_and_endless_words_do_not_burst_the_page() -> None:
    scene = Scene(PLAIN_TITLE, here=(Line("龍" * 100, Origin.INVENTED), Line("x" * 300, Origin.INVENTED)))
    for line in page(of(scene), 80).splitlines():
        assert sum(2 if mark == "龍" else 1 for mark in line) <= 80


def test_that_the_notes_do_not_say_is_no_invention() -> None:
    line = Line("Your notes do not say.", Origin.INVENTED)
    assert page(Answer("question", "abstained", lines=(line,))) == "\nYour notes do not say.\n"
    assert "say.*" in page(Answer("question", "degraded", lines=(line,)))


def test_a_heading_that_repeats_the_name_of_the_file_is_left_out_of_the_source() -> None:
    passages = (Passage("x", "a/People.md", ("People", "Osric"), 0, 1), Passage("x", "b.md", ("B",), 0, 1))
    text = page(of(Scene(Line("T", Origin.QUOTED, (0, 1))), *passages))
    assert "  [1] a/People.md › Osric\n  [2] b.md › B\n" in text


def test_the_columns_of_a_table_that_was_cut_stand_below_its_source() -> None:
    header = "| Village | Toll\x1b[31m |\n|---|---|"
    passages = (
        Passage("| Fen | 2 gp |", "a.md", ("Tolls",), 90, 104, table_header=header),
        Passage("| Mere | 3 gp |", "a.md", ("Tolls",), 190, 204, table_header=header),
        Passage("Words.", "b.md", ("B",), 0, 6),
    )
    lines = tuple(Line(p.text, Origin.QUOTED, (at,)) for at, p in enumerate(passages))
    text = page(dataclasses.replace(Answer("question", "answered", lines=lines), citations=passages, used_rag=True))
    assert "  [1] a.md › Tolls\n      columns: Village · Toll\n  [2] b.md › B\n" in text


def test_a_line_beside_the_first_scene_is_no_line_of_its_variants() -> None:
    sheet = Passage("- Rats", "Safety.md", ("Lines",), 0, 6)
    other = Variant("elsewhere", 0.5, Scene(Line("The Cellar", Origin.INVENTED)))
    left_out = Line("A line left something out.", Origin.BY_RULE, (0,))
    answer = Answer(
        "scene",
        "answered",
        Scene(Line("The Yard", Origin.INVENTED)),
        lines=(left_out,),
        citations=(sheet,),
        variants=(other,),
    )
    text = page(answer)
    assert "The Cellar" in text
    assert text.count("A line left something out.") == 1
