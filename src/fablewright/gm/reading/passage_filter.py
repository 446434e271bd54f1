"""The two filters of a search: which passages they let through."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING, TypeAlias

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Accepts: TypeAlias = Callable[[str, tuple[str, ...]], bool]
    """Whether a passage of that file below these headings is let through."""

__all__ = ["FILTERS", "acceptance"]

FILTERS = ("file", "heading")


def acceptance(filters: Mapping[str, str]) -> Accepts | None:
    """Return what says of a passage whether the filters let it through; None: all pass.

    Args:
        filters: ``file`` (a glob over the file's name) and ``heading`` (part of the headings), both without regard to
            capitals.

    Raises:
        InvalidInput: A filter of another name.
    """
    for key in filters:
        if key not in FILTERS:
            raise InvalidInput(f"There is no filter {key!r}; there are: {', '.join(FILTERS)}.")
    if not filters:
        return None
    names = re.compile(fnmatch.translate(filters["file"].casefold())) if "file" in filters else None
    part = filters.get("heading", "").casefold()

    def accepts(file: str, heading: tuple[str, ...]) -> bool:
        if names and not names.match(file.casefold()):
            return False
        return not part or part in " / ".join(heading).casefold()

    return accepts
