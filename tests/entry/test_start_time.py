from __future__ import annotations

from datetime import datetime

import pytest

from fablewright.entry.start_time import next_time
from fablewright.errors import InvalidInput

EVENING = datetime(2026, 11, 27, 22, 30, 15)  # noqa: DTZ001 - local time, as the system has it


@pytest.mark.parametrize(
    ("text", "day", "hour", "minute"),
    [("02:00", 28, 2, 0), ("2.05", 28, 2, 5), ("23:59", 27, 23, 59), ("22:30", 28, 22, 30), (" 0:00 ", 28, 0, 0)],
)
def test_it_is_the_next_such_time(text: str, day: int, hour: int, minute: int) -> None:
    assert next_time(text, EVENING) == datetime(2026, 11, day, hour, minute)  # noqa: DTZ001 - as above


@pytest.mark.parametrize("text", ["24:00", "2", "two", "02:60", "", "-1:00", "02:00:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="time of day such as 02:00"):
        next_time(text, EVENING)
