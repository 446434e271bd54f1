from __future__ import annotations

import dataclasses
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.rules.difficulty_class import DIFFICULTY_CLASSES
from fablewright.gm.scene.invention import Invention, invent
from fablewright.gm.scene.invention_tables import load_tables

TABLES = load_tables()
PLACES = tuple(TABLES.places)
OCCASIONS = tuple(filter(None, TABLES.occasions))
SKILLS = {
    "Strength": {"Athletics"},
    "Dexterity": {"Acrobatics", "Sleight of Hand", "Stealth"},
    "Intelligence": {"Arcana", "History", "Investigation", "Nature", "Religion"},
    "Wisdom": {"Animal Handling", "Insight", "Medicine", "Perception", "Survival"},
    "Charisma": {"Deception", "Intimidation", "Performance", "Persuasion"},
}
SENTENCE = re.compile("[A-Z\u201c].*[.!?][\u201d]?", re.DOTALL)
OPENING, CLOSING = "\u201c", "\u201d"
NOT_IN_OUR_SCENES = (
    *(
        "shadowy figure",
        "ancient evil",
        "hooded",
        "cloaked",
        "child",
        "children",
        "bloody",
        "for blood",
        "gore",
        "torture",
    ),
    *("corpse", "drown", "rats", "swarm", "spider", "insect", "dungeons", "beholder", "faer", "mind flayer"),
    *("waterdeep", "strahd", "tiamat", "underdark", "neverwinter", "baldur"),
)


def texts(scene: Invention) -> list[str]:
    checks = [text for check in scene.checks for text in (check.purpose, check.success, check.failure)]
    options = [text for option in scene.options for text in (option.action, option.consequence)]
    return [*scene.read_aloud, *scene.here, *checks, *options, *scene.consequences, *scene.loot]


def assert_complete(scene: Invention) -> None:
    assert scene.place in PLACES
    assert scene.title == scene.title.strip() != ""
    assert 2 <= len(scene.read_aloud) <= 4
    assert 3 <= len(scene.here) <= 4
    assert 2 <= len(scene.checks) <= 3
    assert len(scene.options) == 3
    assert len(scene.consequences) == 2
    assert 1 <= len(scene.loot) <= 2
    assert 2 <= len(scene.foes) <= 4
    for check in scene.checks:
        ability, _, skill = check.skill.rstrip(")").partition(" (")
        assert skill in SKILLS[ability]
        assert check.difficulty in DIFFICULTY_CLASSES
    for text in texts(scene):
        assert SENTENCE.fullmatch(text), text
        assert "  " not in text
        assert text.count(OPENING) == text.count(CLOSING), text
        assert not re.search(r"[{}*_]|\b[Aa]n? the\b|\b[Aa] [aeio]|\b[Aa]n [^aehioum]|,,|\.\.", text), text
    assert all(len(set(map(str, part))) == len(part) for part in (scene.options, scene.checks, texts(scene)))


@pytest.mark.parametrize("place", PLACES)
def test_three_hundred_scenes_of_each_place_are_complete(place: str) -> None:
    word = TABLES.places[place]["words"].split(", ")[0]
    for seed in range(300):
        scene = invent(f"a scene at the {word}, please", random.Random(seed))
        assert scene.place == place
        assert_complete(scene)
        assert not re.search(r"\b(\w+) \1\b", " ".join(texts(scene)))
        assert len({check.skill for check in scene.checks}) == len(scene.checks)


@pytest.mark.parametrize("place", PLACES)
def test_each_place_is_reached_by_each_of_its_words(place: str) -> None:
    for word in TABLES.places[place]["words"].split(", "):
        for words in (f"a scene: {word}", f"Give me the {word.title()}!", word.replace("'", "\u2019").upper()):
            assert invent(words, random.Random(1)).place == place, words


