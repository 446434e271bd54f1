"""What the page says when the server, or the way to it, is gone in the middle of a request; the model hangs in all."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from fablewright.testing.model_server import Turn

from .conftest import Served, model, notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.long

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("cut off")
    with model(Turn(after=math.inf)) as hanging:
        environment = {"FABLEWRIGHT_MODEL": "tiny", "FABLEWRIGHT_MODEL_URL": hanging.url}
        served = Served(folder, "--notes", str(notes(folder)), **environment, FABLEWRIGHT_MODEL_TIMEOUT="300")
        served.start()
        yield served
        served.stop()


def asked(page: Page) -> None:
    """Ask, and wait until the scene is there and the model is waited for."""
    page.wait_for_selector("#scene:not([aria-busy])")
    page.fill("#words", "generate a scene at the mill")
    page.keyboard.press("Enter")
    expect(page.locator("#stage")).to_contain_text("writing")


def test_what_is_under_way_when_the_server_ends_is_said_at_once(server: Served, open_page: Callable[..., Page]) -> None:
    page = open_page(server.url)
    asked(page)
    server.stop()
    expect(page.locator("#stage")).to_contain_text("Stopped; what is there stays.")
    server.start()


def test_a_server_that_comes_back_after_a_crash_does_not_know_the_request_and_that_is_said(
    server: Served, open_page: Callable[..., Page]
) -> None:
    page = open_page(server.url)
    asked(page)
    server.crash()
    expect(page.locator("#stage")).to_contain_text("No connection, trying again")
    server.start()
    expect(page.locator("#stage")).to_contain_text("Cut off; what is there stays.")
    expect(page.locator("[data-part=read_aloud]")).to_contain_text("Flour lies ankle-deep")
    expect(page.locator("#connection")).to_contain_text("The server is back")


def test_what_was_cut_off_is_taken_up_again_by_a_page_that_is_back_in_the_network(
    server: Served, open_page: Callable[..., Page], slowness: float
) -> None:
    page = open_page("about:blank")
    page.add_init_script(  # Playwright's own way of being offline leaves streams as they are
        """window.streams = [];
        const Source = window.EventSource;
        window.EventSource = class extends Source {
          constructor(url) { super(url); window.streams.push(this); }
        };"""
    )
    page.goto(server.url)
    asked(page)
    away = "**/api/v1/**"
    page.route(away, lambda route: route.abort())
    page.evaluate("for (const each of window.streams) each.onerror()")
    began = time.monotonic()
    expect(page.locator("#stage")).to_contain_text("Cut off; what is there stays.")
    assert time.monotonic() - began < 8 * slowness
    expect(page.locator("#stop")).to_be_hidden()
    page.unroute(away)
    expect(page.locator("#stop")).to_be_visible()  # it goes on, and can be stopped
    page.click("#stop")
    expect(page.locator("#stage")).to_contain_text("Stopped; what is there stays.")
