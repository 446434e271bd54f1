from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.reading.searchable import searchable


@pytest.mark.parametrize(
    ("passage", "words"),
    [
        ("", ""),
        ("plain words", "plain words"),
        ("## The Tangles ##", "The Tangles"),
        ('Night Blade _<span class="monster x">guards</span>_ here', "Night Blade guards here"),
        ("<td>Swamp</td><td>Slow</td>", "Swamp Slow"),
        ("in<b>line</b>", "inline"),
        ("a <!-- spell-checker:words Gardren --> b", "a b"),
        ("a <!-- never closed", "a <!-- never closed"),
        ("see [the tower](https://example.org/a_(b) 'title') now", "see the tower now"),
        ("see [the tower][ref]\n\n[ref]: https://example.org/x 'T'", "see the tower"),
        ("[![map of the hill](map.png)](https://example.org)", "map of the hill"),
        ("<https://example.org/x> and <gm@example.org>", "and"),
        ("[[Gardren Ralavaz#Past|the captain]]", "Gardren Ralavaz Past the captain"),
        ("![[handout.png]]", "handout.png"),
        ("> **Note**\n> read *aloud*\n>> deeper", "Note read aloud deeper"),
        ("> [!warning]- Beware\n> text", "Beware text"),
        ("- one\n* two\n3. three\n- [x] done", "one two three done"),
        ("take `7` (`2d6`) damage", "take 7 (2d6) damage"),
        ("2d6*10 and 3 * 4", "2d6*10 and 3 4"),
        ("snake_case and _emphasis_ and __strong__", "snake_case and emphasis and strong"),
        ("~~gone~~ ==marked==", "gone marked"),
        ("| a | b |\n|:--|--:|\n| 1 | 2 |", "a b 1 2"),
        ("Title\n=====\n\n* * *\n", "Title"),
        ("```python\ncode # here\n```", "code # here"),
        ("Fish &amp; Chips &lt;b&gt; &#233;", "Fish & Chips <b> é"),
        (r"\*not emphasis\*", "*not emphasis*"),
        ("HP < 10 and > 5 or 3<4", "HP < 10 and > 5 or 3<4"),
        ("a\r\nb\rc", "a b c"),
    ],
)
def test_words_without_marks(passage: str, words: str) -> None:
    assert searchable(passage) == words


@pytest.mark.parametrize("entity", ["&#" + "9" * 5000 + ";", "&#x110000;", "&#0;", "&nosuchthing;", "&;", "&#;"])
def test_strange_entities_do_no_harm(entity: str) -> None:
    assert isinstance(searchable(entity), str)


@given(st.text(alphabet="ab1 \n<>!-[]()*_`~=#&;|\\/\"'x:@^", max_size=300) | st.text())
def test_any_text_gives_one_line(passage: str) -> None:
    found = searchable(passage)
    assert found == " ".join(found.split())


@given(st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1))
def test_plain_words_are_untouched(words: list[str]) -> None:
    assert searchable(" ".join(words)) == " ".join(words)
