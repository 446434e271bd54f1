from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fablewright.runtime.audience import Audience
from fablewright.runtime.home import Home

if TYPE_CHECKING:
    from fablewright.runtime.events import Event

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend(virtual_time: object) -> object:
    return virtual_time


async def test_each_sees_all_from_when_it_came_to_when_it_left() -> None:
    audience = Audience(Home())
    first: list[str] = []
    second: list[str] = []
    leave = audience.admit(lambda event: first.append(event.to))
    audience.tell("blocked", to="one")
    audience.admit(lambda event: second.append(event.to))
    audience.tell("blocked", to="two")
    leave()
    leave()
    audience.tell("blocked", to="three")
    assert (first, second) == (["one", "two"], ["two", "three"])


async def test_who_fails_looks_on_no_more_and_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    audience = Audience(Home())
    seen: list[str] = []

    def fails(event: Event) -> None:
        raise RuntimeError(event.what)

    audience.admit(fails)
    audience.admit(lambda event: seen.append(event.to))
    audience.tell("blocked", to="one")
    audience.tell("blocked", to="two")
    assert seen == ["one", "two"]
    assert caplog.text.count("An observer failed") == 1


async def test_who_holds_up_the_loop_is_named() -> None:
    audience = Audience(Home())
    audience.blocked("library.fetch", 0.2, "books.py:3")  # with nobody there it is nothing
    seen: list[Event] = []
    audience.admit(seen.append)
    audience.blocked("library.fetch", 0.2, "books.py:3")
    assert [(event.what, event.to, event.detail) for event in seen] == [
        ("blocked", "library", "library.fetch for 200 ms at books.py:3")
    ]
