"""``fablewright import``: a scene back from a file that was exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["import_"]


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", hidden=True)],
    *,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Read a scene back from a file that was exported, with what you changed in it.

    Any format will do; the file says itself which one it is. A line that you edited is yours: it is no longer
    marked as quoted. Of Foundry it is journal.json; changes on the pages of a PDF cannot be seen. A - reads
    standard input.

    For example:

        fablewright import encounter.md
    """
    invocation: Invocation = ctx.obj
    invocation.load({}, config)
    from fablewright.entry.import_scene import import_scene  # noqa: PLC0415 - not for --help

    import_scene(file, as_json=as_json)
