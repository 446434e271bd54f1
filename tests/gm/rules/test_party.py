from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.errors import InvalidInput
from fablewright.gm.rules.party import Party, number_word, parse_party, without

parties = st.lists(st.integers(1, 20), min_size=1, max_size=20).map(lambda levels: Party(tuple(levels)))


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("4x2", (2, 2, 2, 2)),
        ("4x2,1x3", (3, 2, 2, 2, 2)),
        ("3x5+2x4", (5, 5, 5, 4, 4)),
        ("2,2,3", (3, 2, 2)),
        (" 4 X 2 , 3 ", (3, 2, 2, 2, 2)),
        ("4×2", (2, 2, 2, 2)),
        ("4*2", (2, 2, 2, 2)),
        ("7", (7,)),
        ("20x20", (20,) * 20),
        ("4x3-1x3", (3, 3, 3)),
        ("3x5+2x4−4", (5, 5, 5, 4)),
        ("20x1-19x1", (1,)),
    ],
)
def test_reads_what_people_type(text: str, levels: tuple[int, ...]) -> None:
    assert parse_party(text).levels == levels


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("4x", "'4x' is not"),
        ("x", "'x' is not"),
        ("4x2x3", "'4x2x3' is not"),
        ("4x2,", "a group is empty"),
        ("four", "'four' is not"),
        ("2 2", "'2 2' is not"),
        ("-4x2", "a group is empty"),
        ("0x3", "1 to 20 characters"),
        ("21x1", "1 to 20 characters"),
        ("11x1,10x2", "1 to 20 characters"),
        ("4x21", "a level goes from 1 to 20"),
        ("4x0", "a level goes from 1 to 20"),
        ("9" * 9999 + "x2", "1 to 20 characters"),
        ("y" * 9999, "is not"),
    ],
)
def test_wrong_input_says_what_is_wrong_and_shows_a_right_one(text: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint) as caught:
        parse_party(text)
    assert "write for example 4x2" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@given(st.one_of(st.text(max_size=30), st.text("0123456789x×,+ ", max_size=30)))
def test_parse_raises_nothing_but_invalid_input(text: str) -> None:
    try:
        party = parse_party(text)
    except InvalidInput as error:
        assert "for example" in str(error)  # noqa: PT017 - either outcome is right, each is checked
    else:
        assert parse_party(str(party)) == party


@given(parties)
def test_canonical_form_reads_back(party: Party) -> None:
    assert parse_party(str(party)) == party
    assert sum(count for count, _ in party.groups) == party.size
    assert party.average_level == pytest.approx(sum(count * level for count, level in party.groups) / party.size)


def test_order_does_not_matter() -> None:
    assert Party((2, 3, 2)) == Party((3, 2, 2))
    assert str(Party((2, 3, 2))) == "1x3,2x2"


@pytest.mark.parametrize("levels", [(), (0,), (21,), (1,) * 21])
def test_a_party_is_checked_however_it_is_made(levels: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        Party(levels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4x2", "four level-2 characters"),
        ("3x5,2x4", "three level-5 and two level-4 characters"),
        ("1x3", "one level-3 character"),
        ("3,2,1", "one level-3, one level-2 and one level-1 characters"),
    ],
)
def test_words(text: str, words: str) -> None:
    assert parse_party(text).words == words


def test_number_words_end_at_twenty() -> None:
    assert (number_word(0), number_word(20), number_word(1234)) == ("no", "twenty", "1,234")


@pytest.mark.parametrize(
    ("party", "absent", "left"),
    [("4x3", "1", "3x3"), ("4x3", "1x3", "3x3"), ("3x5,2x4", "1x4", "3x5,1x4"), ("3x5,2x4", "5,4", "2x5,1x4")],
)
def test_who_is_absent_does_not_count(party: str, absent: str, left: str) -> None:
    assert without(parse_party(party), absent) == parse_party(left)


@pytest.mark.parametrize(
    ("party", "absent", "complaint"),
    [
        ("3x5,2x4", "1", "say who is absent, 1x5 or 1x4"),
        ("4x3", "1x2", "No level-2 character can be absent from four level-3 characters"),
        ("4x3", "5", "No level-3 character"),
        ("4x3", "4", "Everybody is absent"),
        ("4x3", "Bob", "'Bob' is not NUMBERxLEVEL"),
        ("4x3", "9" * 50, "No level-3 character"),
    ],
)
def test_nobody_is_absent_who_does_not_play(party: str, absent: str, complaint: str) -> None:
    with pytest.raises(InvalidInput, match=complaint):
        without(parse_party(party), absent)
