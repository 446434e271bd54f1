"""Each format held to what its program reads: schemas and grammars of our own, made from the programs' sources.

The scene has everything in it, and every text in it tries to break out of where it stands.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import jsonschema
import pypdfium2
import pytest
import yaml

from fablewright.adapters.exports import pdf
from fablewright.adapters.exports.formats import export_files, read_export
from fablewright.adapters.exports.foundry_actor import actor, compendium_uuid
from fablewright.adapters.exports.html import write_html
from fablewright.errors import FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.answer import Answer
from fablewright.gm.reading.notes import Passage
from fablewright.gm.rules.bestiary import load_bestiary
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

if TYPE_CHECKING:
    from pathlib import Path

    from fablewright.adapters.exports.formats import Format

BESTIARY = load_bestiary()
NASTY = (
    '}} {{note x}} --> </section></li></style><script>alert("1")</script> ``` --- %% ==x== [[/roll 99d6]] '
    "@UUID[Actor.a]{b} [[Note]] | : # \\page \u202e §* {{ 2d6 fire damage `x` $y$ &amp; <img src=http://example.com/x>"
)


def line(text: str = NASTY, *, secret: bool = False) -> Line:
    return Line(text, Origin.QUOTED, (0, 1), secret=secret)


SCENE = Scene(
    title=line("The mill: " + NASTY),
    read_aloud=(line(), line("```")),
    here=(line(), line(secret=True), line("- 1. text")),
    checks=(
        Check("Wisdom (Perception)", 13, line(), line(), line(secret=True), Origin.FROM_NOTES, (0,)),
        Check("Constitution saving throw", 12, None, None, None, Origin.BY_RULE),
        Check(NASTY, 15, None, None, None, Origin.INVENTED, secret=True),
    ),
    foes=(
        Foe("Goblin Warrior", 4, 0.25, 50, NASTY, Origin.FROM_NOTES, (0,)),
        Foe("Adult Red Dragon", 1, 17.0, 18000, "", Origin.FROM_NOTES, (0,)),
        Foe(NASTY, None, None, None, "", Origin.INVENTED, secret=True),
    ),
    balance=(Line("200 XP § is low.", Origin.BY_RULE),),
    options=(Option(line(), line()), Option(line())),
    consequences=(line(),),
    loot=(line(),),
)
ANSWER = Answer(
    "scene",
    "degraded",
    SCENE,
    citations=(
        Passage(NASTY, "notes/The mill.md", ("The mill", "A: b | c [d]"), 0, 9),
        Passage("x", 'odd "name" #1.pdf', (), 0, 1, page=3),
    ),
    missing=(NASTY,),
)


def exported(form: Format, answer: Answer = ANSWER, **how: Any) -> dict[str, str]:
    return {name: content.decode() for name, content in export_files(form, answer, BESTIARY, **how).items()}


def text_of(form: Format) -> str:
    [text] = exported(form).values()
    return text


# -------------------------------------------------------------- Foundry

ID = {"type": "string", "pattern": "^[A-Za-z0-9]{16}$"}
STATS = {
    "type": "object",
    "required": ["systemId", "systemVersion", "coreVersion"],
    "properties": {"systemId": {"const": "dnd5e"}, "coreVersion": {"pattern": r"^1[34]\.\d+$"}},
}
OWNERSHIP = {"type": "object", "required": ["default"], "additionalProperties": {"enum": [-1, 0, 1, 2, 3]}}
PAGE = {
    "type": "object",
    "required": [
        "_id",
        "name",
        "type",
        "title",
        "text",
        "image",
        "video",
        "src",
        "system",
        "sort",
        "ownership",
        "flags",
    ],
    "properties": {
        "_id": ID,
        "name": {"type": "string", "minLength": 1},
        "type": {"const": "text"},
        "title": {"type": "object", "properties": {"show": {"type": "boolean"}, "level": {"enum": [1, 2, 3]}}},
        "text": {
            "type": "object",
            "properties": {"format": {"const": 1}, "content": {"type": "string", "minLength": 1}},
        },
        "ownership": OWNERSHIP,
    },
}
JOURNAL = {
    "type": "object",
    "required": ["_id", "name", "folder", "categories", "sort", "ownership", "flags", "pages", "_stats"],
    "properties": {
        "_id": ID,
        "name": {"type": "string", "minLength": 1},
        "ownership": OWNERSHIP,
        "pages": {"type": "array", "items": PAGE, "minItems": 1},
        "_stats": STATS,
    },
}
ACTOR = {
    "type": "object",
    "required": ["_id", "name", "type", "system", "items", "effects", "prototypeToken", "_stats", "ownership", "flags"],
    "properties": {"_id": ID, "type": {"enum": ["npc", "encounter"]}, "_stats": STATS},
}
NPC = {
    "type": "object",
    "required": ["abilities", "attributes", "details", "traits", "source"],
    "properties": {
        "abilities": {
            "required": ["str", "dex", "con", "int", "wis", "cha"],
            "additionalProperties": {"properties": {"value": {"type": "integer", "minimum": 1, "maximum": 30}}},
        },
        "attributes": {
            "properties": {
                "ac": {"properties": {"flat": {"type": "integer"}, "calc": {"const": "flat"}}},
                "hp": {"properties": {"formula": {"pattern": r"^\d+d\d+([+-]\d+)?$"}, "max": {"type": "integer"}}},
                "movement": {
                    "properties": {
                        "hover": {"type": "boolean"},
                        **{way: {"pattern": r"^\d+$"} for way in ("walk", "fly", "swim", "climb", "burrow")},
                    },
                    "additionalProperties": False,
                },
            }
        },
        "details": {"properties": {"cr": {"type": "number"}, "type": {"required": ["value", "subtype"]}}},
        "traits": {"properties": {"size": {"enum": ["tiny", "sm", "med", "lg", "huge", "grg"]}}},
    },
}
ENCOUNTER = {
    "type": "object",
    "required": ["members"],
    "properties": {
        "members": {
            "type": "array",
            "items": {
                "required": ["uuid", "quantity"],
                "properties": {
                    "uuid": {"pattern": r"^Compendium\.dnd5e\.actors24\.Actor\.[A-Za-z0-9]{16}$"},
                    "quantity": {"properties": {"value": {"type": "integer", "minimum": 1}}},
                },
            },
        }
    },
}


def test_foundrys_documents_are_what_it_imports() -> None:
    files = {name: json.loads(text) for name, text in exported("foundry").items()}
    assert set(files) == {"journal.json", "actor-goblin-warrior.json", "actor-adult-red-dragon.json", "encounter.json"}
    jsonschema.validate(files["journal.json"], JOURNAL)
    assert files["journal.json"]["ownership"] == {"default": 0}
    for name, content in files.items():
        if name != "journal.json":
            jsonschema.validate(content, ACTOR)
            jsonschema.validate(content["system"], ENCOUNTER if name == "encounter.json" else NPC)
    assert [member["quantity"]["value"] for member in files["encounter.json"]["system"]["members"]] == [4, 1]
    assert files["encounter.json"]["system"]["members"][0]["uuid"].endswith(".mmGoblinWarrior0")


def test_every_creature_is_an_actor_and_has_its_place_in_the_compendium() -> None:
    for creature in BESTIARY.creatures:
        document = json.loads(json.dumps(actor(creature)))
        jsonschema.Draft202012Validator(ACTOR).validate(document)
        jsonschema.Draft202012Validator(NPC).validate(document["system"])
    assert len({compendium_uuid(each) for each in BESTIARY.creatures}) == len(BESTIARY.creatures)


ENRICHER = re.compile(r"\[\[/(?:check|save|damage) [a-z0-9= +-]+\]\]\{[^{}\[\]]+\}|@UUID\[[\w.]+\]\{[^{}\[\]]+\}")


def test_foundrys_text_rolls_what_we_say_and_nothing_else() -> None:
    content = json.loads(exported("foundry")["journal.json"])["pages"][0]["text"]["content"]
    assert "[[/check ability=wis skill=prc dc=13]]{Wisdom (Perception), DC 13}" in content
    assert "[[/save con dc=12]]{Constitution saving throw, DC 12}" in content
    assert "[[/damage 2d6 fire]]{2d6 fire damage}" in content
    assert "@UUID[Compendium.dnd5e.actors24.Actor.mmGoblinWarrior0]{Goblin Warrior}" in content
    assert not re.search(r"\[\[|@\w+\[", ENRICHER.sub("", content))
    assert content.count('<section class="secret">') == 4
    assert_well_formed(content)


def test_the_players_journal_may_be_read_by_them_and_has_no_actors() -> None:
    files = exported("foundry", players=True)
    assert set(files) == {"journal.json"}
    assert json.loads(files["journal.json"])["ownership"] == {"default": 2}


# -------------------------------------------------------------- SillyTavern

ENTRY = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "uid",
        "key",
        "keysecondary",
        "comment",
        "content",
        "constant",
        "selective",
        "order",
        "position",
        "disable",
    ],
    "properties": {
        "uid": {"type": "integer"},
        "key": {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        "content": {"type": "string", "minLength": 1},
        "comment": {"type": "string"},
        **{
            name: {"type": "boolean"}
            for name in "constant vectorized selective addMemo disable excludeRecursion preventRecursion".split()
        },
        "useProbability": {"type": "boolean"},
        **{name: {"type": "integer"} for name in "selectiveLogic order position probability depth role".split()},
        **{
            name: {}
            for name in "keysecondary group scanDepth caseSensitive matchWholeWords sticky cooldown delay".split()
        },
    },
}


def test_a_lorebook_is_what_sillytavern_imports() -> None:
    book = json.loads(text_of("sillytavern"))
    jsonschema.validate(book, {"required": ["entries"], "properties": {"entries": {"additionalProperties": ENTRY}}})
    assert list(book["entries"]) == [str(entry["uid"]) for entry in book["entries"].values()]
    scene, secrets, *notes = book["entries"].values()
    assert "Goblin Warrior" in scene["key"]
    assert secrets["comment"].endswith("(GM only)")
    assert [note["key"][0] for note in notes] == ["The mill", 'odd "name" #1']


# -------------------------------------------------------------- Obsidian


def blocks(text: str) -> list[tuple[str, str]]:
    """Return fenced blocks as Markdown finds them: a fence begins a line."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_an_obsidian_note_has_front_matter_and_blocks_that_its_plugins_read() -> None:
    text = text_of("obsidian")
    _, front, body = re.split(r"^---$\n?", text, maxsplit=2, flags=re.MULTILINE)
    matter = yaml.safe_load(front)
    assert set(matter) == {"title", "tags", "sources"}
    assert matter["sources"] == ["[[notes/The mill]]", '[[odd "name" 1.pdf]]']
    encounter, *stat_blocks = [(kind, yaml.safe_load(block)) for kind, block in blocks(body)]
    assert encounter[0] == "encounter"
    assert encounter[1]["creatures"][:2] == [{4: "Goblin Warrior, 10, 15, 2"}, {1: "Adult Red Dragon, 256, 19, 12"}]
    for kind, block in stat_blocks:
        assert kind == "statblock"
        assert block["layout"] == "Basic 5e Layout"
        assert len(block["stats"]) == 6
        assert isinstance(block["cr"], str)
    assert "No stat block" in body


