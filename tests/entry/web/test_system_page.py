"""The page about the server: made for its strict policy, and shown by a real browser where there is one."""

from __future__ import annotations

import re
import subprocess
from importlib import resources
from typing import Any

import httpx
import pytest

from fablewright.adapters.exports.pdf import find_browser

ASSETS = resources.files("fablewright.entry.web").joinpath("assets")
PAGE = ASSETS.joinpath("system.html").read_text("utf-8")
SCRIPTS = {name: ASSETS.joinpath(name).read_text("utf-8") for name in ("system.js", "system-charts.js")}

FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --virtual-time-budget=2500
""".split()


def test_the_page_has_nothing_that_its_policy_forbids() -> None:
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|https?://", PAGE)
    assert re.findall(r"<script[^>]*>(.*?)</script>", PAGE) == [""]
    for script in SCRIPTS.values():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)


def test_every_place_that_the_script_fills_is_on_the_page() -> None:
    wanted = set(re.findall(r'(?:show|at)\("([a-z]+)"', SCRIPTS["system.js"]))
    assert wanted >= {"waits", "agents", "breakers", "latency", "letters", "story"}
    assert wanted <= set(re.findall(r'id="([a-z]+)"', PAGE))


def test_the_page_and_its_files_are_served(served: Any) -> None:
    page = httpx.get(f"{served.url}/system", timeout=30)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', page.text)
    assert len(found) == 3
    kinds = {httpx.get(served.url + path, timeout=30).headers["content-type"].split(";")[0] for path in found}
    assert kinds == {"text/css", "text/javascript"}
    sizes = [len(httpx.get(served.url + path, timeout=30).content) for path in found]
    assert len(page.content) + sum(sizes) < 60_000


def test_a_browser_shows_what_the_server_does(served: Any) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip("no Chromium here")
    httpx.post(f"{served.url}/api/v1/answers", json={"words": "generate scenario for the first encounter"}, timeout=30)
    ran = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--virtual-time-budget=2500",
            "--dump-dom",
            f"{served.url}/system",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    shown = ran.stdout
    assert "Up to date" in shown
    assert "scenario_<wbr>generator</td>" in shown
    assert re.search(r"<rect [^>]*height=", shown), "a histogram"
    assert 'data-key="haystack_pipeline.retrieve_documents open" aria-pressed="false"' in shown
