"""Draws ``docs/scene.svg``: what a terminal shows for the first command of the README.

Run it with ``uv run python docs/make_scene_picture.py`` after a change to the rendering or the sample campaign.
"""

from __future__ import annotations

import asyncio
import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from fablewright.entry.assemble import assistant, open_notes
from fablewright.entry.config import Settings
from fablewright.entry.render import render
from fablewright.gm.orchestrator import HandleRequest

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer

LINES = 52
"""Of the whole answer: a README is no manual."""
REQUEST = "generate scenario for the first encounter"


async def answer(data_dir: Path) -> Answer:
    """Ask the sample campaign."""
    settings = Settings(data_dir=data_dir)
    async with assistant(settings, open_notes(settings)) as bus:
        return await bus.ask("orchestrator", HandleRequest(REQUEST, seed=1), timeout=30.0)


def main() -> None:
    """Draw the picture beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        shown = asyncio.run(answer(Path(folder)))
    whole = Console(width=100, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for part in render(shown, whole):
        whole.print(part)
    assert isinstance(whole.file, io.StringIO)
    top = whole.file.getvalue().strip("\n").splitlines()[:LINES]
    picture = Console(record=True, width=100, file=io.StringIO(), force_terminal=True)
    picture.print(Text.from_ansi("\n".join([*top, "…"])))
    svg = picture.export_svg(title=f'fablewright scene "{REQUEST}"')
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is fetched from other hosts
    (Path(__file__).parent / "scene.svg").write_text(svg + "\n", "utf-8")


if __name__ == "__main__":
    main()
