"""A real ``fablewright serve`` and a real Chromium in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from fablewright.testing.model_server import ModelServer, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

_CHROMIUM = Path("/usr/bin/chromium")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)

HIDDEN = "Orla Venn sold the keys of the weir for ninety crowns"
"""What no player may ever see, not even in what a browser is sent."""
MILL = f"""# The Mill at Night

> [!quote] Read aloud
> Flour lies ankle-deep on the floor of the mill, and nothing has walked in it.

The wheel has stopped. Two bandits and a scout sleep in the loft, above the sacks.

The bandits would rather bargain than bleed: they ask for the ferry, and know who paid them.

Behind the hopper is a hollow where somebody small can hide, and see the whole floor.

> [!secret] For the GM
> {HIDDEN}. Whoever turns out her desk finds the letter.

## Checks

- **Wisdom (Perception) DC 13**, at the door: on a success the party hears the bandits snore; on a failure a board
  creaks and the scout wakes.
- **Dexterity (Stealth) DC 11**, on the ladder: on a success nobody wakes; on a failure a sack falls.
- **Charisma (Persuasion) DC 12**, to the bandits: on a success they name who paid; on a failure they draw.
- **Intelligence (Investigation) DC 14**, at the desk: on a success a drawer opens; on a failure it jams.

## Foes

Two bandits and one scout.

## If the party does nothing

At dawn the weir opens, and the lower village floods.

## Loot

A purse with 12 gp, and the letter.
"""
PEOPLE = """# People of the Weir

## Orla Venn

Miller, forty, never hurries. Wants quiet at any price.

## Tam Reddick

Ferryman. Owes Orla Venn money, and hates it.
"""
FERRY = """# The Ferry in Flood

The rope hums like a harp, and the far bank is gone in the rain. The river is over the landing.

A crocodile lies under the planks.

## Checks

- **Strength (Athletics) DC 12**, at the rope: on a success the ferry holds; on a failure it spins.

## Foes

One crocodile.

## Loot

A lantern that burns under water.
"""
BAIT = """# The Bait Shop

> [!quote] Read aloud
> A sign swings: <img src="https://example.com/eye.png" onerror="document.title='caught'"> fresh worms.

The keeper sells <script>document.title = 'caught'</script> hooks, and [luck](javascript:document.title='caught').

![a worm](https://example.com/worm.png) <svg onload="document.title='caught'"></svg> <b onclick="alert(1)">lines</b>

## Loot

Three hooks, and $assets a purse of {{worms}}.
"""
HOUSE = """# House Rules

The party plays on Thursdays. A natural 20 on a check tells one thing more.
"""
PROSE = json.dumps(
    {
        "read_aloud": [{"text": "Rain hides the far bank, and the rope hums like a harp.", "from": [1]}],
        "consequences": [{"text": "The rope frays, and nobody on the bank sees it.", "from": []}],
    }
)
"""What the model writes about the ferry."""


class Served:
    """A server that can be ended and started again at the same port.

    Attributes:
        url: Where it is.
        printed: What it said when it started.
    """

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.url = ""
        self.printed = ""
        self._folder = folder
        self._options = options
        self._environment = environment
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("FABLEWRIGHT_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fablewright", "serve", "--port", self._port, *self._options],
            env={**variables, "FABLEWRIGHT_DATA_DIR": str(self._folder / "data"), **self._environment},
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.printed = self._process.stdout.readline()
        found = re.search(r":(\d+)/", self.printed)
        assert found, self.printed
        self._port = found[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def crash(self) -> None:
        """End it so that it can tell nobody."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate(timeout=15)
        self._process = None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=15)
            self._process = None


def notes(folder: Path) -> Path:
    """Write the notes that the tests play with."""
    made = folder / "notes"
    made.mkdir()
    for name, text in {"mill": MILL, "ferry": FERRY, "bait": BAIT, "people": PEOPLE, "house rules": HOUSE}.items():
        (made / f"{name}.md").write_text(text, "utf-8")
    return made


@contextlib.contextmanager
def model(*turns: Turn) -> Iterator[ModelServer]:
    """Run a model's server on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    served = ModelServer(*turns)
    asyncio.run_coroutine_threadsafe(served.__aenter__(), loop).result(10)
    try:
        yield served
    finally:
        asyncio.run_coroutine_threadsafe(served.__aexit__(None, None, None), loop).result(10)
        asyncio.run_coroutine_threadsafe(_cancel_all(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture(scope="module")  # and no longer: Playwright has a loop that runs, beside which no other can
def browser() -> Iterator[Browser]:
    """One Chromium for a module."""
    if not _CHROMIUM.exists():
        pytest.skip(f"there is no Chromium at {_CHROMIUM}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=list(_ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages in contexts of their own, and hold them to it that nothing went wrong in them."""
    contexts, wrong = [], list[str]()

    def opened(url: str, *, width: int = 1366, height: int = 768, **more: object) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if _is_ours(said.type, said.text) else None)
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _is_ours(kind: str, text: str) -> bool:
    """Whether an error is ours: the browser says by itself when a server is away, or says no."""
    return kind == "error" and not text.startswith("Failed to load resource")
