"""``fablewright top``: how a server is doing, each second, in a terminal; it comes back when the server does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec
from textual.app import App
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.coordinate import Coordinate
from textual.widgets import DataTable, Footer, Static

from fablewright.entry.system_report import SystemReport
from fablewright.entry.top_view import breaker_remark, breaker_row, duration, figures, tables
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult

__all__ = ["Server", "Top"]

_EVERY = 1.0


class Server(Protocol):
    """What is looked at."""

    async def report(self) -> bytes:
        """Return how it is doing, as JSON."""

    async def force(self, agent: str, action: str, state: str) -> None:
        """Switch a circuit breaker."""


class Top(App[None]):
    """The view.

    Args:
        server: What is looked at.
        url: Where it is, for people.
        clock: Returns seconds that only grow.
    """

    TITLE = "Fablewright"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #state { height: auto; padding: 0 1; background: $panel; color: $text-muted; }
    #state.lost { color: $error; text-style: bold; }
    #figures { height: auto; padding: 1 1 0 1; }
    #breakers { height: auto; max-height: 8; margin: 1 1 0 1; background: $background; overflow-x: hidden; }
    #why { height: auto; padding: 0 2; color: $text-muted; }
    VerticalScroll { margin-top: 1; scrollbar-size-vertical: 1; }
    #view { padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("o", "force('open')", "Force open"),
        Binding("a", "force('auto')", "Auto"),
        Binding("c", "force('closed')", "Force closed"),
    ]

    def __init__(self, server: Server, url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._server = server
        self._url = url
        self._clock = clock
        self._seen_at: float | None = None
        self._breakers: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        """Yield what is on the screen, from top to bottom."""
        yield Static(f"Looking at {self._url} …", id="state", markup=False)
        yield Static("", id="figures")
        table: DataTable[object] = DataTable(id="breakers", cursor_type="row", zebra_stripes=False)
        table.add_columns("Circuit breaker", "State")
        table.display = False
        yield table
        yield Static("", id="why", markup=False)
        with VerticalScroll(can_focus=True):
            yield Static("", id="view")
        yield Footer()

    async def on_mount(self) -> None:
        """Begin to look."""
        self.set_interval(_EVERY, self.look)
        await self.look()

    async def look(self) -> None:
        """Show how the server is doing now; what was seen last stays while it does not answer."""
        try:
            report = msgspec.json.decode(await self._server.report(), type=SystemReport)
        except msgspec.MsgspecError:
            self._lost(f"What answers at {self._url} is no Fablewright of this version")
        except FablewrightError as error:
            self._lost(str(error))
        else:
            self._seen_at = self._clock()
            self._say(f"{self._url}   up to date, each second")
            self._show(report)

    async def action_force(self, state: str) -> None:
        """Switch the circuit breaker that the cursor is at."""
        row = self.query_one(DataTable).cursor_row
        if not 0 <= row < len(self._breakers):
            self.notify("There is no circuit breaker so far: each is there once its agent was asked.")
            return
        agent, action = self._breakers[row]
        try:
            await self._server.force(agent, action, state)
        except FablewrightError as error:
            self.notify(f"{error}.", severity="error", markup=False)
            return
        await self.look()

    # -------------------------------------------------------------- inside

    def _show(self, report: SystemReport) -> None:
        self.query_one("#figures", Static).update(figures(report))
        self.query_one("#view", Static).update(tables(report))
        self.query_one("#why", Static).update("\n".join(filter(None, map(breaker_remark, report.breakers))))
        table = self.query_one(DataTable)
        table.display = bool(report.breakers)
        named = [(breaker.agent, breaker.action) for breaker in report.breakers]
        if named != self._breakers:
            self._breakers = named
            table.clear()
            for breaker in report.breakers:
                table.add_row(*breaker_row(breaker))
            return
        for row, breaker in enumerate(report.breakers):
            for column, cell in enumerate(breaker_row(breaker)):
                table.update_cell_at(Coordinate(row, column), cell, update_width=True)

    def _lost(self, why: str) -> None:
        if self._seen_at is None:
            self._say(f"{why}; trying again. `fablewright serve` starts one.", lost=True)
            return
        age = duration(1000 * (self._clock() - self._seen_at))
        self._say(f"{why}; trying again. What you see is {age} old.", lost=True)

    def _say(self, words: str, *, lost: bool = False) -> None:
        place = self.query_one("#state", Static)
        place.update(words)
        place.set_class(lost, "lost")
