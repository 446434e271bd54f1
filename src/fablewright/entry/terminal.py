"""The terminal: what may be written to it, and how wide lines are."""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

    from rich.console import RenderableType

__all__ = [
    "MAX_WIDTH",
    "clean",
    "emit",
    "error_console",
    "hanging",
    "notice",
    "output_console",
    "set_up_streams",
    "write",
]

MAX_WIDTH = 120
"""Longer lines are hard to read aloud from, however wide the window is."""

# Whole escape sequences first, so that ``ESC [ 31 m`` leaves no "[31m" behind; then any control character
# that is left, C1 included: 0x9B alone opens a sequence on some terminals.
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*+(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS and kin
    r"|\x1b[ -/]*+[0-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def clean(text: str) -> str:
    """Return text that can do nothing to a terminal but be read: notes are whatever somebody wrote."""
    text = _SEQUENCES.sub("", text.replace("\r\n", "\n"))
    return _CONTROLS.sub("", text.replace("\t", " ").replace("\r", "\n"))


def output_console() -> Console:
    """Return the console for answers. Colours only on a terminal, and none where ``NO_COLOR`` is set."""
    return Console(highlight=False, markup=False, emoji=False)


def error_console() -> Console:
    """Return the console for everything that is not an answer."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def notice(text: str, *, style: str = "yellow") -> None:
    """Write one line to standard error, however long; nothing in it is markup."""
    line = " ".join(clean(text).split())
    error_console().print(Text(line, style), soft_wrap=True)


def hanging(
    console: Console, first: str, body: Text, *, width: int = MAX_WIDTH, repeat: bool = False, style: str = ""
) -> Text:
    """Return ``body`` wrapped behind ``first``, which on the further lines is repeated or left blank.

    Args:
        console: For its width.
        first: What the first line begins with.
        body: The text behind it.
        width: Columns to use at most.
        repeat: Whether every line begins with ``first``.
        style: For ``first``.
    """
    lines = body.wrap(console, max(20, min(console.width, width) - len(first)))
    out = Text()
    for place, line in enumerate(lines):
        line.rstrip()
        lead = first if repeat or not place else " " * len(first)
        out.append("\n" if place else "").append(lead, style).append_text(line)
    return out


def write(console: Console, parts: Iterable[RenderableType]) -> None:
    """Print an answer; into a pipe or file it goes without the blanks that fill up lines."""
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    text = capture.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    emit(text, console.file)


def emit(text: str, file: IO[str] | None = None) -> None:
    """Write to standard output at once. If its reader has gone, as with ``| head``, that is no error."""
    file = sys.stdout if file is None else file
    try:
        file.write(text)
        file.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())  # or the flush at exit would complain again


def set_up_streams(*, utf_8: bool = False) -> None:
    """Let no character that the encoding lacks end the program; ``?`` stands for it instead.

    Args:
        utf_8: Whether standard output is to be UTF-8 whatever the locale says, as JSON must be.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            wanted = "utf-8" if utf_8 and stream is sys.stdout else None
            stream.reconfigure(encoding=wanted, errors="replace")
