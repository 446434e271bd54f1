"""What a tool returns: the answer as text for whoever reads, and as data for programs."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from fablewright.entry.render import render
from fablewright.entry.terminal import clean, write
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.answer import Answer

__all__ = ["Told", "told"]

_WIDTH = 96
"""Columns: below a hundred the checks are a list, which a model reads more surely than a table."""


@dataclass(frozen=True, slots=True)
class Told:
    """One result.

    Attributes:
        text: As it would stand on the terminal, without colours; what is missing below it.
        data: As ``--json`` has it.
        failed: Whether there is no answer; the text says why.
    """

    text: str
    data: Mapping[str, object]
    failed: bool = False


def told(answer: Answer) -> Told:
    """Return an answer as a tool's result."""
    failed = answer.status == "failed"
    missing = "\n".join(f"Missing: {clean(line)}" for line in answer.missing)
    text = missing if failed else "\n\n".join(part for part in (_page(answer), missing) if part)
    return Told(text or "There is no answer.", answer_data(answer), failed)


def _page(answer: Answer) -> str:
    file = io.StringIO()
    console = Console(file=file, width=_WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    write(console, render(answer, console))
    return file.getvalue().strip("\n")
