from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.focus import Focus, Section, choose_focus, merged, opening_names, search_words

if TYPE_CHECKING:
    from fablewright.gm.rules.bestiary import Bestiary

HALL = "> Beams have fallen.\n\nFour bandits wait. A DC 12 Strength check lifts a beam."
TOWER = "> A tower stands on a hill.\n\nIt is old."
PATH = "> A path climbs to the old tower.\n\nA DC 13 Constitution saving throw resists the weeds."
ADVICE = "Good encounters begin with the players. Think of scenes and villains, and let the campaign breathe."


def passage(text: str, *heading: str, file: str = "place.md", score: float = 1.0, start: int = 0) -> Passage:
    return Passage(text, file, heading, start, start + len(text), score)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("generate scenario for the first encounter", "first encounter"),
        ("Please give me the scene at the Lonely Torch.", "at Lonely Torch"),
        ("scene", "scene"),
        ("They reach the inn", "They reach inn"),
    ],
)
def test_words_that_only_ask_are_not_searched_for(request_: str, words: str) -> None:
    assert search_words(request_) == words


def test_the_beginning_goes_by_many_names() -> None:
    assert "start" in opening_names("generate scenario for the first encounter")
    assert "prologue" in opening_names("open the campaign")
    assert opening_names("They enter the hall") == ()


@pytest.mark.parametrize("words", ["next scene", "a scene please", "surprise me", "What happens next?", "and then?"])
def test_a_request_that_tells_of_nothing_is_for_the_opening(words: str, bestiary: Bestiary) -> None:
    assert "start" in opening_names(words)
    found = [
        passage("Harm to children.", "House rules and safety", "Lines", file="House rules.md", score=9.0),
        passage(HALL, "Broken Hall", score=5.0),
        passage(HALL, "Start", file="adventure.md", score=1.0),
    ]
    focus = choose_focus(words, found, bestiary)
    assert focus is not None
    assert focus.sections[0].file == "adventure.md"


SHEETS = [
    ("Safety.md", "Safety tools", "The mill shall not burn."),
    ("sheet.md", "Lines and Veils", "Mills that burn."),
    ("House rules.md", "Rules", "A mill costs 5 gp."),
    ("Party.md", "The Pallbearers", "Oate grew up in a mill."),
    ("Session log.md", "Session 1", "- They went to the mill."),
    ("srd521/equipment.md", "Mill", "A mill grinds flour."),
    ("gm_guidance/mills.md", "Mills", "> A mill can be a fine place for a scene."),
    ("book.md", "Miller", "**AC** 12 **HP** 9. The miller wields a mill stone."),
    (
        "dial.md",
        "Dials",
        "You can raise the number of attacks that a monster makes at the mill. Battles drag at times.",
    ),
    ("table.md", "Sights", "| d6 | Sight |\n|---|---|\n" + "".join(f"| {n} | a mill |\n" for n in range(1, 7))),
]


@pytest.mark.parametrize(("file", "heading", "text"), SHEETS)
def test_what_is_no_scene_is_not_played(file: str, heading: str, text: str, bestiary: Bestiary) -> None:
    sheet = passage(text, heading, file=file, score=9.0)
    assert choose_focus("They go to the burning mill", [sheet], bestiary) is None
    mill = passage("The mill stands still.", "By the river", score=0.5)
    assert choose_focus("They go to the burning mill", [sheet, mill], bestiary) == Focus((Section.of(mill),))


def test_a_sheet_that_is_named_is_what_is_wanted(bestiary: Bestiary) -> None:
    sheet = passage("Rats.", "Lines and Veils", file="sheet.md")
    assert choose_focus("Show the lines and veils", [sheet], bestiary) is not None


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("They burst into the throne room", False),
        ("They arrive at Castle Hall", False),
        ("They come to Ravenloft, where beams have fallen", False),
        ("Silver John greets them in the hall", False),
        ('They look for "the Bronze Door"', False),
        ("The party attacks the guards", False),
        ("They talk to the bandit", True),
        ("They follow Oate into the broken hall", True),
        ("they lift the fallen beam", True),
        ("The Brokne Hall", True),
        ("They are ambushed by robbers in the Broken Hall", True),
    ],
)
def test_a_section_that_does_not_speak_of_it_is_not_played(words: str, meant: bool, bestiary: Bestiary) -> None:
    found = [passage(HALL, "Places", "Broken Hall")]
    assert (choose_focus(words, found, bestiary) is not None) is meant


