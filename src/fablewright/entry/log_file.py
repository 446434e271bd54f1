"""Where details go that are not for the table: a log file in the data folder."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["debugging", "log_file", "report_crash", "start_log", "telling_warnings"]

_MOST_BYTES = 1_000_000
_NAME = "fablewright"  # tells our handler from those of a program that we may run in
_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_file(data_dir: Path) -> Path:
    """Return where the log is."""
    return data_dir / "fablewright.log"


def debugging() -> bool:
    """Whether ``FABLEWRIGHT_DEBUG`` asks for everything on standard error."""
    return os.environ.get("FABLEWRIGHT_DEBUG", "") not in {"", "0"}


def start_log(data_dir: Path) -> None:
    """Send warnings and errors of all libraries to the log file, none to the terminal."""
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.name == _NAME]:
        root.removeHandler(old)
        old.close()
    handler: logging.Handler
    if debugging():
        handler = logging.StreamHandler()
    else:
        try:
            path = log_file(data_dir)
            path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_size > _MOST_BYTES:
                    path.replace(path.with_suffix(".old.log"))
            handler = logging.FileHandler(path, encoding="utf-8", delay=True)
        except OSError:
            handler = logging.NullHandler()  # a full or read-only disk must not keep the table waiting
    handler.set_name(_NAME)
    handler.setFormatter(logging.Formatter(_LINE))
    root.addHandler(handler)
    if debugging():
        root.setLevel(logging.INFO)


@contextlib.contextmanager
def telling_warnings() -> Iterator[None]:
    """Send warnings to standard error as well, of a process that nobody sits before: its keeper looks there."""
    handler = logging.NullHandler() if debugging() else logging.StreamHandler()
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def report_crash(error: BaseException, data_dir: Path) -> str:
    """Write down an unexpected error; return a line for people: what happened, where details are."""
    details = "".join(traceback.format_exception(error))
    what = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    if debugging():
        sys.stderr.write(details)
        return f"Something went wrong that should not have: {what}"
    path = log_file(data_dir)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"--- {' '.join(sys.argv)}\n{details}")
    except OSError:
        return f"Something went wrong that should not have: {what}; FABLEWRIGHT_DEBUG=1 shows the details."
    return f"Something went wrong that should not have: {what}; the details are in {path}"