@pytest.mark.parametrize("occasion", OCCASIONS)
def test_each_occasion_is_reached_by_each_of_its_words(occasion: str) -> None:
    theirs = {row["title"] for row in TABLES.tensions if row["occasion"] == occasion}
    assert len(theirs) >= 3
    for word in TABLES.occasions[occasion].split(", "):
        titles = [invent(f"{word} in the forest", random.Random(seed)).title for seed in range(20)]
        assert all(any(title.startswith(known) for known in theirs) for title in titles), word


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ("They leave the road and start up the hill to the Lonely Torch.", "ruin"),
        ("They cut through the swamp south of the village instead of taking the road.", "marsh"),
        ("from the village to the old mine", "cave"),
        ("leaving town for the forest", "forest"),
        ("the wizard's tower by the sea", "library"),
        ("keep it short: an inn", "inn"),
        ("they flee out of the burning castle into the sewers", "sewer"),
        ("leave the tavern", "inn"),
    ],
)
def test_the_place_is_where_the_party_is_going(words: str, place: str) -> None:
    assert invent(words, random.Random(3)).place == place


def test_without_a_place_chance_takes_one_of_three() -> None:
    seen = {invent("generate scenario", random.Random(seed)).place for seed in range(60)}
    assert seen == {"road", "village", "ruin"}


def test_a_kind_of_scene_outweighs_that_it_is_the_first() -> None:
    titles = {invent("first encounter: an ambush", random.Random(seed)).title for seed in range(60)}
    ambushes = [row["title"] for row in TABLES.tensions if row["occasion"] == "ambush"]
    assert all(title.startswith(tuple(ambushes)) for title in titles)


def test_the_rest_of_the_party_does_not_rest() -> None:
    titles = {invent("the rest of them are on the road", random.Random(seed)).title for seed in range(80)}
    assert len({title.split(" at ")[0].split(" by ")[0].split(" under ")[0] for title in titles}) > 6


@pytest.mark.parametrize("place", PLACES)
def test_ten_seeds_give_at_least_eight_different_scenes(place: str) -> None:
    scenes = [invent(f"the {TABLES.places[place]['words'].split(', ')[0]}", random.Random(seed)) for seed in range(10)]
    assert len({scene.read_aloud for scene in scenes}) >= 8
    assert len({scene.title for scene in scenes}) >= 8


def test_names_in_the_words_are_used() -> None:
    scene = invent("They start up the hill to the Lonely Torch. Give me the scene", random.Random(5))
    assert scene.title.startswith("The Lonely Torch: ")
    assert "the Lonely Torch" in scene.loot[1]
    assert_complete(scene)
    scene = invent("a parley with Captain Mara near Bree", random.Random(5))
    assert scene.title.startswith("Captain Mara: ")
    assert "Captain Mara" in scene.loot[1]
    scene = invent("an ambush near Bree", random.Random(5))
    assert scene.title.startswith("Bree: ")
    assert not any("Bree" in text for text in texts(scene))


def test_nobody_else_gets_a_name_that_is_taken() -> None:
    words = "the inn of Widukind and Ottoline"
    told = " ".join(text for seed in range(100) for text in texts(invent(words, random.Random(seed))))
    assert "Widukind" not in told
    assert "Ottoline" not in told


def test_nobody_is_named_who_was_not_introduced() -> None:
    people = {*TABLES.women, *TABLES.men}
    for seed in range(300):
        scene = invent("a scene", random.Random(seed))
        named = {name for text in texts(scene) for name in people if re.search(rf"\b{name}\b", text)}
        introduced = {name for name in people if name in scene.here[1]}
        assert named <= introduced, scene.title


def test_foes_are_known_and_go_from_weak_to_strong() -> None:
    bestiary = load_bestiary()
    lists = [names for place in TABLES.places.values() for names in place["people"]]
    lists += [creatures["names"] for place in TABLES.places.values() for creatures in place["wild"]]
    for names in lists:
        found = [bestiary.find(name) for name in names]
        assert [finding.creature.name for finding in found if finding] == names
        ratings = [finding.creature.cr for finding in found if finding]
        assert ratings == sorted(ratings)
        assert 2 <= len(names) <= 4


