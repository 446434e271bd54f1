from __future__ import annotations

import asyncio
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.entry.event_loop import run_loop
from fablewright.entry.interrupt import Interrupted, first_interrupt, unless_interrupted

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _usual_handler() -> Iterator[None]:
    """Whoever starts the tests in the background has them ignore Ctrl-C; here it is to work."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press() -> None:
    signal.raise_signal(signal.SIGINT)


def test_the_first_press_calls_back_and_the_second_is_the_ordinary_one() -> None:
    pressed = []
    with first_interrupt(lambda: pressed.append(True)):
        press()
        assert pressed == [True]
        with pytest.raises(KeyboardInterrupt):
            press()
    assert pressed == [True]


def test_after_the_block_all_is_as_before() -> None:
    with first_interrupt(lambda: None):
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_program_in_the_background_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with first_interrupt(lambda: pytest.fail("called")):
        press()


def test_other_threads_do_without() -> None:
    failures = []

    def work() -> None:
        try:
            with first_interrupt(lambda: None):
                pass
        except ValueError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert failures == []


def test_what_is_waited_for_is_given_up_and_the_task_goes_on() -> None:
    ended = []

    async def forever() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append(True)

    async def main() -> str:
        asyncio.get_running_loop().call_later(0.02, press)
        with pytest.raises(Interrupted):
            await unless_interrupted(forever())
        await asyncio.sleep(0.01)  # not cancelled any more
        return "on"

    assert run_loop(main()) == "on"
    assert ended == [True]


def test_without_a_press_the_result_comes_through() -> None:
    async def main() -> int:
        return await unless_interrupted(asyncio.sleep(0, 7))

    assert run_loop(main()) == 7


def test_another_cancellation_is_not_taken_for_a_press() -> None:
    async def main() -> str:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        try:
            await unless_interrupted(asyncio.sleep(3600))
        except asyncio.CancelledError:
            task.uncancel()
            return "cancelled"

    assert run_loop(main()) == "cancelled"


def test_the_second_press_ends_the_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, press)
        try:
            await unless_interrupted(asyncio.sleep(3600))
        except Interrupted:
            loop.call_later(0.02, press)
            await asyncio.sleep(3600)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_loop(main())
    assert time.monotonic() - began < 5
