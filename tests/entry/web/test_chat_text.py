"""An answer as Markdown: what it says, and that nothing out of the notes is markup."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fablewright.entry.web.chat_text import ChatText
from fablewright.gm.answer import Answer
from fablewright.gm.exporting.visible import visible
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
"""As chat programs have it: what HTML is let through runs."""
PASSAGE = Passage("text", "Ferry.md", ("Ferry",), 0, 4)


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(answer: Answer) -> Page:
    return Page(MARKDOWN.render("".join(ChatText(answer).parts())))


def test_each_part_stands_for_itself_and_sources_are_numbered_as_they_are_read(full_answer: Answer) -> None:
    parts = list(ChatText(full_answer).parts())
    assert all(part.endswith("\n\n") for part in parts)
    assert parts[0].startswith("## First encounter: the Small Change robs the queue [1]")
    assert [part.split("\n")[0] for part in parts[1:]][:3] == ["### Read aloud", "### What is here", "### Checks"]
    assert "\n- **GM only:** The pennies go " in parts[2]
    assert parts[3].count("[2]") == 2, "what hangs on a check has its sources"
    assert "1 × Spy (CR 1, 200 XP) [3]\n   - *Who:* Fenwick Tull; wants the tin, not a fight\n" in parts[4]
    foot = "".join(parts[-2:])
    assert foot.startswith("**Sources**\n\n1. First encounter.md › First encounter")
    assert "\\* invented, not in your notes" in foot


def test_a_card_has_labels_and_keeps_its_secret_apart() -> None:
    lines = (
        Line("Ada Voss, ferrywoman", Origin.INVENTED),
        Line("Look: grey; tall.", Origin.INVENTED),
        Line("Secret: can swim.", Origin.INVENTED, secret=True),
    )
    text = "".join(ChatText(Answer("npc", "answered", lines=lines)).parts())
    assert "## Ada Voss, ferrywoman\\*\n\n- **Look:** grey; tall.\\*\n- **GM only:** **Secret:** can swim.\\*" in text


def test_what_is_missing_is_said() -> None:
    answer = Answer("question", "abstained", lines=(Line("Your notes do not say.", Origin.INVENTED),), missing=("No.",))
    assert "".join(ChatText(answer).parts()) == "Your notes do not say.\n\n*Missing:*\n- No.\n\n"


def test_what_comes_in_a_models_words_comes_behind(full_answer: Answer) -> None:
    text = ChatText(full_answer)
    list(text.parts())
    assert full_answer.scene is not None
    retold = Line("The queue hums.", Origin.RETOLD, (5,))
    scene = replace(full_answer.scene, read_aloud=(retold,))
    written = replace(full_answer, scene=scene, citations=(*full_answer.citations, replace(PASSAGE, file="New.md")))
    assert list(text.later(written, "read_aloud", "ollama *7b*")) == [
        "### Read aloud, by ollama \\*7b\\*\n\n> The queue hums.\\~ [5]\n\n",
        "**Sources**\n\n5. New.md › Ferry\n\n",
        "*\\~ your notes in a model's words*\n\n",
    ]
    assert list(text.later(written, "read_aloud", "x")) == [], "said once"


NASTY = st.sampled_from(
    [
        *[
            "![x](http://e.example/p)",
            "<img src=x onerror=y>",
            "[a](javascript:b)",
            "**",
            "`",
            "# ",
            "> ",
            "1. ",
            "- ",
            "|",
        ],
        *[
            "<script>",
            "&lt;",
            "\\",
            "]",
            "[",
            "(http://e.example)",
            "~~",
            "$",
            "\n\n",
            "a ",
            "é",
            "[1]: http://e.example",
        ],
    ]
)


@given(st.lists(NASTY, min_size=1, max_size=8).map("".join))
def test_nothing_out_of_the_notes_is_markup(text: str) -> None:
    if not visible(text):
        return
    line = Line(text, Origin.QUOTED, (0,))
    page = shown(Answer("question", "answered", lines=(line, line), citations=(PASSAGE,)))
    assert set(page.tags) <= {"ul", "li", "p", "strong", "ol", "em"}
    assert page.text.count(visible(text)) >= 2
    assert page.tags.count("li") == 3
