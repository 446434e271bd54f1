"""When work is to begin that was asked for at a time of day."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from fablewright.errors import InvalidInput

__all__ = ["next_time"]

_TIME = re.compile(r"(\d{1,2})[:.](\d{2})")


def next_time(text: str, now: datetime) -> datetime:
    """Return when it is next a time of day: ``02:00`` is tonight, or tomorrow night when that is over.

    Args:
        text: As it was typed, with 24 hours.
        now: Local time, without a zone: clocks that are set forward or back in between are the system's to know.

    Raises:
        InvalidInput: It is no time of day.
    """
    found = _TIME.fullmatch(text.strip())
    hour, minute = (int(found[1]), int(found[2])) if found else (24, 0)
    if hour > 23 or minute > 59:
        raise InvalidInput(f"--at is a time of day such as 02:00, not {text[:40]!r}.")
    at = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)
