"""The process in which documents are converted: one after the other, until its caller closes the pipe.

It is given bytes, never a path, and opens nothing itself. Whatever a converter raises becomes one line for a
person; after anything but a clean refusal the caller ends this process and starts another.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO

from fablewright.adapters.documents.frames import BLOCK, FrameError, read_frame, read_json, write_frame, write_json
from fablewright.adapters.documents.kinds import KINDS
from fablewright.adapters.documents.limits import EXHAUSTED, HARMLESS, Limits, hold, may_compute, used
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source, sound, spool

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

_BETWEEN_SIGNS = 0.5
"""Seconds between two signs of progress."""


def main(limits: Limits) -> None:
    """Convert what comes on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who then closes the pipe
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nowhere:  # noqa: PTH123 - no converter shall read or write on our lines
        for descriptor in (0, 1, 2):
            os.dup2(nowhere.fileno(), descriptor)
    hold(limits.memory)
    while True:
        try:
            suffix = str(read_json(requests)["suffix"])
            file = _received(requests)
        except FrameError:
            return
        may_compute(limits.total_seconds)
        _answer(answers, suffix, file, limits)
        file.close()


def _received(requests: BinaryIO) -> BinaryIO:
    """Read a document up to the empty block at its end."""
    file = spool()
    while block := read_frame(requests, most=BLOCK):
        file.write(block)
    return file


def _answer(answers: BinaryIO, suffix: str, file: BinaryIO, limits: Limits) -> None:
    """Send the Markdown, or why there is none."""
    try:
        found = _converted(suffix, file, limits, _Progress(answers))
    except RefusedDocument as refusal:
        write_json(answers, {"state": "refused", "why": str(refusal)})
    except Exception as error:  # noqa: BLE001 - whatever a damaged document does to a converter
        write_json(answers, {"state": "failed", "why": _reason(error, suffix, limits)})
    else:
        state = {"state": "done", "pages": found.pages, "remark": found.remark, "spent": used(limits.memory) > HARMLESS}
        write_json(answers, state)
        write_frame(answers, found.text.encode())


def _converted(suffix: str, file: BinaryIO, limits: Limits, progress: Callable[[], None]) -> Converted:
    size = file.tell()
    if not size:
        raise RefusedDocument("it is empty")
    module = import_module(f"fablewright.adapters.documents.{KINDS[suffix].module}")
    convert: Callable[[Source], Converted] = module.convert
    found = convert(Source(file, size, progress, limits.output))
    if not found.text.strip():
        raise RefusedDocument("there is no text in it")
    text = sound(found.text)
    if len(text.encode()) > limits.output:
        raise RefusedDocument(f"there is more text in it than {limits.output / 1e6:.3g} MB")
    return replace(found, text=text)


def _reason(error: Exception, suffix: str, limits: Limits) -> str:
    if isinstance(error, MemoryError) or used(limits.memory) > EXHAUSTED:
        return f"reading it needs more than {limits.memory >> 20} MiB of memory"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"it is damaged, or no {KINDS[suffix].name}"


class _Progress:
    """Tells the caller at most now and then that there is progress."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._next = time.monotonic() + _BETWEEN_SIGNS

    def __call__(self) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _BETWEEN_SIGNS
            write_json(self._answers, {"state": "working"})


if __name__ == "__main__":
    main(Limits(**json.loads(sys.argv[1])))
