from __future__ import annotations

import asyncio
import time

import pytest

from fablewright.testing.virtual_loop import Deadlock, run_virtual


@pytest.mark.benchmark
def test_an_hour_takes_milliseconds() -> None:
    async def main() -> float:
        await asyncio.sleep(3600.0)
        return asyncio.get_running_loop().time()

    started = time.perf_counter()
    assert run_virtual(main()) == pytest.approx(3600.0)
    assert time.perf_counter() - started < 1.0


def test_a_deadlock_raises() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match="Nothing is ready"):
        run_virtual(main())


def test_timers_fire_in_order() -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def at(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            seen.append(name)

        await asyncio.gather(at(3.0, "c"), at(1.0, "a"), at(2.0, "b"))
        return seen

    assert run_virtual(main()) == ["a", "b", "c"]
