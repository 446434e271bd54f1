from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from pathlib import Path

PIECES = (
    *(
        "two",
        "a",
        "an",
        "six",
        "2d4",
        "3",
        "the",
        "of",
        "bandit",
        "bandits",
        "captain",
        "guard",
        "guards",
        "swarm",
    ),
    *(
        "rats",
        "Shadow",
        "dozen",
        "half",
        "pair",
        "like",
        "\n",
        "\n\n",
        ". ",
        "(",
        ")",
        "_",
        "<b>",
        "</span>",
        "x4",
    ),
    *('<span class="monster m">', "<!--", "-->"),
)


def named(text: str) -> list[tuple[str, int | None]]:
    return [(mention.creature.name, mention.count) for mention in load_bestiary().mentions(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Six Bandits (Artur, Dobarn) lurk here", [("Bandit", 6)]),
        ("four Night Blade bandits (Sanda and Longtooth)", [("Bandit", 4)]),
        ("two guards", [("Guard", 2)]),
        ("Ten stirges", [("Stirge", 10)]),
        ("an awakened tree", [("Awakened Tree", 1)]),
        ("a bandit captain", [("Bandit Captain", 1)]),
        ("2d4 wolves", [("Wolf", 5)]),
        ("a dozen goblins and half a dozen wolves", [("Goblin Warrior", 12), ("Wolf", 6)]),
        ("a pair of thugs", [("Tough", 2)]),
        ("a swarm of rats and a giant rat", [("Swarm of Rats", 1), ("Giant Rat", 1)]),
        ("two swarms of rats", [("Swarm of Rats", 2)]),
        ("a bandit captain and four bandits", [("Bandit Captain", 1), ("Bandit", 4)]),
        ("Goblins (4), Ogre x2, Wolf", [("Goblin Warrior", 4), ("Ogre", 2), ("Wolf", None)]),
        ("3 × bandit captain", [("Bandit Captain", 3)]),
        ("one of the bandits", [("Bandit", None)]),
        ("bandit\ncaptain", [("Bandit Captain", None)]),
        ("bandit. Captain", [("Bandit", None)]),
        ("a bandit raid", [("Bandit", None)]),
        ("the lizardfolk and an orc", []),
    ],
)
def test_names_and_counts(text: str, expected: list[tuple[str, int | None]]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "two guards",
        "the guards",
        "Guards have a passive perception of 12",
        "a guard named Pulk",
        "a stern guard.",
        "one guard",
        "The party meets a Guard by the door",
        "some guards all asleep",
        '<span class="monster monster-Guard_guard">guard</span>',
        "Guard (2)",
        "eight Guards under her employ",
    ],
)
def test_everyday_words_with_evidence_are_creatures(text: str) -> None:
    assert [name for name, _ in named(text)] == ["Guard"]


@pytest.mark.parametrize(
    "text",
    [
        "to guard the door",
        "Guard the door!",
        "Osgood guards this cavern",
        "a zone that guards against deception",
        "she also scouts ahead",
        "a guard post",
        "two guard towers",
        "clothes of noble cut",
        "Polard the Mule",
        "at the Black Cat Inn",
        "the Raven Queen",
        "Skeleton Island",
        "cast a shadow",
        "down into the shadows",
        "complain of nightmares",
        "a tough choice",
        "hungry as a hawk",
        "they leapt like cats",
        "the guard's key",
        "the nobles' house",
        '<span class="monster monster-Commoner_Mob">Commoner Mob</span>',
        "see [the map](bandit_camp.md) and https://example.org/wolf",
        "<!-- spell-checker:words goblin -->",
        "goblinoid bandit_notes",
    ],
)
def test_ordinary_words_are_not(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize("text", ["three shadows", "the Shadow strikes", "1 tough", "2 Nightmares"])
def test_rare_words_need_a_number_or_a_capital(text: str) -> None:
    assert len(named(text)) == 1


def test_the_two_who_guard_are_bandits() -> None:
    assert named("Two Night Blade bandits (Pelpe and Klive) guard this cavern") == [("Bandit", 2)]


def test_a_mention_says_where_it_stands_and_in_which_words() -> None:
    text = 'Here are two Night Blade _<span class="monster monster-Thug_thug">thugs</span>_ (Victor).'
    (mention,) = load_bestiary().mentions(text)
    assert text[mention.start : mention.end] == mention.words == "thugs"
    assert (mention.count, mention.count_text) == (2, "two")
    assert mention.remark == "Thug (2014) is Tough in the 2024 rules"


def test_dice_are_kept_as_written() -> None:
    (mention,) = load_bestiary().mentions("Come night, 2d6 + 1 ghouls rise.")
    assert (mention.count, mention.count_text, mention.remark) == (8, "2d6 + 1", "")


def test_real_notes(shared: Path) -> None:
    notes = (shared / "corpus" / "night_blade" / "Night_Blade_Locations.md").read_text(encoding="utf-8")
    counted = [
        (mention.creature.name, mention.count)
        for mention in load_bestiary().mentions(notes[: notes.index("##### Gardren the Night Lord")])
        if mention.count
    ]
    assert counted == [
        ("Awakened Tree", 1),
        ("Gargoyle", 1),
        ("Guard", 2),
        ("Bandit", 4),
        ("Stirge", 10),
        ("Bandit", 4),
        ("Tough", 2),
        ("Bandit", 2),
        ("Swarm of Rats", 1),
        ("Bandit Captain", 1),
        ("Bandit", 4),
    ]


@given(
    st.lists(
        st.sampled_from(PIECES),
        max_size=40,
    ).map(" ".join)
    | st.text(max_size=100)
)
def test_mentions_of_any_text_are_in_order_and_true_to_it(text: str) -> None:
    end = 0
    for mention in load_bestiary().mentions(text):
        assert end <= mention.start < mention.end <= len(text)
        assert text[mention.start : mention.end] == mention.words
        assert (mention.count is None) == (mention.count_text == "")
        assert mention.count_text in text
        assert mention.count is None or mention.count >= 1
        end = mention.end


@pytest.mark.benchmark
@pytest.mark.parametrize(
    "piece",
    [
        "Six bandits and a guard captain wait. ",
        "two ",
        "swarm of ",
        "<!-- ",
        "<a ",
        "[](",
        "_",
        "\n",
        " ",
        "'",
        "a-",
        "1",
        "1d",
        "> ",
        "1d100000 wolves ",
        '<span class="monster',
    ],
)
def test_time_is_linear(piece: str) -> None:
    bestiary = load_bestiary()

    def seconds(length: int) -> float:
        text = "a\n" + (piece * length)[:length] + "(1"
        best = 9e9
        for _ in range(3):
            start = time.perf_counter()
            bestiary.mentions(text)
            best = min(best, time.perf_counter() - start)
        return best

    # Twice linear growth, and a floor for clocks: quadratic growth would be sixteenfold.
    assert seconds(80_000) <= 8 * seconds(20_000) + 0.02


_PIECES = (
    "two guard guards Bandit Captain <b> </b> _ <!-- --> https://a.b/guard gob**lin** wolf . 2d4 the ” Lantern".split()
)


@given(st.lists(st.sampled_from([*_PIECES, " ", " ", "\n"]), max_size=20).map("".join))
def test_what_is_passed_over_unread_names_nobody(text: str) -> None:
    lexicon = load_bestiary()._lexicon
    assert lexicon.mentions(text) == list(lexicon._mentions(text))
