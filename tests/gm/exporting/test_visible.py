from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.exporting.visible import file_stem, visible

anything = st.text(st.characters())


@given(anything)
def test_visible_text_is_one_line_that_a_file_and_a_terminal_can_hold(text: str) -> None:
    seen = visible(text)
    assert visible(seen) == seen
    assert len(seen.splitlines()) <= 1
    seen.encode("utf-8")
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", seen)


@given(st.text(st.characters(categories=["L", "N", "P"])))
def test_letters_stay(text: str) -> None:
    assert visible(text) == text


@given(anything)
def test_a_file_name_is_safe(title: str) -> None:
    stem = file_stem(title)
    assert 1 <= len(stem) <= 60
    assert not re.search(r'[\\/:*?"<>|\x00-\x1f. ]', stem)


@pytest.mark.parametrize(
    ("title", "stem"),
    [
        ("The Mill: flood!", "the-mill-flood"),
        ("../../etc/passwd", "etc-passwd"),
        ("…", "scene"),
        ("Über Nacht", "über-nacht"),
    ],
)
def test_file_names(title: str, stem: str) -> None:
    assert file_stem(title) == stem
