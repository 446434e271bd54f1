"""What is wrong with a body is said for people, and never less than msgspec has said."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec
import pytest
from msgspec import Meta

from fablewright.entry.web.complaint import complaint
from fablewright.entry.web.orders import BoardOrder
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.wire import Order, read


def detail(body: bytes, kind: type) -> str:
    with pytest.raises(ProblemError) as caught:
        read(body, kind)
    assert caught.value.status == 422
    return caught.value.detail.removeprefix("The request cannot be understood: ")


def test_a_hand_out_that_is_too_long_is_told_so_in_words() -> None:
    assert detail(msgspec.json.encode({"handout": "x" * 4001}), BoardOrder) == (
        "handout is too long: at most 4,000 characters are taken."
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{}", "the body lacks words."),
        (b'{"words": ""}', "words is empty."),
        (b'{"words": 5}', "words must be text, not a whole number."),
        (b'{"words": "x", "party": 5}', "party must be text or null, not a whole number."),
        (b'{"words": "x", "variants": 9}', "variants must be at most 5."),
        (b'{"words": "x", "roll": -101}', "roll must be at least -100."),
        (b'{"words": "x", "tone": "loud"}', "tone cannot be 'loud'."),
        (b'{"words": "x", "word": 1}', "the body has no field 'word'."),
        (b'{"words": "x", "fight": {"roles": [1]}}', "fight.roles[0] must be text, not a whole number."),
        (b'{"words": "x", "fight": {"what": 1}}', "fight has no field 'what'."),
        (b'["x"]', "the body must be an object, not a list."),
    ],
)
def test_each_kind_of_mistake_names_the_field_and_the_bound(body: bytes, said: str) -> None:
    assert detail(body, Order) == said


def test_too_many_entries_are_counted_as_such() -> None:
    body = msgspec.json.encode({"lines": [0] * 51})
    assert detail(body, BoardOrder) == "lines is too long: at most 50 entries are taken."


class Odd(msgspec.Struct):
    of: Annotated[float, Meta(multiple_of=0.5)] = 0.5
    to: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    tag: Annotated[str, Meta(pattern="^a")] = "a"
    one: Literal[1, 2] = 1


@pytest.mark.parametrize("body", [b'{"of": 0.3}', b'{"to": 0}', b'{"to": 1}', b'{"tag": "b"}', b'{"one": 3}'])
def test_what_is_not_known_is_said_as_msgspec_says_it_and_still_names_the_field(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=Odd)
    except msgspec.ValidationError as error:
        said = complaint(str(error))
    name = re.findall(rb"\w+", body)[0].decode()
    assert name in said
    assert said.endswith(".")


def test_a_long_name_is_not_said_back_whole() -> None:
    assert len(detail(msgspec.json.encode({"words": "x", "y" * 9000: 1}), Order)) < 200