def test_an_obsidian_note_says_only_what_we_say() -> None:
    body, _, comment = text_of("obsidian").partition("\n%%\n")
    outside = re.sub(r"^(?:```.*?^```$|---\n.*?^---$)", "", body, flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\[\[([^\]]+)\]\]", outside)
    assert links
    assert all(re.fullmatch(r"(?:notes/The mill#A b c d|odd \"name\" 1\.pdf#page=3)\|\d", link) for link in links)
    tamed = re.sub(r"\\[!-/:-@\[-`{-~]|\[\[[^\]]+\]\]", "", outside)
    assert not re.search(r"<|`|==|%%|\[\[|\$", tamed)
    assert "> [!quote] Read aloud\n> " in outside
    assert comment.endswith("%%\n")


# -------------------------------------------------------------- Homebrewery


def test_a_brew_begins_with_its_metadata_and_closes_every_block() -> None:
    text = text_of("homebrewery")
    match = re.match(r"```metadata\n(?P<yaml>.*?\n)```\n\n```css\n.*?\n```\n\n", text, re.DOTALL)
    assert match
    metadata = yaml.safe_load(match["yaml"])
    assert {"title", "description", "tags", "renderer", "theme"} <= set(metadata)
    assert (metadata["renderer"], metadata["theme"]) == ("V3", "5ePHB")
    body, _, data = text[match.end() :].partition("<!--")
    depth = 0
    for sign in re.findall(r"\{\{|\}\}", body):
        depth += 1 if sign == "{{" else -1
        assert 0 <= depth <= 2
    assert depth == 0
    assert body.count("{{monster,frame\n") == 2
    assert body.count("{{descriptive\n") == 1
    assert not re.search(r"<|^```", body, re.MULTILINE)
    assert all(row in {"\\page", ""} for row in re.findall(r"^\\.*$", body, re.MULTILINE))
    assert data.endswith("-->\n")
    assert data.count("-->") == 1


