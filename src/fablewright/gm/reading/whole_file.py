"""A file's statements, read as one: what is secret in one passage goes on in the next.

A passage is judged by itself (see ``secrecy``): front matter, an open ``<details>`` and a box that is cut in two are
seen in the passage that they begin in. Whoever must not miss a secret has all passages of a file, and reads them here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.reading import secrecy
from fablewright.gm.reading.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.reading.statements import Statement

__all__ = ["statements_of_file"]


def statements_of_file(passages: Sequence[Passage]) -> list[Statement]:
    """Return the statements of a file's passages, secret also where the mark stands in a passage before.

    Args:
        passages: Of one file, in any order; the more of it, the surer.
    """
    ordered = sorted(passages, key=lambda passage: passage.start)
    found = statements(list(ordered))
    hidden = _hidden(ordered)
    for number in range(len(ordered)):
        before = [s for s in found if s.passage == number - 1]
        goes_on = bool(before) and before[-1].secret and ordered[number].text.lstrip().startswith(">")
        if number in hidden or goes_on:
            found = [s._replace(secret=True) if s.passage == number else s for s in found]
    return found


def _hidden(ordered: Sequence[Passage]) -> set[int]:
    """Return which passages lie in something that hides and began before them."""
    if (
        ordered
        and secrecy.is_secret_front_matter(ordered[0].text)
        and ordered[0].text.lstrip("\ufeff").startswith("---")
    ):
        return set(range(len(ordered)))
    starts: list[int] = []
    text = ""
    for passage in ordered:
        starts.append(len(text))
        text += f"{passage.text}\n"
    spans = secrecy.hidden_spans(text)
    return {number for number, at in enumerate(starts) if any(start < at < end for start, end in spans)}
