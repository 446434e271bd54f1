"""A file that a person has named, read whole as long as it is not too large."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

__all__ = ["name_of", "read_given"]

_STANDARD_INPUT = Path("-")


def name_of(file: Path) -> str:
    """Return what to call a file; ``-`` is standard input."""
    return "standard input" if file == _STANDARD_INPUT else str(file)


def read_given(file: Path, *, most: int) -> bytes:
    """Return what is in a file; ``-`` is standard input.

    Args:
        file: Which.
        most: Bytes that it may have.

    Raises:
        InvalidInput: It cannot be read, or is larger.
    """
    try:
        with _opened(file) as opened:
            content = opened.read(most + 1)
    except OSError as error:
        raise InvalidInput(f"{name_of(file)} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    if len(content) > most:
        raise InvalidInput(f"{name_of(file)} is over {most // 1_000_000:,} MB, which is more than is read.")
    return content


def _opened(file: Path) -> AbstractContextManager[BinaryIO]:
    return contextlib.nullcontext(sys.stdin.buffer) if file == _STANDARD_INPUT else file.open("rb")
