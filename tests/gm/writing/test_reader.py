from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.writing.parts import Part, Sentence
from fablewright.gm.writing.reader import PartReader, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

ALL = tuple(Part)


def read(pieces: Iterable[str], parts: tuple[Part, ...] = ALL) -> dict[Part, tuple[Sentence, ...] | None]:
    reader = PartReader(parts)
    return {part: sentences for piece in pieces for part, sentences in reader.feed(piece)}


def said(text: str, *sources: int) -> dict[str, object]:
    return {"text": text, "from": list(sources)}


SENTENCE = st.builds(Sentence, st.text(max_size=30).map(str.strip), st.lists(st.integers(1, 9), unique=True).map(tuple))


@given(
    st.dictionaries(st.sampled_from(ALL), st.lists(SENTENCE, min_size=1, max_size=2), min_size=1),
    st.lists(st.integers(0, 400)),
    st.sampled_from(["", "```json\n", "Sure, here it is:\n\n", "<think>{hm} [yes]</think>\n", " \n"]),
    st.sampled_from(["", "\n```", "\n\nI hope that helps {you}!", "}", "] garbage \\"]),
    st.booleans(),
)
def test_however_it_is_cut_and_wrapped_the_same_is_read(  # the oracle is json itself
    answer: dict[Part, list[Sentence]], cuts: list[int], before: str, after: str, ascii_only: bool
) -> None:
    content = {part.value: [said(s.text, *s.sources) for s in sentences] for part, sentences in answer.items()}
    text = before + json.dumps(content, ensure_ascii=ascii_only, indent=1) + after
    at = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:end] for start, end in pairwise(at)]
    assert read(pieces) == {part: tuple(sentences) for part, sentences in answer.items()}


def test_a_part_is_given_out_as_soon_as_the_next_begins() -> None:
    reader = PartReader(ALL)
    text = json.dumps({"read_aloud": [said('Flour, "everywhere".\\', 1)], "here": [said("Dust.")]})
    cut = text.index('"here"')
    assert list(reader.feed(text[:cut])) == [(Part.READ_ALOUD, (Sentence('Flour, "everywhere".\\', (1,)),))]
    assert not reader.is_complete
    assert list(reader.feed(text[cut:])) == [(Part.HERE, (Sentence("Dust."),))]
    assert reader.is_complete
    assert reader.end() == (Part.OPTIONS, Part.CONSEQUENCES)


@pytest.mark.parametrize(
    "value",
    [
        '"Flour."', "{}", "[]", "null", '["Flour."]', '[{"text": "Flour."}]', '[{"text": 1, "from": []}]',
        '[{"text": "Flour.", "from": "1"}]', '[{"text": "Flour.", "from": [true]}]', '[{"text": "a", "from": [1.0]}]',
        '[{"text": "Flour.", "from": [], "roll": "2d6"}]', "[1, 2]", json.dumps([said("a")] * 5),
        "nonsense", '[{"text": "Flour.", "from": [1]', "",
    ],
)  # fmt: skip
def test_a_part_of_another_shape_is_none(value: str) -> None:
    assert read([f'{{"read_aloud": {value}}}']).get(Part.READ_ALOUD) is None


def test_a_part_that_was_not_asked_for_or_comes_twice_is_passed_over() -> None:
    text = '{"title": "x", "here": [{"text": "One.", "from": []}], "here": [{"text": "Two.", "from": []}], "loot": []}'
    assert read([text]) == {Part.HERE: (Sentence("One."),)}
    assert read([text], (Part.OPTIONS,)) == {}


@pytest.mark.parametrize("text", ["", "  \n", "I'm sorry, I can't help with that.", "<think>Let me {see}", "[1, 2]"])
def test_what_holds_no_object_is_unreadable(text: str) -> None:
    reader = PartReader(ALL)
    assert list(reader.feed(text)) == []
    with pytest.raises(Unreadable):
        reader.end()


def test_what_has_no_end_or_no_sense_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="does not stop"):
        read(["{" + " " * 30_000])
    with pytest.raises(Unreadable, match="without sense"):
        read(["{" + "[" * 2_000])


@given(st.text(alphabet='{}[]",:\\ ab1', max_size=200))
def test_rubbish_raises_nothing_else(text: str) -> None:
    reader = PartReader(ALL)
    try:
        for _ in reader.feed(text):
            pass
        reader.end()
    except Unreadable:
        pass
