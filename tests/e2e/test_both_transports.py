"""The page in front of agents in its own process, and of agents in another one on a NATS server: all is the same."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from fablewright.testing.nats_server import NatsServer

from .conftest import HIDDEN, Served, notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from playwright.sync_api import Page

pytestmark = pytest.mark.long

expect.set_options(timeout=20_000)


@pytest.fixture(scope="module", params=["one process", "agents on NATS"])
def table(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a server, and where its agents are elsewhere, those."""
    if request.param == "agents on NATS" and NatsServer.program() is None:
        pytest.skip("there is no nats-server")
    folder = tmp_path_factory.mktemp("table")
    options = ["--notes", str(notes(folder))]
    environment = {"FABLEWRIGHT_DATA_DIR": str(folder / "data"), "FABLEWRIGHT_PROSE": "off"}
    with ExitStack() as running:
        if request.param == "agents on NATS":
            server = running.enter_context(NatsServer("-js", "-sd", str(folder / "store")))
            environment |= {"FABLEWRIGHT_BUS": server.url, "FABLEWRIGHT_WORK": server.url}
            running.callback(_ended, _agents(options, environment))
        prepared = [sys.executable, "-m", "fablewright", "prep", "--scenes", "1", "the ferry", *options]
        subprocess.run(prepared, env={**os.environ, **environment}, capture_output=True, timeout=90, check=True)
        served = Served(folder, *options, **environment)
        served.start()
        running.callback(served.stop)
        yield served


def _agents(options: list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fablewright", "agent", "all", *options],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert " on nats://" in process.stdout.readline()
    return process


def _ended(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=30)


def test_a_scene_its_passages_its_cast_and_an_option_that_is_played(
    table: Served, open_page: Callable[..., Page]
) -> None:
    page = open_page(table.url)
    page.wait_for_selector("#scene:not([aria-busy])")
    page.fill("#words", "generate a scene at the mill")
    page.keyboard.press("Enter")
    expect(page.locator("#scene h2")).to_contain_text("The Mill at Night")
    expect(page.locator("#scene .secret").first).to_contain_text(HIDDEN)
    expect(page.locator("#panel-sources")).to_contain_text("mill.md")
    page.click("#tab-cast")
    expect(page.locator("#panel-cast .person").first).to_contain_text("Orla Venn")
    page.locator(".option", has_text="DC 13").click()
    page.click("#tab-log")
    expect(page.locator("#logged .events li").first).to_be_visible()
    page.get_by_role("button", name="Undo the last").click()
    expect(page.locator("#logged")).not_to_contain_text("Undo the last")


def test_what_is_prepared_is_listed_and_opened_by_the_keyboard(table: Served, open_page: Callable[..., Page]) -> None:
    page = open_page(table.url, width=360, height=740)
    page.wait_for_selector("#scene:not([aria-busy])")
    page.focus("#tab-sources")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-prepared")).to_be_focused()
    row = page.locator("#panel-prepared .prepared li")
    expect(row).to_contain_text("The Ferry in Flood")
    expect(row).to_contain_text("from ferry.md")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Open: The Ferry in Flood")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#scene h2")).to_contain_text("The Ferry in Flood")
    expect(page.locator("[data-part=options] .option").first).to_be_visible()
