"""An event loop in virtual time: an hour of waiting takes milliseconds, and a deadlock raises.

::

    assert run_virtual(main()) == 42


    # or, with anyio's pytest plugin:
    @pytest.fixture
    def anyio_backend():
        return "asyncio", {"loop_factory": VirtualTimeLoop}

With a seed the order of what is ready at one instant is shuffled, turn by turn, as trio does: callbacks and
the timers that are due alike. A race between two things that fall on one instant then shows under some seed,
and that seed shows it again.

It fits code that waits only for other code on the loop. Threads and sockets have a time of their own; a
test that waits for one of them belongs on a real loop.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import selectors
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Coroutine

__all__ = ["Deadlock", "Livelock", "VirtualTimeLoop", "run_virtual"]

T = TypeVar("T")

_TURNS_AT_ONE_INSTANT = 100_000
_TURNS_BETWEEN_POLLS = 64  # a system call each turn would be a third of the cost of a seeded run


class Deadlock(RuntimeError):
    """Everybody waits and nothing is scheduled: on a real loop this would hang for ever."""


class Livelock(RuntimeError):
    """Something is ready again and again at one instant: on a real loop this would burn the processor for ever."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves the clock instead of sleeping."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self._loop
        loop.turns += 1
        polls = timeout != 0 or not loop.is_shuffled or loop.turns % _TURNS_BETWEEN_POLLS == 0
        events = super().select(0) if polls else []
        if not events:
            if timeout is None:
                raise Deadlock(f"Nothing is ready or scheduled at {self.time:g} s of virtual time.")
            if timeout > 0:
                self.time = loop.next_timer()  # not by adding the time-out, which is rounded
                loop.turns = 0
        loop.begin_turn()
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A selector event loop whose ``time()`` starts at 0 and jumps to the next timer when all is idle.

    Args:
        seed: Shuffle what is ready at one instant by this seed; None keeps the order of asyncio.

    Attributes:
        is_virtual: Says to whoever would watch the loop from a thread that there is no real time to watch.
        events: Callbacks run so far.
        choices: How many of them were chosen out of two or more that were ready.
        turns: Rounds of the loop at the present instant.
    """

    is_virtual: ClassVar[bool] = True
    _ready: deque[asyncio.Handle]  # asyncio's own queues: the only way to reorder what was scheduled already
    _scheduled: list[asyncio.TimerHandle]
    _clock_resolution: float

    def __init__(self, seed: int | None = None) -> None:
        self.events = 0
        self.choices = 0
        self.turns = 0
        self._draw = None if seed is None else random.Random(seed).random
        self._jumping = _JumpingSelector(self)
        super().__init__(self._jumping)
        self._clock_resolution = 0.0  # asyncio takes what is due within a nanosecond for due; this clock is exact

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._jumping.time

    @property
    def is_shuffled(self) -> bool:
        """Whether it was given a seed."""
        return self._draw is not None

    def next_timer(self) -> float:
        """Return when the next timer is due; there must be one."""
        return self._scheduled[0].when()

    def begin_turn(self) -> None:
        """Add the timers that are due to what is ready, and shuffle it all; the turn then runs it in that order."""
        self._add_due_timers()
        ready = self._ready
        count = len(ready)
        self.events += count
        draw = self._draw
        if count > 1:
            self.choices += count - 1
        if draw is None or count == 0:
            return
        if self.turns > _TURNS_AT_ONE_INSTANT:
            self.turns = 0  # whoever catches it may end what is going round
            raise Livelock(f"After {_TURNS_AT_ONE_INSTANT} turns something is still ready at {self._jumping.time:g} s.")
        if count <= 2:
            if count == 2 and draw() < 0.5:
                ready.rotate(1)
            return
        batch = [ready.popleft() for _ in range(count)]  # one by one: a thread may append at this moment
        for last in range(count - 1, 0, -1):
            other = int(draw() * (last + 1))
            batch[last], batch[other] = batch[other], batch[last]
        ready.extend(batch)

    def _add_due_timers(self) -> None:
        scheduled, now = self._scheduled, self._jumping.time
        while scheduled and scheduled[0].when() <= now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001 - as asyncio does when it takes one
            if not timer.cancelled():
                self._ready.append(timer)


def run_virtual(work: Coroutine[Any, Any, T], *, seed: int | None = None) -> T:
    """Run a coroutine to its end in virtual time and return its result.

    Args:
        work: What to run.
        seed: Shuffle what is ready at one instant by this seed.

    Raises:
        Deadlock: It waits for something that nothing will bring about.
    """
    with asyncio.Runner(loop_factory=partial(VirtualTimeLoop, seed)) as runner:
        return runner.run(work)
