"""``fablewright chat`` as a process of its own on a pseudo-terminal: notes that come while the GM types."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")

DRIVER = """
import asyncio, sys
from fablewright import __main__
from fablewright.adapters.haystack_retriever import HaystackRetriever
from fablewright.entry import crew

class Slow(HaystackRetriever):
    asked = 0

    async def retrieve(self, query, *, max_docs, filters):
        Slow.asked += 1
        if Slow.asked == 1:
            await asyncio.sleep(4)
        return await super().retrieve(query, max_docs=max_docs, filters=filters)

crew.HaystackRetriever = Slow
__main__.main()
"""
ARRIVED = "Your notes have arrived: the grounded version is ready. /grounded shows it."


class Screen:
    """What a process writes to its terminal, without colours and cursor movements."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self.descriptor, keys.encode())

    def until(self, mark: str, *, seconds: float = 30.0) -> str:
        """Return what was written up to and with a mark, and go on behind it."""
        end = time.monotonic() + seconds
        while mark not in self.text:
            ready, _, _ = select.select([self.descriptor], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"{mark!r} was never seen, but:\n{self.text}"
            written = os.read(self.descriptor, 65536).decode("utf-8", "replace")
            self.text += re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]|\r", "", written)
        seen, self.text = self.text.split(mark, 1)
        return seen + mark


@pytest.mark.benchmark  # it has two seconds, in which the search must have begun
def test_the_notes_arrive_while_the_next_question_is_being_typed(tmp_path: Path, data_dir: Path) -> None:
    import pty  # noqa: PLC0415 - not on Windows

    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER, "utf-8")
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "FABLEWRIGHT_DATA_DIR": str(data_dir),
        "TERM": "xterm-256color",
        "COLUMNS": "100",
        "PROMPT_TOOLKIT_NO_CPR": "1",  # nobody here tells where the cursor is
    }
    command = [sys.executable, str(driver), "chat", "--timeout", "2", "--seed", "3"]
    with subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        try:
            screen = Screen(ours)
            screen.until(">")
            screen.type("generate scenario for the first encounter\r")
            invented = screen.until("Your notes: no answer within ")
            assert "* invented, not in your notes" in invented
            screen.until(">")
            screen.type("who is Amb")
            screen.until(ARRIVED)
            screen.until("who is Amb")  # put back below, as it was
            screen.type("rose Teal?\r")
            assert "swindler" in screen.until("in all")
            screen.type("/grounded\r")
            grounded = screen.until("in all")
            assert "┃ The fog smells of cold pennies." in grounded
            assert "* invented, not" not in grounded
            screen.until(">")
            screen.type("/quit\r")
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
            os.close(ours)
