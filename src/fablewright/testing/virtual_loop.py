"""An event loop in virtual time: an hour of waiting takes milliseconds, and a deadlock raises.

::

    assert run_virtual(main()) == 42


    # or, with anyio's pytest plugin:
    @pytest.fixture
    def anyio_backend():
        return "asyncio", {"loop_factory": VirtualTimeLoop}

It fits code that waits only for other code on the loop. Threads and sockets have a time of their own; a
test that waits for one of them belongs on a real loop.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Deadlock", "VirtualTimeLoop", "run_virtual"]

T = TypeVar("T")


class Deadlock(RuntimeError):
    """Everybody waits and nothing is scheduled: on a real loop this would hang for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves the clock instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise Deadlock(f"Nothing is ready or scheduled at {self.time:g} s of virtual time.")
            self.time += max(0.0, timeout)
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector event loop whose ``time()`` starts at 0 and jumps to the next timer when all is idle."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.time


def run_virtual(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time and return its result.

    Raises:
        Deadlock: It waits for something that nothing will bring about.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
