from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.reading.notes import Passage
from fablewright.gm.reading.statements import readable
from fablewright.gm.scene.attempts import ATTEMPTS as WORDS
from fablewright.gm.scene.attempts import always, attempt
from fablewright.gm.scene.composer import Composed, compose
from fablewright.gm.scene.focus import Focus, Section
from fablewright.gm.scene.scenario import Line, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fablewright.gm.scene.table import Table


MILL = """# Places

## The Mill

> The wheel turns although the stream is dry.

Two bandits (Hob and Nell) sleep in the loft. Hob's pet stirge hangs over the door. The stirge can be bribed with blood.
A DC 13 Wisdom (Perception) check spots the trapdoor; on a failure the stirge wakes.

> [!warning] GM only
> The miller is dead.

If the alarm is raised, the bandits flee. In a chest lie 25 gp.

## The Ford

The water is cold. The mill can be seen from here, and two bandits guard the ford.
"""


def lines_of(scene: Scene) -> Iterator[Line]:
    yield scene.title
    for part in (scene.read_aloud, scene.here, scene.balance, scene.consequences, scene.loot):
        yield from part
    for check in scene.checks:
        yield from filter(None, (check.purpose, check.success, check.failure))
    for option in scene.options:
        yield from filter(None, (option.action, option.consequence))


ATTEMPTS = [*WORDS.values(), "Try it", "If it fails"]


def squashed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def assert_grounded(composed: Composed) -> None:
    """What is said to be from the notes stands in the cited passages; each passage is cited by something."""
    sources = [squashed(readable(p.text)) + squashed(" ".join(p.heading) + p.file) for p in composed.citations]
    used: set[int] = set()
    for line in lines_of(composed.scene):
        used.update(line.sources)
        if line.origin in {Origin.QUOTED, Origin.FROM_NOTES}:
            assert line.sources, line
            text = line.text
            for check in composed.scene.checks:  # the check's name behind it
                text = text.removesuffix(f" ({check.skill}, DC {check.dc})")
            text = re.sub(rf"^(?:{'|'.join(ATTEMPTS)}): ", "", text)  # and what it means before it
            for part in re.split(r"(?<=[.!?:])\s", text):  # pieced together of stretches of the passage
                clean = squashed(part)
                assert any(clean in sources[number] for number in line.sources), (part, line)
        else:
            assert not line.sources, line
    for check in composed.scene.checks:
        used.update(check.sources)
        assert all(str(check.dc) in composed.citations[number].text for number in check.sources)
    for foe in composed.scene.foes:
        used.update(foe.sources)
    assert used == set(range(len(composed.citations)))


def scene_of(text: str, title: str, table: Table, request: str = "the scene") -> Composed:
    passages = passages_of("places.md", text)
    [section] = {Section.of(p) for p in passages if Section.of(p).title == title}
    return compose(request, Focus((section,)), passages, table)


def test_each_thing_is_where_a_gm_looks_for_it(table: Table) -> None:
    composed = scene_of(MILL, "The Mill", table)
    scene = composed.scene
    assert (scene.title.text, scene.title.origin) == ("The Mill", Origin.QUOTED)
    assert [line.text for line in scene.read_aloud] == ["The wheel turns although the stream is dry."]
    [check] = scene.checks
    assert (check.skill, check.dc) == ("Wisdom (Perception)", 13)
    assert check.failure is not None
    assert check.failure.text == "The stirge wakes"
    assert {(foe.name, foe.count, foe.note) for foe in scene.foes} == {("Bandit", 2, "Hob and Nell"), ("Stirge", 1, "")}
    assert scene.balance[0].text.startswith("75 XP against 400 low")
    assert [line.text for line in scene.consequences] == ["If the alarm is raised, the bandits flee."]
    assert [line.text for line in scene.loot] == ["In a chest lie 25 gp."]
    assert scene.options[0].action.text == "The stirge can be bribed with blood."
    assert len(scene.options) >= 3
    assert_grounded(composed)


def test_a_secret_is_marked_and_never_read_aloud(table: Table) -> None:
    scene = scene_of(MILL, "The Mill", table).scene
    assert [line.text for line in scene.here if line.secret] == ["The miller is dead."]
    assert not any("dead" in line.text for line in scene.read_aloud)


def test_nothing_is_said_twice(table: Table) -> None:
    scene = scene_of(MILL, "The Mill", table).scene
    texts = [line.text for part in (scene.here, scene.consequences, scene.loot) for line in part]
    assert len(texts) == len(set(texts))
    assert not any("trapdoor" in text or "25 gp" in text for text in (line.text for line in scene.here))


