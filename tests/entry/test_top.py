"""``fablewright top``: what it shows of a report, its keys, and a server that goes and comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console
from textual.widgets import DataTable, Static

from fablewright.entry.cli import run
from fablewright.entry.system_report import (
    ActionReport,
    AgentReport,
    BreakerReport,
    Bucket,
    CacheReport,
    LetterReport,
    PendingReport,
    SystemReport,
)
from fablewright.entry.top import Top
from fablewright.entry.top_view import breaker_remark, duration, figures, tables
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

SEARCH = ("haystack_pipeline", "retrieve_documents")
BUCKETS = (Bucket(8, 7), Bucket(16, 0), Bucket(64, 1))
REPORT = SystemReport(
    asked=12,
    outcomes={"replied": 8, "expired": 1},
    pending_count=3,
    pending_bytes=500,
    tasks=2,
    loop_lag_ms=312.0,
    contract_violations=0,
    unreadable=0,
    dead_letters={"late": 1},
    agents=(AgentReport("orchestrator", 0, 1000, 1, 64, 0), AgentReport("writer", 2, 1000, 4, 4, 1)),
    pending=(
        PendingReport("1", "", "", "orchestrator", "handle_request", 4000.0, 6000.0, started=True),
        PendingReport("9", "", "", "writer", "write_prose", 100.0, 29_900.0, started=True),
        PendingReport("2", "1", "orchestrator", "haystack_pipeline", "find_limits", 3000.0, -2.0, started=False),
    ),
    breakers=(BreakerReport(*SEARCH, "open", 12_000.0, "took 3.00 s", 2),),
    caches=(CacheReport(*SEARCH, hits=3, misses=5, stale=1, evictions=0, entries=5, bytes=9000),),
    letters=(LetterReport("7", "late", "Limits", 240_000.0),),
    actions=(
        ActionReport(
            *SEARCH, 8, {"replied": 8}, 0, 0, 0, 0, 5.0, 60.0, 60.0, (Bucket(8, 7), Bucket(16, 0), Bucket(64, 1))
        ),
        ActionReport("writer", "write_prose", 1, {}, 0, 0, 0, 0, None, None, None, ()),
    ),
)


def printed(width: int = 100, what: RenderableType | None = None) -> list[str]:
    console = Console(width=width, record=True, color_system=None, file=None, quiet=True)
    console.quiet = False
    with console.capture() as captured:
        console.print(what or tables(REPORT))
    return [line.rstrip() for line in captured.get().splitlines()]


class Server:
    def __init__(self) -> None:
        self.answers: list[bytes | str] = []
        self.forced: list[tuple[str, str, str]] = []

    async def report(self) -> bytes:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise FablewrightError(answer)
        return answer

    async def force(self, agent: str, action: str, state: str) -> None:
        self.forced.append((agent, action, state))


def test_the_counts_stand_in_one_line_and_where_there_is_no_room_none_is_torn_apart() -> None:
    counts = "12 requests   3 waiting   1 without a reply   1 dead letters   2 tasks   312 ms longest hold-up"
    assert printed(100, figures(REPORT)) == [counts]
    narrow = printed(60, figures(REPORT))
    assert len(narrow) > 1
    for count in counts.split("   "):
        assert any(count in line for line in narrow), count


def test_why_a_breaker_is_open_is_said_below_it() -> None:
    assert breaker_remark(REPORT.breakers[0]) == (
        "retrieve_documents: opened 2 ×; tried again in 12.0 s; last: took 3.00 s"
    )
    assert breaker_remark(BreakerReport(*SEARCH, "closed", None, "", 0)) == ""


def test_waits_stand_below_what_they_are_for() -> None:
    lines = printed()
    at = next(place for place, line in enumerate(lines) if line.startswith("Who waits for whom"))
    first, second, third = (line.split() for line in lines[at + 2 : at + 5])
    assert first == "somebody outside → handle_request orchestrator 4.0 s 6.0 s".split()
    assert second == "orchestrator → find_limits haystack_pipeline queued 3.0 s 0.0 ms".split()
    assert lines[at + 3].startswith("  orchestrator"), "indented"
    assert third == "somebody outside → write_prose writer 100 ms 29.9 s".split()


def test_a_histogram_is_a_line_of_blocks() -> None:
    line = next(
        line for line in printed() if line.startswith("retrieve_documents haystack_pipeline") and "60 ms" in line
    )
    assert line.endswith(("5.0 ms  60 ms  60 ms  █▂", "█ ▂"))
    assert next(line for line in printed() if line.startswith("write_prose")).split()[2:] == ["1", "–", "–", "–"]


@pytest.mark.parametrize("width", [60, 100, 200])
def test_it_fits(width: int) -> None:
    assert max(map(len, printed(width))) <= width


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(None, "–"), (0.25, "0.2 ms"), (12.3, "12 ms"), (1500.0, "1.5 s"), (61_000.0, "1 min")],
)
def test_times_are_short(milliseconds: float | None, said: str) -> None:
    assert duration(milliseconds) == said


@pytest.mark.anyio
async def test_keys_switch_the_breaker_at_the_cursor() -> None:
    server = Server()
    server.answers = [msgspec.json.encode(REPORT)]
    app = Top(server, "http://here")
    async with app.run_test(size=(100, 50)) as pilot:
        assert "up to date" in str(app.query_one("#state", Static).render())
        assert app.query_one(DataTable).row_count == 1
        for key in "oac":
            await pilot.press(key)
        await pilot.press("q")
    assert server.forced == [(*SEARCH, "open"), (*SEARCH, "auto"), (*SEARCH, "closed")]


@pytest.mark.anyio
async def test_a_server_that_goes_and_comes() -> None:
    server, now = Server(), [0.0]
    server.answers = ["Nothing answers at http://here"]
    app = Top(server, "http://here", clock=lambda: now[0])

    def state() -> str:
        return str(app.query_one("#state", Static).render())

    async with app.run_test(size=(60, 30)) as pilot:
        assert app.query_one("#state").region.height == 2  # all of the sentence is seen
        assert not app.query_one(DataTable).display
        assert state() == "Nothing answers at http://here; trying again. `fablewright serve` starts one."
        server.answers = [msgspec.json.encode(REPORT)]
        await app.look()
        assert "up to date" in state()
        assert app.query_one(DataTable).display
        await pilot.pause()
        assert "took 3.00 s" in str(app.query_one("#why", Static).render())
        assert not app.query_one(DataTable).show_horizontal_scrollbar
        server.answers, now[0] = ["Nothing answers at http://here"], 7.0
        await app.look()
        assert state() == "Nothing answers at http://here; trying again. What you see is 7.0 s old."
        assert app.query_one(DataTable).row_count == 1
        server.answers = [b'{"other": true}']
        await app.look()
        assert "no Fablewright of this version" in state()


@pytest.mark.usefixtures("data_dir")
def test_without_a_terminal_it_says_where_else_to_look(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["top", "--url", "http://127.0.0.1:1/"]) == 2
    assert "http://127.0.0.1:1/api/v1/system" in capsys.readouterr().err
