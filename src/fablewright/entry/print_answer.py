"""Puts an answer where it belongs: the answer to standard output, what is missing to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.entry.json_output import to_json
from fablewright.entry.render import render
from fablewright.entry.terminal import emit, error_console, notice, output_console, write
from fablewright.gm.answer_data import answer_data

if TYPE_CHECKING:
    from fablewright.entry.story_file import Asking
    from fablewright.gm.answer import Answer

__all__ = ["print_answer"]


def print_answer(answer: Answer, asked: Asking | None = None, *, as_json: bool = False) -> None:
    """Print an answer for a person or a program; one that failed has nothing to show to a person.

    If something went wrong on the way, a person at a terminal is told how to see what.
    """
    if as_json:
        emit(to_json(answer_data(answer)) + "\n")
    elif answer.status != "failed":
        console = output_console()
        write(console, render(answer, console))
    for line in answer.missing:
        notice(line)
    if asked is not None and asked.went_wrong and answer.missing and not as_json and error_console().is_terminal:
        notice(f"fablewright trace {asked.story} shows what happened.", style="dim")
