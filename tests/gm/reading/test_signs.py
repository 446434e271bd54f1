"""Where a sign is looked for before a text is read closely: the slow way, without the look, says the same."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fablewright.gm.questions.asked import _SHORT_FORMS, plain_words
from fablewright.gm.reading import searchable as words
from fablewright.gm.reading import secrecy

_MARKS = (
    *(
        "\n",
        "\n\n",
        " ",
        "\t",
        "*",
        "**",
        "_",
        "__",
        "#",
        "##",
        "#######",
        "`",
        "```",
        "~~",
        "==",
        "|",
        "||",
        "- ",
        "1. ",
    ),
    *("> ", ">!", "!<", "[", "]", "](", "][", "[[", "]]", "[!note]", "]:", "<", "<b>", "</td>", "<!--", "-->", "&amp;"),
    *("\\", "!", ".", ":", "—", "’", "1", "[x] ", "a", "Pru", "hit points", "saves", "nat 20", "first name"),
    *("GM only", "Secret", "secret of", "DM:", "keeper", "for the GM", "unknown to the players", "(GM)", "#gm-only"),
    *("actually", "truth", "hidden", "players must not know", "never read aloud", "\uff27\uff2d", "eyes only"),
    *(
        "unbeknownst to the party",
        "players do not know",
        "In truth",
        "In reality",
        "Secretly",
        "is secretly",
        "do not reveal",
    ),
    *(
        "geheim",
        "nur für den SL",
        "Notes du MJ",
        "secretos",
        "segreto",
        "segredo",
        "sekret",
        "тайна",
        "秘密",
        "机密",
        "twist",
    ),
    *("секреты", "機密", "tajemnica", "solo para el director", "apenas para o mestre", "spielleiter info"),
)
texts = st.lists(st.sampled_from(_MARKS), max_size=25).map("".join)


def every_pattern(passage: str) -> str:
    """Take all marks out of a passage, one pattern after the other, whether there is any sign of them or not."""
    text = words._without_comments(passage.replace("\r\n", "\n").replace("\r", "\n"))
    text = words._TAG.sub(words._in_place_of_tag, words._AUTOLINK.sub(" ", text))
    text = re.sub(r"(?m)^[ \t>]*+(?:`{3,}+|~{3,}+)[^\n`]*+$", " ", text)
    text = re.sub(r"(?m)^ {0,3}\[[^\[\]\n]++\]:[ \t]*+\S++[^\n]*+$", " ", text)
    text = words._WIKILINK.sub(lambda match: re.sub(r"[|#^]++", " ", match[1]), text)
    text = words._LINK.sub(r"\1", words._LINK.sub(r"\1", text))
    text = re.sub(r"(?m)^[ \t>]*+[|:=*_+ \t-]*+$", " ", text)
    marks = r"(?m)^[ \t>]*+(?:#{1,6}(?=[ \t]|$)|(?:[-+*]|\d{1,9}[.)])[ \t]++(?:\[[ xX]\][ \t])?)?"
    text = words._CALLOUT.sub(" ", re.sub(marks, " ", text))
    text = re.sub(r"(?m)(?<=[ \t])#++[ \t]*+$", " ", text)
    text = re.sub(r"(?<!\\)(?:(?<!\d)\*++|(?<=\d)\*{2,}+|(?<=\d)\*(?!\d)|~~|==|`++)", "", text)
    text = re.sub(r"(?<!\\)(?<![^\W_])_++|_++(?![^\W_])", "", text)
    text = words._ESCAPE.sub(r"\1", text.replace("|", " "))
    return " ".join(words._ENTITY.sub(lambda match: html.unescape(match[0]), text).split())


@given(texts)
@example("#######")
@example("a\\**b*1*2")
def test_the_words_of_a_passage(text: str) -> None:
    assert words.searchable(text) == every_pattern(text)


@given(texts)
def test_marks_of_secrets(text: str) -> None:
    normal = secrecy._normal(text)
    assert secrecy.is_secret_title(text) == bool(secrecy._ANY_MARK.search(normal) or secrecy._ALONE.fullmatch(normal))
    assert secrecy.marks_sentence(text) == bool(secrecy._IN_PROSE.search(text))


@given(texts)
def test_what_is_written_out(text: str) -> None:
    plain = text
    for _, long, short in _SHORT_FORMS:
        plain = long.sub(short, plain)
    assert plain_words(text) == plain


@pytest.mark.parametrize("mark", secrecy._MARKS)
def test_each_mark_has_a_sign_in_it(mark: str) -> None:
    assert any(sign in mark for sign in secrecy._SIGNS)
