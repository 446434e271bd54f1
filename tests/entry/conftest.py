"""What the tests of the command line share: one answer with everything in it, and a clean environment."""

from __future__ import annotations

import json
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.gm.answer import Answer, Timings
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "First encounter.md"
TOP = "First encounter: the Small Change robs the queue"


def quoted(text: str, *sources: int, secret: bool = False) -> Line:
    return Line(text, Origin.QUOTED, sources, secret=secret)


def invented(text: str) -> Line:
    return Line(text, Origin.INVENTED)


PASSAGES = (
    Passage("The fog smells of [red]cold[/red] pennies.", FILE, (TOP,), 300, 342, 8.25),
    Passage("**One spy** (Fenwick Tull), **two toughs**", FILE, (TOP, "Foes"), 900, 942, 7.5),
    Passage("- **Wisdom (Perception) DC 13**", FILE, (TOP, "Checks"), 1400, 1431, 7.0),
    Passage("pennies go \x1b[31mup\x1b[0m to the inn", FILE, (TOP, "Checks"), 1500, 1530, 6.5),
    Passage("The lawyer is Mister Ormery.", "People of Thole.md", ("People", "Mr Ormery"), 10, 38, 4.0),
)

SCENE = Scene(
    title=quoted(TOP, 0),
    read_aloud=(
        quoted(
            "The fog smells of [red]cold[/red] pennies. Forty-three of the dead stand on the causeway, "
            "and at the very end of the line, in his good coat, stands Ambrose Teal, humming.",
            0,
        ),
        invented("Somewhere behind you, a gate is pulled shut."),
    ),
    here=(
        quoted(
            "Fenwick Tull and his gang, the Small Change, have taken six pennies tonight and put them in a "
            "biscuit tin on the cart. Two of the robbed have begun to curdle.",
            0,
        ),
        quoted("The pennies go \x1b[31mup\x1b[0m to the inn, one a night.", 3, secret=True),
        Line("Fog: Lightly Obscured beyond 30 feet.", Origin.FROM_NOTES, (0, 1)),
    ),
    checks=(
        Check(
            "Wisdom (Perception)",
            13,
            quoted("on the Stairs", 2),
            quoted("the party sees Mabb crouching in the water", 2),
            quoted("she springs out and everyone has Disadvantage on Initiative", 2),
            Origin.QUOTED,
            (2,),
        ),
        Check(
            "Charisma (Intimidation)",
            13,
            quoted("on a captured Crake", 3),
            quoted('she says that pennies go "up to the inn, one a night"', 3),
            None,
            Origin.QUOTED,
            (3,),
        ),
        Check(
            "Dexterity (Sleight of Hand)",
            12,
            None,
            invented("the tin is yours"),
            None,
            Origin.BY_RULE,
        ),
    ),
    foes=(
        Foe("Spy", 1, 1.0, 200, "Fenwick Tull; wants the tin, not a fight", Origin.QUOTED, (1,)),
        Foe(
            "Tough",
            2,
            0.5,
            100,
            "the sisters Dab and Mabb Crake (Thug in the 2014 rules)",
            Origin.QUOTED,
            (1,),
        ),
        Foe("Curdled dead", None, None, None, "", Origin.FROM_NOTES, (0,)),
    ),
    balance=(Line("400 XP for four level-2 characters: between low (200) and moderate (600).", Origin.BY_RULE),),
    options=(
        Option(
            quoted("Press a penny into a zombie's left hand.", 3),
            quoted("It sighs, turns grey and takes its place again.", 3),
        ),
        Option(invented("Let Teal talk.")),
    ),
    consequences=(quoted("Tull robs Teal and leaves. At midnight all seven robbed dead walk home.", 4),),
    loot=(quoted("The biscuit tin: six pennies.", 0),),
)

ANSWER = Answer(
    want="scene",
    status="answered",
    scene=SCENE,
    citations=PASSAGES,
    used_rag=True,
    generation_method="composer",
    timings=Timings(retrieve_ms=123.4, compose_ms=31.2, total_ms=1210.9),
)


@pytest.fixture
def full_answer() -> Answer:
    return ANSWER


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of its own, a working directory without settings, and no variables but that."""
    for name in [name for name in os.environ if name.startswith("FABLEWRIGHT_")]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    level = root.level
    folder = tmp_path / "data"
    monkeypatch.setenv("FABLEWRIGHT_DATA_DIR", str(folder))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    yield folder
    for handler in [each for each in root.handlers if each.name == "fablewright"]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


class Models:
    """A server of models on this machine: embeds by letters, and reranks by a word.

    Attributes:
        url: Where it is.
        likes: The word that makes it score a text higher.
        hangs: Whether it leaves calls unanswered until the test is over.
        calls: The paths that were asked for.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.likes = "ferry"
        self.hangs = False
        self.over = threading.Event()
        self.calls: list[str] = []

    def reply(self, path: str, content: Any) -> Any:
        self.calls.append(path)
        if self.hangs:
            self.over.wait(20)
        if path == "/embeddings":
            rows = [[text.lower().count(letter) + 0.1 for letter in "aeiou"] for text in content["input"]]
            return {"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]}
        scores = [float(self.likes in text) for text in content["documents"]]
        return {"results": [{"index": at, "relevance_score": score} for at, score in enumerate(scores)]}


@pytest.fixture
def models() -> Iterator[Models]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = json.loads(self.rfile.read(int(self.headers["content-length"])))
            body = json.dumps(served.reply(self.path, content)).encode()
            try:
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                pass  # the client has left

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = Models(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield served
        finally:
            served.over.set()
            server.shutdown()
            thread.join()
