from __future__ import annotations

import time

import pytest

from fablewright.gm.finding.names import Defined, defined_in, key_of, mentioned_in, plain_of, runs, words_in
from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.searchable import searchable


def passage(text: str, *heading: str, file: str = "notes.md") -> Passage:
    return Passage(text, file, heading, 0, len(text))


def defined(text: str, *heading: str, file: str = "notes.md", first: bool = False) -> dict[str, int]:
    return {each.plain: each.strength for each in defined_in(passage(text, *heading, file=file), first=first)}


def mentioned(text: str) -> list[str]:
    return mentioned_in(passage(text), searchable(text))


def key(name: str) -> str:
    return key_of(name.split())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Potion of Healing", "healing potions"),
        ("The Lonely Torch", "lonely torch"),
        ("Grappled", "grappled"),
        ("Wren's dagger", "dagger of Wren"),
    ],
)
def test_a_name_has_one_key_in_any_form_and_order(one: str, other: str) -> None:
    assert key(one) == key(other) != ""


def test_small_words_alone_are_no_name() -> None:
    assert key("of the") == ""
    assert key("Mill") != key("Hill")


def test_a_question_is_looked_up_by_its_runs_of_words_the_longest_first() -> None:
    found = runs("Who owns the Blue Heron, and why?")
    assert found.index(key("owns Blue Heron")) < found.index(key("Blue Heron")) < found.index(key("Heron"))
    assert key("Heron why") not in found  # a comma stands between them
    assert len(found) == len(set(found))


def test_a_heading_explains_its_name_and_so_do_its_parts() -> None:
    found = defined("### Chapter 3: The Black Spot\n\nText.", "Chapter 3: The Black Spot")
    assert found["chapter 3 the black spot"] == 4
    assert found["the black spot"] == 4


def test_what_stands_in_brackets_is_no_part_of_a_name() -> None:
    assert "grappled" in defined("#### Grappled [Condition]\n\nText.")
    assert "rope" in defined("#### Rope (1 GP)\n\nText.")


def test_a_word_of_a_name_tells_less_than_the_name() -> None:
    found = defined("text", "Sheriff Ruth Willowby")
    assert found["sheriff ruth willowby"] == 4
    assert found["ruth"] == found["willowby"] == 2


def test_the_first_passage_stands_for_the_file_and_its_aliases() -> None:
    text = "---\naliases: [Old Mill]\n---\n# Mill\n\nA mill."
    assert defined(text, "Mill", file="places/Wind_Mill.md", first=True)["wind mill"] == 3
    assert defined(text, "Mill", file="places/Wind_Mill.md", first=True)["old mill"] == 3
    assert "wind mill" not in defined(text, "Mill", file="places/Wind_Mill.md")


@pytest.mark.parametrize(
    "text",
    [
        "**Swamp.** Wet.",
        "| Swamp | wet |\n|---|---|\n| Hill | dry |",
        "<tr>\n<td>Swamp</td><td>wet</td></tr>",
        "_Swamp._ Wet.",
    ],
)
def test_heads_of_paragraphs_and_rows_are_names(text: str) -> None:
    assert defined(text)["swamp"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "They fear [[Blue Heron]].",
        "They fear [the inn](places/Blue_Heron.md).",
        "They fear [it](#places_blue_heron).".replace("places_", ""),
        "They fear the **Blue Heron**.",
        'They fear the _<span class="place">Blue Heron</span>_.',
        "They fear the Blue Heron.",
    ],
)
def test_links_marks_and_capitals_are_mentions(text: str) -> None:
    assert key("Blue Heron") in mentioned(text)


def test_the_word_that_opens_a_sentence_and_ones_own_heading_are_no_mentions() -> None:
    assert mentioned("Nobody comes. Everything rots.") == []
    assert mentioned_in(passage("The Blue Heron is an inn.", "Blue Heron"), "The Blue Heron is an inn.") == []


def test_words_to_compare_by_are_stems_without_small_words() -> None:
    assert words_in("The **rats** and a rat") == words_in("rat")
    assert plain_of("Sea-Chest,  old") == "sea chest old"


def test_two_names_with_one_key_keep_the_stronger() -> None:
    found = defined_in(passage("**Mill.** Text.", "Mill"), first=False)
    assert found == [Defined(key("Mill"), 4, "mill")]


@pytest.mark.benchmark
@pytest.mark.parametrize("piece", ["**a", "_<span>", "[[", "| a ", "<td>x", "Aa Bb ", "# a\n", "[a](", "__", "---\n"])
def test_hostile_notes_take_linear_time(piece: str) -> None:
    def seconds(count: int) -> float:
        text = piece * count
        started = time.thread_time()
        defined_in(passage(text), first=True)
        mentioned_in(passage(text), text)
        return time.thread_time() - started

    seconds(500)
    assert seconds(8_000) <= 4 * seconds(4_000) + 0.02
