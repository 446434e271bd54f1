"""The campaign's log as a person reads it: day by day, each line with its id, then what is prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from fablewright.entry.terminal import clean, hanging
from fablewright.gm.campaign.events import plain
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.reading.name_key import name_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from fablewright.gm.campaign.memory import Recalled

__all__ = ["log_page"]

_SHOWN = 40
"""Lines that are shown; the document has all."""
_PROSE_WIDTH = 100


def log_page(recalled: Recalled, console: Console) -> Iterator[RenderableType]:
    """Yield what to print for a log, from top to bottom."""
    events = history(recalled.log)
    yield Text()
    yield Text(clean(recalled.campaign), "bold")
    if len(events) > _SHOWN:
        yield Text(f"The last {_SHOWN} of {len(events)} entries; `log --markdown` has all.", "dim")
    day = ""
    for event in events[-_SHOWN:]:
        if event.on != day:
            day = event.on
            yield Text()
            yield Text(day, "bold cyan")
        said = Text(clean(line_of(event.fact))).append(f"  ^{event.id}", "dim")
        yield hanging(console, "  • ", said, width=_PROSE_WIDTH)
    remark = _remark(recalled)
    if remark:
        yield Text()
        yield hanging(console, "", Text(clean(remark), "dim"), width=_PROSE_WIDTH)


def _remark(recalled: Recalled) -> str:
    """Say what is prepared and not played, or that nothing is in the log yet."""
    title = plain(recalled.prepared.title) if recalled.prepared else ""
    if title and name_key(title) not in recalled.state.played:
        return f"Prepared, not played: {title}. `choose 1` plays it out, `log add played` says that you have."
    return "" if recalled.state.length else 'Nothing is in the log yet. `log add "Met Ilse at the mill"` is how.'
