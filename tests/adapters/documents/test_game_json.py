from __future__ import annotations

import io
import json

import pytest

from fablewright.adapters.documents.foundry import plain_marks
from fablewright.adapters.documents.game_json import convert
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source
from fablewright.gm.reading.links import links_of


def read(content: object) -> Converted:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return convert(Source(io.BytesIO(data), len(data), lambda: None, 1_000_000))


def test_a_lorebook() -> None:
    book = {
        "name": "Thole and around",
        "entries": {
            "1": {"uid": 1, "order": 20, "key": ["Osric"], "comment": "", "content": "A miller.\n\n# Debts\n\nMany."},
            "0": {"uid": 0, "order": 10, "key": ["Thole", "the town"], "comment": "Thole", "content": "A town."},
            "2": {"uid": 2, "key": ["ghost"], "content": "A ghost.", "disable": True},
            "3": {"uid": 3, "order": 30, "key": ["nothing"], "content": ""},
        },
    }
    found = read(book)
    assert found.text == (
        "# Thole and around\n\n## Thole\n\nAlso called: the town.\n\nA town.\n\n"
        "## Osric\n\nA miller.\n\n### Debts\n\nMany.\n"
    )
    assert found.remark == "left out, because switched off: 1 of 3"


def test_the_lorebook_of_a_character_card() -> None:
    entries = [
        {"keys": ["mill"], "name": "Mill", "content": "It turns.", "enabled": True, "insertion_order": 2},
        {"keys": ["weir"], "content": "Wet.", "enabled": True, "insertion_order": 1},
        {"keys": ["x"], "content": "Gone.", "enabled": False, "insertion_order": 0},
    ]
    card = {"spec": "chara_card_v2", "data": {"name": "Ann", "character_book": {"entries": entries}}}
    assert read(card).text == "## weir\n\nWet.\n\n## Mill\n\nIt turns.\n"


def test_a_journal_with_pages() -> None:
    journal = {
        "name": "The Mill",
        "pages": [
            {"name": "Map", "type": "image", "sort": 30, "src": "m.webp", "image": {"caption": "The mill from above"}},
            {"name": "Song", "type": "video", "sort": 40},
            {
                "name": "Cellar",
                "type": "text",
                "sort": 20,
                "title": {"show": True, "level": 2},
                "text": {
                    "format": 1,
                    "content": "<h1>Water</h1><p>See @UUID[JournalEntry.a.JournalEntryPage.b]{Osric}.</p>"
                    '<section class="secret"><p>He drowned.</p></section>',
                },
            },
            {"name": "Yard", "type": "text", "sort": 10, "text": {"format": 2, "markdown": "# Well\n\nDry."}},
        ],
    }
    found = read(journal)
    assert found.text == (
        "# The Mill\n\n## Yard\n\n### Well\n\nDry.\n\n### Cellar\n\n#### Water\n\nSee [[Osric]].\n\n"
        "> [!secret] GM only\n>\n> He drowned.\n\n## Map\n\nThe mill from above\n"
    )
    assert found.remark == "left out, because they are no text: 1 of 4 pages"
    assert [link.target for link in links_of(found.text, "mill.json").targets] == ["Osric"]


@pytest.mark.parametrize("wrap", [lambda entry: entry, lambda entry: [entry], lambda entry: {"journal": [entry]}])
def test_an_old_journal_with_content(wrap: object) -> None:
    entry = {"name": "The Mill", "content": "<p>@JournalEntry[x]{Thole} is near.</p>", "img": ""}
    assert read(wrap(entry)).text == "# The Mill\n\n[[Thole]] is near.\n"  # type: ignore[operator] # a function


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("@UUID[JournalEntry.x]{Thole}", "[[Thole]]"),
        ("@UUID[Compendium.world.notes.JournalEntry.x]{Thole}", "[[Thole]]"),
        ("@UUID[Actor.x]{Goblin}", "Goblin"),
        ("@UUID[Actor.x]", ""),
        ("@Actor[x]{Goblin}", "Goblin"),
        ("[[/r 2d6+3]]", "2d6+3"),
        ("[[/roll 1d20 # luck]]{Luck}", "Luck"),
        ("[[/check skill=perception dc=15]]", "DC 15 Perception check"),
        ("[[/save dex]]", "dex"),
        ("@Check[type:sleight-of-hand|dc:12]", "DC 12 Sleight Of Hand check"),
        ("@Check[fortitude]", "fortitude"),
        ("me@example.org [[Thole]]", "me@example.org [[Thole]]"),
    ],
)
def test_marks_are_put_into_words(mark: str, words: str) -> None:
    assert plain_marks(mark) == words


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"[1,\n2", "no valid JSON .line 2"),
        (b"\xff\xfe\xff", "not a text file"),
        (b"{}", "no SillyTavern lorebook and no Foundry journal"),
        (b"[]", "no SillyTavern"),
        (b"3", "no SillyTavern"),
        (b'{"name": "Goblin", "type": "npc", "content": "x"}', "no SillyTavern"),
        (b'{"entries": [1, 2]}', "no SillyTavern"),
        (b'{"entries": {"a": {"title": "x"}}}', "no SillyTavern"),
    ],
)
def test_what_holds_no_notes(content: bytes, why: str) -> None:
    with pytest.raises(RefusedDocument, match=why):
        read(content)


@pytest.mark.parametrize(
    "content",
    [
        {"name": "x", "pages": [1, None, {"name": 3, "text": "no", "title": 5, "sort": "z", "image": []}, []]},
        {"entries": [{"content": 5, "key": "no", "keys": [1], "comment": [], "order": True}]},
    ],
)
def test_values_of_the_wrong_kind_are_passed_over(content: object) -> None:
    assert read(content).text in {"# x\n", ""}