# -------------------------------------------------------------- HTML and PDF

VOID = {"meta", "br", "img", "link", "hr", "input"}


def assert_well_formed(html: str) -> None:
    """Every element is closed where it should be, and there is none that does or fetches something."""

    class Checker(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in {"script", "img", "link", "iframe", "object", "form", "base"}, tag
            assert not [name for name, _ in attrs if name in {"src", "href", "style"} or name.startswith("on")]
            if tag not in VOID:
                self.open.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.open.pop() == tag

    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []


def test_the_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    page = text_of("html")
    assert_well_formed(page)
    assert "default-src 'none'" in page
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style
    assert not re.search(r"url\(|@import|https?:", style[1])
    assert "@media print" in style[1]
    assert page.count('class="secret"') + page.count(' secret"') >= 4
    assert "size: letter" in write_html(ANSWER, BESTIARY, paper="letter")


def printed(content: bytes) -> str:
    with pypdfium2.PdfDocument(content) as document:
        return "".join(page.get_textpage().get_text_range() for page in document)


needs_browser = pytest.mark.skipif(pdf.find_browser() is None, reason="no Chromium is installed here")


@needs_browser
@pytest.mark.parametrize(("paper", "points"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_a_pdf_is_printed_on_its_paper_and_carries_the_scene(paper: str, points: tuple[int, int]) -> None:
    [content] = export_files("pdf", ANSWER, BESTIARY, paper=paper).values()
    assert read_export(content, BESTIARY) == ANSWER
    with pypdfium2.PdfDocument(content) as document:
        assert tuple(round(side) for side in document[0].get_size()) == points
    assert "Goblin Warrior" in printed(content)
    assert "<script>" in printed(content)  # as letters


@needs_browser
def test_a_players_pdf_has_no_secret_in_it() -> None:
    planted = replace(
        SCENE, title=line("The mill"), here=(line("PLANTED", secret=True),), read_aloud=(line("A wheel."),)
    )
    [content] = export_files("pdf", replace(ANSWER, scene=planted), BESTIARY, players=True).values()
    read = read_export(content, BESTIARY)
    assert "PLANTED" not in printed(content)
    assert b"PLANTED" not in content
    assert read.scene == Scene(Line("The mill", Origin.QUOTED), (Line("A wheel.", Origin.QUOTED),))


def test_without_a_browser_it_is_said_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(MissingExtra, match="Export html instead"):
        export_files("pdf", ANSWER, BESTIARY)


def test_a_browser_that_does_not_print_is_an_error_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(pdf, "find_browser", lambda: broken)
    with pytest.raises(FablewrightError, match=r"chromium did not print the page: cannot open display\. Export html"):
        export_files("pdf", ANSWER, BESTIARY)
    broken.write_text("#!/bin/sh\nexec sleep 5\n")
    monkeypatch.setattr(pdf, "_PATIENCE", 0.2)
    with pytest.raises(FablewrightError, match="did not print the page"):
        export_files("pdf", ANSWER, BESTIARY)


def test_a_pdf_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with pypdfium2.PdfDocument.new() as document:
        document.new_page(100, 100)
        document.save(tmp_path / "other.pdf")
    with pytest.raises(InvalidInput, match="No scene is attached to this PDF"):
        read_export((tmp_path / "other.pdf").read_bytes(), BESTIARY)


@needs_browser
def test_a_real_browser_runs_nothing_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(text_of("html"), encoding="utf-8")
    command = [
        str(pdf.find_browser()),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'p'}",
    ]
    shown = subprocess.run(
        [*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    assert "<script" not in shown.stdout
    assert "<img" not in shown.stdout
    assert "&lt;script&gt;alert" in shown.stdout