def test_tables_are_rich_and_evenly_written() -> None:
    assert len(PLACES) >= 12
    assert {row["occasion"] for row in TABLES.tensions} == set(OCCASIONS)
    for place in TABLES.places.values():
        assert len(place["features"]) >= 4
        assert len(place["senses"]) >= 5
        assert len(place["people"]) == len(place["wild"]) == 2
    words = Counter(word for place in TABLES.places.values() for word in place["words"].split(", "))
    words.update(word for listed in TABLES.occasions.values() for word in listed.split(", "))
    assert max(words.values()) == 1
    assert all(word == word.casefold().strip() for word in words)


def test_prose_is_ours_and_fit_for_the_family_table() -> None:
    tables = {key: value for key, value in json.loads(data()).items() if key != "occasions"}
    for place in tables["places"].values():
        del place["words"]
    prose = json.dumps(tables, ensure_ascii=False).casefold()
    assert [phrase for phrase in NOT_IN_OUR_SCENES if phrase in prose] == []


def data() -> str:
    return (files("fablewright.gm.scene") / "data" / "invention.json").read_text(encoding="utf-8")


def test_prose_is_typeset() -> None:
    strings = re.findall(r'"((?:[^"\\]|\\.)*)"', data())
    assert not any("\\" in text for text in strings)
    assert [text for text in strings if "'" in text and "{" in text] == []


def test_equal_seeds_give_equal_scenes() -> None:
    for seed in range(50):
        words = "a riddle in the crypt of Saint Ambrose"
        assert invent(words, random.Random(seed)) == invent(words, random.Random(seed))


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_scenes_do_not_depend_on_the_hash_seed(hash_seed: str) -> None:
    script = (
        "import random; from fablewright.gm.scene.invention import invent;"
        "print(ascii([invent(w, random.Random(s)) "
        "for w in ('', 'ambush at the inn of Captain Mara') for s in range(20)]))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    here = [invent(w, random.Random(s)) for w in ("", "ambush at the inn of Captain Mara") for s in range(20)]
    assert told.strip() == ascii(here)


@pytest.mark.parametrize(
    "words",
    [
        *("", " \n\t", "a" * 10_000, "Ab " * 5_000, "the " * 5_000, "\U0001f409\U0001f525 the inn \U0001f37a"),
        *(
            "{title}",
            "{woman} {0} {} {{name}}",
            "to the {Lonely Torch}",
            "(?P<x>.*)+[\\",
            "%s %d %(name)s",
            "\0\x1b[31m",
        ),
        *("to the {name} Lonely Torch", "$HOME `id` ${x}", "the Lonely {man}", "\ud800", "\u202einn", "'" * 5_000),
    ],
    ids=lambda words: ascii(words[:20]),
)
def test_hostile_words_break_nothing_and_stay_out(words: str) -> None:
    for seed in range(10):
        scene = invent(words, random.Random(seed))
        assert_complete(scene)
        assert not re.search(r"[{}%$`\\\0\x1b\ud800\u202e]", scene.title + "".join(texts(scene)))


@given(st.text(max_size=300), st.integers())
def test_any_words_give_a_complete_scene(words: str, seed: int) -> None:
    assert_complete(invent(words, random.Random(seed)))


@given(
    st.lists(
        st.sampled_from(
            [
                "the",
                "Lonely",
                "Torch",
                "of",
                "Captain",
                "Mara's",
                "inn",
                "leave",
                "from",
                "first",
                "encounter",
                "{at}",
                "A",
                ".",
                ",",
            ]
        ),
        max_size=30,
    )
)
def test_words_in_any_order_give_a_tidy_title(words: list[str]) -> None:
    scene = invent(" ".join(words), random.Random(0))
    assert_complete(scene)
    assert re.fullmatch(r"[A-Z][\w \u2019'-]*(?:: [A-Z].*)?|[A-Z].*", scene.title)
    assert not re.search(r"[{}.]|  |^The (?:the|of)\b|\bof:", scene.title)


def test_scenes_are_values() -> None:
    scene = invent("", random.Random(0))
    with pytest.raises(dataclasses.FrozenInstanceError):
        scene.title = "x"  # type: ignore[misc]
    assert hash(scene) == hash(invent("", random.Random(0)))
