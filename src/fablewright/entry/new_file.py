"""Writes a file whole or not at all, and over another one only when told to."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fablewright.errors import InvalidInput

__all__ = ["write_new"]


def write_new(target: Path, content: bytes, *, force: bool = False) -> None:
    """Write a file; whoever looks at its place sees nothing, or all of it.

    Args:
        target: Where.
        content: What.
        force: Whether a file that is there may be lost.

    Raises:
        InvalidInput: There is a file already, or nothing can be written there.
    """
    if target.exists() and (target.is_dir() or not force):
        what = "a folder" if target.is_dir() else "there already; --force writes over it"
        raise InvalidInput(f"{target} is {what}. Nothing was written.")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o666 & ~_umask())
            _put(Path(name), target, force=force)
        finally:
            Path(name).unlink(missing_ok=True)
    except FileExistsError:
        raise InvalidInput(f"{target} is there already; --force writes over it. Nothing was written.") from None
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {(error.strerror or str(error)).lower()}.") from error


def _put(made: Path, target: Path, *, force: bool) -> None:
    """Give the file its name; without ``force`` only if nobody has taken it meanwhile."""
    if force:
        made.replace(target)
        return
    try:
        os.link(made, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without links: then there is an instant between looking and writing
        with target.open("xb"):
            pass
        made.replace(target)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
