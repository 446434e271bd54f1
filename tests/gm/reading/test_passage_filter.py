from __future__ import annotations

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.reading.passage_filter import acceptance


def test_without_filters_there_is_nothing_to_ask() -> None:
    assert acceptance({}) is None


@pytest.mark.parametrize(
    ("filters", "accepted"),
    [
        ({"file": "inns/*"}, True),
        ({"file": "INNS/*.MD"}, True),
        ({"file": "*.txt"}, False),
        ({"heading": "cellar"}, True),
        ({"heading": "inn / cel"}, True),
        ({"heading": "attic"}, False),
        ({"file": "inns/*", "heading": "attic"}, False),
    ],
)
def test_file_and_heading(filters: dict[str, str], *, accepted: bool) -> None:
    accepts = acceptance(filters)
    assert accepts is not None
    assert accepts("inns/Rose.md", ("The Inn", "Cellar")) is accepted


def test_another_filter_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="no filter 'page'; there are: file, heading"):
        acceptance({"page": "3"})
