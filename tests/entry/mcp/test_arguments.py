from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.entry.mcp.arguments import (
    ChooseArguments,
    RollArguments,
    SceneArguments,
    read_arguments,
    schema_of,
)
from fablewright.entry.mcp.tools import TOOLS
from fablewright.errors import InvalidInput

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-30, 120),
    st.sampled_from(["", "4x2", "grim", "short", "2014", "foes", "x" * 50]),
    st.lists(st.sampled_from(["foes", "loot", "leader"]), max_size=3),
)


@given(st.data())
def test_what_the_schema_allows_is_read_and_nothing_else(data: st.DataObject) -> None:
    """The oracle is the schema that clients see, by a validator that is not ours."""
    kind = data.draw(st.sampled_from([tool.takes for tool in TOOLS.values()]))
    schema = schema_of(kind)
    names = [*schema["properties"], "unknown"]
    given_arguments: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(names), VALUES, max_size=4))
    try:
        jsonschema.validate(given_arguments, schema)
    except jsonschema.ValidationError:
        with pytest.raises(InvalidInput, match=r"The arguments cannot be used: .*\."):
            read_arguments(given_arguments, kind)
    else:
        read_arguments(given_arguments, kind)


def test_every_argument_is_described_and_none_is_free_of_bounds() -> None:
    for name, tool in TOOLS.items():
        assert tool.schema["type"] == "object", name
        assert tool.schema["additionalProperties"] is False
        for argument, part in tool.schema["properties"].items():
            assert part["description"][0].isupper(), (name, argument)
            if part.get("type") == "string":
                assert part["maxLength"] <= 4000, (name, argument)


def test_an_option_may_be_a_number_or_words() -> None:
    assert read_arguments({"option": 2}, ChooseArguments).option == 2
    assert read_arguments({"option": "talk"}, ChooseArguments).option == "talk"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"variants": 9}, "<= 5"),
        ({"request": "x" * 4001}, "4000"),
        ({"requst": "x"}, "unknown field requst"),
        ({"tone": "sad"}, "'sad'"),
        ({"use_notes": "no"}, "bool"),
    ],
)
def test_what_is_wrong_is_said(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_arguments(arguments, SceneArguments)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(InvalidInput, match="missing required field dice"):
        read_arguments({}, RollArguments)