def test_without_boxed_text_the_notes_first_harmless_sentences_are_read(table: Table) -> None:
    composed = scene_of(MILL, "The Ford", table)
    [line] = composed.scene.read_aloud
    assert line.text == "The water is cold."  # the next sentence gives the bandits away
    assert line.origin is Origin.QUOTED


@pytest.mark.parametrize(
    ("body", "aloud"),
    [
        ("Six bandits hide here. The loft is dusty.\n\nThe wheel turns. It creaks.", "The wheel turns. It creaks."),
        ("The wheel turns. Six bandits hide here. The loft is dusty.", "The wheel turns."),
        ("She is secretly dead.\n\nShe sings at night.\n\nThe loft is dusty.", "The loft is dusty."),
        ("They know nothing:\n\nOn the wall:\n\n“Who is there?”\n\nThe loft is dusty.", "The loft is dusty."),
        ("**GM:** the loft is dusty.\n\n> Secret: the butler did it.", None),
    ],
)
def test_an_opening_is_the_beginning_of_a_paragraph(body: str, aloud: str | None, table: Table) -> None:
    composed = scene_of(f"# Mill\n\n{body}\n", "Mill", table)
    assert [line.text for line in composed.scene.read_aloud] == ([aloud] if aloud else [])
    assert_grounded(composed)


def test_what_comes_of_a_secret_is_secret(table: Table) -> None:
    text = """# Mill

The wheel turns. Two bandits wait.

**GM:** Three ogres sleep below. A DC 12 Wisdom (Perception) check hears them.
The chest holds 25 gp. If they wake, they eat everybody.
"""
    composed = scene_of(text, "Mill", table)
    scene = composed.scene
    assert {(foe.name, foe.secret) for foe in scene.foes} == {("Bandit", False), ("Ogre", True)}
    assert [check.secret for check in scene.checks] == [True]
    assert all(line.secret for line in scene.balance)
    [option] = [option for option in scene.options if "DC 12" in option.action.text]
    assert option.action.secret
    assert all(line.secret for line in (*scene.loot, *scene.consequences))
    assert not any("ogre" in option.action.text.lower() for option in scene.options if not option.action.secret)
    assert not scene.title.secret
    assert_grounded(composed)


def test_a_scene_under_a_secret_heading_is_secret_and_loses_nothing(table: Table) -> None:
    scene = scene_of("# GM notes\n\n> The butler did it.\n\nTwo bandits wait.", "GM notes", table).scene
    assert scene.title.secret
    assert scene.read_aloud == ()
    assert {(line.text, line.secret) for line in scene.here} == {
        ("The butler did it.", True),
        ("Two bandits wait.", True),
    }
    assert scene.options[0].action.text.startswith("Talk first: ask what whoever is here")


@pytest.mark.parametrize(
    "body",
    [
        "In 1342 bandits came.",
        "In 1342 bandits ruled the valley.",
        "An army of 4000 bandits.",
        "500 bandits wait.",
        "A statue of 4 bandits.",
        "5 bandits were here last week.",
        "No bandits.",
    ],
)
def test_who_is_not_here_is_no_foe(body: str, table: Table) -> None:
    assert scene_of(f"# Mill\n\n{body}\n", "Mill", table).scene.foes == ()


def test_more_than_the_rules_can_weigh_is_no_number(table: Table) -> None:
    body = " ".join(f"{number} bandits guard gate {place}." for place, number in enumerate(range(80, 100)))
    [foe] = scene_of(f"# Mill\n\n{body}\n", "Mill", table).scene.foes
    assert foe.count is None


def hostile(piece: str, length: int, file: str = "a.md") -> Passage:
    return Passage((piece * length)[:length], file, ("A",), 0, length)


def seconds_to_compose(piece: str, length: int, table: Table, enough: float = 0.0) -> float:
    """Return the least of three times, or the first that is little enough."""
    best = 9e9
    for number in range(3):
        passage = hostile(piece, length, f"{number}-{length}.md")  # what was read once is kept
        start = time.perf_counter()
        compose("a", Focus((Section.of(passage),)), [passage], table)
        best = min(best, time.perf_counter() - start)
        if best <= enough:
            break
    return best


HOSTILE = (
    *("must or DC 12 Wisdom save ", "DC 15 Wisdom. ", "(", "“", "“A. ", '"A. ', "*", "**a** ", "_", "%%", "party "),
    *("characters ", "1", "1d", "\t", " ", "x" + " " * 999, "[[", "[[a|", "<", "<a ", "<div hidden>", "<!--", "> a\n"),
    *("> **GM:** a\n\n", ">!", "||a", "|a|\n", "- a\n", "  - **Secret:** a\n", "if ", "statue of ", "his ", "a.\n\n"),
    *(
        "# GM\n\na\n\n",
        "Six bandits (Ann) wait. ",
        "on a success ",
        "“a,”\n\n> “b,”\n\n",
        "a\\\n",
        "\r",
        "Rain falls. ",
    ),
)