def test_the_place_asked_for_by_name_is_played(bestiary: Bestiary) -> None:
    found = [
        passage(TOWER, "Places", "The Tower", score=3.0),
        passage(HALL, "Places", "Broken Hall", score=2.5, start=500),
    ]
    focus = choose_focus("They enter the broken hall", found, bestiary)
    assert focus == Focus((Section("place.md", ("Places", "Broken Hall")),))
    assert focus.title == "Broken Hall"


def test_advice_about_scenes_is_not_a_scene(bestiary: Bestiary) -> None:
    found = [
        passage(ADVICE, "First encounters", file="guide.md", score=9.0),
        passage(HALL, "Start", file="adventure.md", score=3.0),
    ]
    focus = choose_focus("generate scenario for the first encounter", found, bestiary)
    assert focus is not None
    assert focus.sections[0].file == "adventure.md"
    assert focus.title == "adventure"  # "Start" names no place


def test_parts_of_a_section_belong_to_it(bestiary: Bestiary) -> None:
    checks = passage("DC 12 Stealth check", "Ambush", "Checks", start=100)
    loot = passage("14 gp in a stocking.", "Ambush", "Loot", start=200)
    focus = choose_focus("the ambush", [checks, loot], bestiary)
    assert focus is not None
    assert focus.sections == (Section("place.md", ("Ambush",)),)
    assert focus.holds(loot)
    assert not focus.holds(passage("x", "Elsewhere"))


def test_a_place_that_is_only_looked_at_is_joined_by_one_where_something_happens(bestiary: Bestiary) -> None:
    found = [
        passage(TOWER, "Places", "The Old Tower", score=3.0),
        passage(HALL, "Places", "Broken Hall", score=1.0, start=500),
        passage(PATH, "Places", "The Weeds", score=1.0, start=900),
    ]
    focus = choose_focus("They climb to the old tower", found, bestiary)
    assert focus is not None
    assert [section.title for section in focus.sections] == ["The Old Tower", "The Weeds"]


def test_of_a_place_with_parts_the_first_is_played(bestiary: Bestiary) -> None:
    found = [
        passage("An old toll house.", "The Counting House", score=2.5),
        passage(HALL, "The Counting House", "2. The Hall", score=3.0, start=900),
        passage("> A jetty.\n\nThree giant crabs wait.", "The Counting House", "1. The Landing", score=2.0, start=500),
    ]
    focus = choose_focus("They come to the Counting House", found, bestiary)
    assert focus is not None
    assert [section.title for section in focus.sections] == ["The Counting House", "1. The Landing"]


def test_a_place_called_by_its_name_outranks_loose_words(bestiary: Bestiary) -> None:
    found = [
        passage("> A road in the rain.\n\nSix bandits leave the road when a party gets through.", "Start", score=3.0),
        passage(TOWER, "Places", "The Lonely Torch", score=2.0, start=500),
    ]
    request = "They leave the road and start up to the Lonely Torch, and a clever party gets through"
    focus = choose_focus(request, found, bestiary)
    assert focus is not None
    assert focus.title == "The Lonely Torch"


def test_nothing_found_is_no_focus(bestiary: Bestiary) -> None:
    assert choose_focus("anything", [], bestiary) is None


def test_a_note_without_headings_is_called_by_its_file(bestiary: Bestiary) -> None:
    focus = choose_focus("mill", [passage("The mill burns.", file="places/the_mill.txt")], bestiary)
    assert focus is not None
    assert focus.title == "the mill"


def test_answers_of_several_searches_are_put_together() -> None:
    a, b, c = (
        passage(name, score=score, start=at) for at, (name, score) in enumerate([("a", 40.0), ("b", 20.0), ("c", 2.0)])
    )
    again = passage("b", score=2.0, start=1)
    both = merged([(1.0, [a, b]), (0.6, [again, c]), (0.6, [])])
    assert [(p.text, p.score) for p in both] == [("a", 1.0), ("b", 0.6), ("c", 0.6)]
