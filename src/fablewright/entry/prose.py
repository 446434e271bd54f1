"""A model's prose below a scene that is on the terminal already: each part as it comes, nothing is drawn anew."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from fablewright.entry.render import render_part
from fablewright.entry.terminal import notice, output_console, write
from fablewright.gm.writer import WriteProse, in_prose

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fablewright.gm.answer import Answer
    from fablewright.gm.orchestrator import HandleRequest
    from fablewright.gm.writer import Prose
    from fablewright.runtime.bus import Bus

__all__ = ["print_piece", "prose_below"]


async def prose_below(
    bus: Bus,
    answer: Answer,
    request: HandleRequest,
    *,
    timeout: float,
    show: Callable[[Answer, Prose], Awaitable[None]],
) -> None:
    """Have a model write prose for an answer, and show what comes of it.

    Args:
        bus: With all agents up.
        answer: As it was shown; if it is no scene, or there are variants to compare, nothing happens.
        request: What was asked for.
        timeout: Seconds until the last part.
        show: Shows a piece: a part that is new, or at the end what did not come.
    """
    if answer.scene is None or answer.variants:
        return
    kept = request.wishes.kept
    locked = kept.parts if kept is not None else ()
    asked = WriteProse(request.words, answer.scene, answer.citations, locked=locked)
    async with aclosing(in_prose(bus, asked, timeout=timeout)) as pieces:
        async for prose in pieces:
            if prose.is_new or prose.missing:
                await show(answer, prose)


def print_piece(answer: Answer, prose: Prose) -> None:
    """Print a part that has come in a model's words, or what did not come."""
    if prose.part is not None and prose.is_new:
        console = output_console()
        write(console, render_part(answer, prose.scene, prose.part, prose.writer, console))
    for line in prose.missing:
        notice(line, style="dim")
