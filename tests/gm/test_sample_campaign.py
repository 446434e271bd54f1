from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

import pytest

FOLDER = files("fablewright") / "sample_campaign"
NOTES = {entry.name: entry.read_bytes() for entry in FOLDER.iterdir() if entry.name.endswith(".md")}
TEXTS = {name: data.decode("utf-8") for name, data in NOTES.items()}
FIRST = "First encounter.md"

BESTIARY = files("fablewright") / "gm" / "rules" / "data" / "creatures_2024.json"
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
PRODUCT_IDENTITY = (
    *("baldur", "barovia", "beholder", "carrion crawler", "displacer beast", "drizzt", "dungeons & dragons"),
    *("eberron", "elminster", "faerun", "faerûn", "forgotten realms", "githyanki", "githzerai", "greyhawk"),
    *("illithid", "kuo-toa", "mind flayer", "mordenkainen", "neverwinter", "ravenloft", "slaad", "strahd"),
    *("sword coast", "tiamat", "umber hulk", "vecna", "waterdeep", "yuan-ti"),
)


def words(text: str) -> int:
    return len(re.findall(r"\S*\w\S*", text))


def section(text: str, heading: str) -> str:
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert match, f"no section {heading!r}"
    return match[1]


def headings(text: str) -> set[str]:
    return set(re.findall(r"^#{1,6} (.+?)\s*$", text, re.MULTILINE))


def names_of_notes() -> dict[str, str]:
    """What a wikilink may call a note, in lower case as Obsidian compares: file names and aliases."""
    names = {}
    for file, text in TEXTS.items():
        names[file.removesuffix(".md").lower()] = file
        aliases = re.search(r"\A---\n(?:.*\n)*?aliases: \[(.*)\]\n(?:.*\n)*?---\n", text)
        for alias in aliases[1].split(",") if aliases else []:
            names[alias.strip().lower()] = file
    return names


def counted_creatures(text: str) -> list[tuple[int, str]]:
    """The foes as notes write them: a number word and a name in bold, "**two toughs**"."""
    pattern = rf"\*\*({'|'.join(NUMBERS)}) ([^*]+)\*\*"
    return [(NUMBERS[n.lower()], name) for n, name in re.findall(pattern, text, re.IGNORECASE)]


@pytest.fixture(scope="module")
def creatures() -> dict[str, dict[str, Any]]:
    if not BESTIARY.is_file():
        pytest.skip("the package holds no gm/rules/data/creatures_2024.json yet: the foes cannot be looked up")
    found = {row["name"].lower(): row for row in json.loads(BESTIARY.read_text(encoding="utf-8"))}
    return found | {f"{name}s": row for name, row in found.items()}


def test_the_notes_ship_with_the_package() -> None:
    assert 7 <= len(NOTES) <= 9
    assert FIRST in NOTES
    assert {entry.name for entry in FOLDER.iterdir()} - {"__pycache__"} == set(NOTES), "notes and nothing else"


@pytest.mark.parametrize("file", sorted(NOTES))
class TestEachNote:
    def test_is_short(self, file: str) -> None:
        assert 100 <= words(TEXTS[file]) <= 600

    def test_is_plain_utf8_with_unix_line_ends(self, file: str) -> None:
        assert b"\r" not in NOTES[file]
        assert not NOTES[file].startswith(b"\xef\xbb\xbf")
        assert NOTES[file].endswith(b"\n")

    def test_names_nothing_that_belongs_to_others(self, file: str) -> None:
        text = f"{file}\n{TEXTS[file]}".lower()
        assert [name for name in PRODUCT_IDENTITY if name in text] == []

    def test_links_only_to_what_exists(self, file: str) -> None:
        known = names_of_notes()
        for link in re.findall(r"\[\[([^\]|]+)(?:\|[^\]]*)?\]\]", TEXTS[file]):
            note, _, heading = link.partition("#")
            target = known.get(note.lower()) if note else file
            assert target, f"[[{link}]]: no such note"
            assert not heading or heading in headings(TEXTS[target]), f"[[{link}]]: no such heading"

    def test_counts_only_creatures_of_the_srd(self, file: str, creatures: dict[str, dict[str, Any]]) -> None:
        assert [name for _, name in counted_creatures(TEXTS[file]) if name.lower() not in creatures] == []


def test_the_notes_come_in_the_forms_that_real_vaults_have() -> None:
    everything = "\n".join(TEXTS.values())
    forms = {
        "front matter": r"\A---\n",
        "alias": r"^aliases: ",
        "wikilink": r"\[\[[^\]]+\]\]",
        "wikilink with another text": r"\[\[[^\]]+\|[^\]]+\]\]",
        "read-aloud callout": r"^> \[!quote\] Read aloud$",
        "plain blockquote": r"\n\n> [A-Z]",
        "callout for the GM": r"^> \[!warning\] GM only$",
        "table": r"^\|---\|",
        "Obsidian comment": r"%% .+ %%",
        "tag in the text": r" #[a-z]+$",
        "character that is no single byte": r"[^\x00-\x7f]",
    }
    assert [form for form, pattern in forms.items() if not re.search(pattern, everything, re.MULTILINE)] == []


def test_the_first_encounter_says_that_it_is_the_first() -> None:
    assert "# First encounter" in TEXTS[FIRST]
    assert "first encounter of the campaign" in TEXTS[FIRST]


def test_the_first_encounter_has_four_to_six_foes() -> None:
    assert 4 <= sum(number for number, _ in counted_creatures(section(TEXTS[FIRST], "Foes"))) <= 6


def test_the_first_encounter_is_low_to_moderate_for_four_of_level_two(
    creatures: dict[str, dict[str, Any]],
) -> None:
    foes = section(TEXTS[FIRST], "Foes")
    xp = sum(number * creatures[name.lower()]["xp"] for number, name in counted_creatures(foes))
    assert 400 <= xp <= 600
    assert f"{xp} XP" in foes, "the note states what the table says"


def test_the_checks_of_the_first_encounter_say_what_success_and_failure_bring() -> None:
    checks = section(TEXTS[FIRST], "Checks").strip().splitlines()
    assert len(checks) >= 3
    for check in checks:
        assert re.match(r"- \*\*[A-Z][a-z]+ \([A-Z][A-Za-z ]+\) DC \d+\*\*", check), check
        assert "on a success" in check, check
        assert "on a failure" in check, check


def test_every_secret_is_marked_and_its_note_is_for_the_gm() -> None:
    text = TEXTS["Secrets.md"]
    assert re.match(r"---\n(?:.*\n)*?tags: \[gm-only\]\n", text)
    for line in section(text, "What is true").strip().splitlines():
        assert re.match(r"- \*\*SECRET \d+\.\*\* ", line), line


def test_what_the_secrets_tell_stays_out_of_the_open_parts_of_other_notes() -> None:
    for file, text in TEXTS.items():
        if file != "Secrets.md":
            in_the_open = re.sub(r"^> \[!warning\] GM only\n(?:>.*\n?)*", "", text, flags=re.MULTILINE)
            assert "Pru Marrable is dead" not in in_the_open
            assert "Tallyman" not in in_the_open