@pytest.mark.benchmark
@pytest.mark.parametrize("piece", HOSTILE)
def test_no_passage_holds_up_the_others(piece: str, table: Table, slowness: float) -> None:
    assert seconds_to_compose(piece, 12_000, table) <= 2.6 * seconds_to_compose(piece, 6_000, table) + 0.005
    bound = 0.25 * slowness
    assert seconds_to_compose(piece, 100_000, table, enough=bound) <= bound


def test_what_can_always_be_tried_is_marked_as_invented() -> None:
    options = always((), wanted=3)
    assert {option.action.origin for option in options} == {Origin.INVENTED}
    assert always((), wanted=-1) == []


def test_a_sentence_from_elsewhere_says_whom_it_is_about(table: Table) -> None:
    text = """# Places

## The Salt Tower

> The Salt Tower leans.

Two bandits wait. Old Gorm pays them.

# People

## Gorm

He built the Salt Tower long ago and pays two bandits to guard it.

## Nell

The Salt Tower.
"""
    here = scene_of(text, "The Salt Tower", table).scene.here
    assert here[-1].text == "Gorm: He built the Salt Tower long ago and pays two bandits to guard it."
    assert here[-1].origin is Origin.FROM_NOTES


def test_a_check_is_also_something_to_do(table: Table) -> None:
    scene = scene_of("# Gate\n\nTwo guards. Persuasion DC 12, at the gate: on a success it opens.", "Gate", table).scene
    assert scene.options[0].action.text == "Talk them round: At the gate (Persuasion, DC 12)"
    assert attempt("Dexterity (Sleight of Hand)") == "Use quick fingers"
    assert attempt("Strength") == "Try it"


def test_a_check_with_a_choice_of_skills_names_them_all(table: Table) -> None:
    text = "# Gate\n\nDC 12 Strength (Athletics) or Dexterity (Acrobatics) check to climb it: on a success they are in."
    composed = scene_of(text, "Gate", table)
    option = composed.scene.options[0].action.text
    assert option.startswith("Use strength: ")
    assert option.endswith("(Strength (Athletics) or Dexterity (Acrobatics), DC 12)")
    assert attempt("Stealth against Perception") == "Sneak"
    assert_grounded(composed)


@pytest.mark.parametrize(
    "sentence",
    [
        "Some whisper that Amanda was once a spy.",
        "The door's gargoyle has faded.",
        "An awakened tree wanders here, but it is generally not aggressive.",
        "A friendly ogre sells pies.",
    ],
)
def test_who_does_not_fight_is_no_foe(sentence: str, table: Table) -> None:
    assert scene_of(f"# The Yard\n\n{sentence}", "The Yard", table).scene.foes == ()


def test_what_a_failure_brings_is_not_offered_as_what_the_option_brings(table: Table) -> None:
    text = "# Post\n\nA DC 13 Intelligence (Investigation) check shows oil on the pin; on a failure it looks like rust."
    [option, *_] = scene_of(text, "Post", table).scene.options
    assert option.consequence is not None
    assert option.consequence.text == "If it fails: It looks like rust"


def test_a_heading_that_is_a_condition_goes_before_what_happens(table: Table) -> None:
    text = "# Ambush\n\nTwo bandits wait.\n\n## If nobody pays\n\nThe toll house burns."
    scene = scene_of(text, "Ambush", table).scene
    assert [line.text for line in scene.consequences] == ["If nobody pays: The toll house burns."]


def test_every_note_of_the_sample_campaign_makes_a_grounded_scene(
    sample_passages: dict[str, list[Passage]], table: Table
) -> None:
    everything = [p for passages in sample_passages.values() for p in passages]
    sections = {Section.of(p) for p in everything}
    assert len(sections) > 20
    for section in sections:
        assert_grounded(compose(section.title, Focus((section,)), everything, table))


@pytest.mark.parametrize("folder", ["night_blade", "whitesparrow", "campaign", "gm_guidance", "treasure_island"])
def test_real_documents_make_grounded_scenes(shared: Path, folder: str, table: Table) -> None:
    files = sorted((shared / "corpus" / folder).glob("*.md"))[:12]
    for file in files:
        passages = passages_of(file.name, file.read_text("utf-8"))
        for section in {Section.of(p) for p in passages}:
            assert_grounded(compose(section.title, Focus((section,)), passages, table))
