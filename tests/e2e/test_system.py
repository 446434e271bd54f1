"""The page about the server in a real browser, while a model hangs and a breaker is forced open."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from fablewright.testing.model_server import Turn

from .conftest import Served, model, notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

pytestmark = pytest.mark.long

ASKED = "generate a scene at the mill"
STICKS_OUT = """() => [...document.querySelectorAll('section *')].filter((each) => {
  const card = each.closest('section').getBoundingClientRect();
  const box = each.getBoundingClientRect();
  const isCut = each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline';
  return box.width > 1 && !each.matches('.asked') && (isCut || box.right > card.right + 0.5);
}).map((each) => each.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server at which four wait for a model and three wait for these."""
    folder = tmp_path_factory.mktemp("busy")
    with model(Turn(after=math.inf)) as hanging:
        environment = {"FABLEWRIGHT_MODEL": "tiny", "FABLEWRIGHT_MODEL_URL": hanging.url}
        served = Served(folder, "--notes", str(notes(folder)), **environment, FABLEWRIGHT_MODEL_TIMEOUT="300")
        served.start()
        answer = {"words": "who is Tam Reddick?", "prose": False}
        assert httpx.post(f"{served.url}/api/v1/answers", json=answer, timeout=60).is_success
        for _ in range(7):
            order = {"words": ASKED}
            assert httpx.post(f"{served.url}/api/v1/runs", json=order, timeout=60).is_success
        yield served
        served.stop()


@pytest.mark.parametrize("width", [1366, 768, 360])
def test_everything_fits_and_axe_finds_nothing(busy: Served, open_page: Callable[..., Page], width: int) -> None:
    page = open_page(f"{busy.url}/system", width=width, height=900, bypass_csp=True)  # axe makes scripts out of text
    expect(page.locator(".wait.queued")).to_have_count(3)
    expect(page.locator(".wait")).to_have_count(7)
    expect(page.locator(".story .span").first).to_be_visible()
    assert page.evaluate(STICKS_OUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("agents", "caches"):
        assert page.locator(f"#{name}").evaluate("(at) => at.scrollWidth <= at.clientWidth"), name
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        violations = Axe().run(page).response["violations"]
        assert violations == [], json.dumps([(each["id"], each["nodes"][0]["html"]) for each in violations], indent=1)


def test_a_breaker_is_forced_by_the_keyboard_and_what_was_asked_is_told_as_a_story(
    busy: Served, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"{busy.url}/system")
    first = page.locator("#stories button[aria-pressed=true]")
    expect(first).to_contain_text(ASKED)  # the newest that was answered, not one of the model's
    expect(page.locator(".story .span").first).to_contain_text("handle_request orchestrator")
    assert page.locator(".story .span").count() > 2
    name = "haystack_pipeline.retrieve_documents"
    page.locator(f'[data-key="{name} open"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator("#forced")).to_contain_text("is forced open")
    expect(page.locator(f'[data-key="{name} open"]')).to_be_focused()  # though all of it was drawn anew
    order = {"words": "a scene at the ferry in flood", "prose": False}
    answer = httpx.post(f"{busy.url}/api/v1/answers", json=order, timeout=60).json()
    assert "switched off by hand" in answer["missing"][0]
    page.locator(f'[data-key="{name} auto"]').focus()
    page.keyboard.press("Space")
    expect(page.locator("#forced")).not_to_contain_text("forced")


def test_a_server_that_is_gone_leaves_what_was_seen_with_its_age(busy: Served, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{busy.url}/system")
    expect(page.locator("#state")).to_contain_text("Up to date")
    busy.stop()
    expect(page.locator("#state")).to_contain_text("The server does not answer; what you see is")
    expect(page.locator("#agents")).to_contain_text("orchestrator")
    busy.start()
    expect(page.locator("#state")).to_contain_text("Up to date")


def test_what_could_not_be_read_is_shown_where_there_is_some(busy: Served, open_page: Callable[..., Page]) -> None:
    page = open_page(f"{busy.url}/system")
    expect(page.locator("#figures")).to_contain_text("dead letters")
    expect(page.locator("#figures")).not_to_contain_text("unreadable")
    seen = {**httpx.get(f"{busy.url}/api/v1/system", timeout=60).json(), "unreadable": 3}
    page.route("**/api/v1/system", lambda route: route.fulfill(json=seen))
    expect(page.locator("#figures .bad", has_text="unreadable")).to_contain_text("3")
