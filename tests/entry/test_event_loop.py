from __future__ import annotations

import asyncio
import threading
import time

import pytest

from fablewright.entry.event_loop import run_loop


def test_it_returns_what_the_coroutine_returns() -> None:
    async def main() -> int:
        await asyncio.sleep(0)
        return 3

    assert run_loop(main()) == 3


def test_it_waits_for_no_thread() -> None:
    hang = threading.Event()

    async def main() -> float:
        asyncio.get_running_loop().run_in_executor(None, hang.wait)
        await asyncio.sleep(0.01)
        return time.monotonic()

    answered = run_loop(main())
    took = time.monotonic() - answered
    hang.set()
    assert took < 0.5


def test_an_interrupt_ends_it_and_the_tasks_clean_up() -> None:
    cleaned = []

    async def main() -> None:
        asyncio.get_running_loop().call_soon(interrupt)
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_loop(main())
    assert cleaned == [True]
