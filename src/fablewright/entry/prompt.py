"""Where the lines of a chat come from: a prompt with history on a terminal, plain lines out of a pipe."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

from fablewright.entry.interrupt import Interrupted, unless_interrupted
from fablewright.entry.terminal import notice
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prompt_toolkit import PromptSession

__all__ = ["Prompt", "open_prompt"]


class Prompt(Protocol):
    """Asks the GM for a line."""

    is_terminal: bool

    async def read(self) -> str | None:
        """Return the next line, or None when there will be none.

        Raises:
            Interrupted: Ctrl-C instead of a line.
        """
        ...

    async def tell(self, text: str) -> None:
        """Say something at once, in one quiet line; what is being typed stays as it is."""
        ...

    async def above(self, show: Callable[[], None]) -> None:
        """Call what prints something; what is being typed stays as it is, below that."""
        ...


def open_prompt(data_dir: Path) -> Prompt:
    """Return the prompt that suits standard input; the history is kept in ``data_dir``."""
    return _TerminalPrompt(data_dir) if sys.stdin.isatty() and sys.stdout.isatty() else _PipedLines()


class _PipedLines:
    is_terminal = False

    def __init__(self) -> None:
        self._threads = Threads(1, name="stdin")  # of its own: a read that never ends holds nobody else up

    async def read(self) -> str | None:
        return await unless_interrupted(self._threads.run(sys.stdin.readline)) or None

    async def tell(self, text: str) -> None:
        notice(text, style="dim")

    async def above(self, show: Callable[[], None]) -> None:
        show()


class _TerminalPrompt:
    is_terminal = True

    def __init__(self, data_dir: Path) -> None:
        from prompt_toolkit import PromptSession  # noqa: PLC0415 - 0.3 s that only a chat on a terminal needs
        from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415 - as above

        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            path = data_dir / "chat_history"
            path.touch()
        except OSError:  # a read-only disk costs the history, not the evening
            self._session: PromptSession[str] = PromptSession(history=InMemoryHistory())
        else:
            self._session = PromptSession(history=FileHistory(path))

    async def read(self) -> str | None:
        try:
            return await self._session.prompt_async("\n> ")
        except EOFError:
            return None
        except KeyboardInterrupt:
            raise Interrupted from None

    async def tell(self, text: str) -> None:
        await self.above(lambda: notice(text, style="dim"))

    async def above(self, show: Callable[[], None]) -> None:
        from prompt_toolkit.application import run_in_terminal  # noqa: PLC0415 - loaded by now

        await run_in_terminal(show)  # takes the prompt away, and puts it back below
