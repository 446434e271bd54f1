"""``fablewright index``: read the notes now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["index"]


def index(
    ctx: typer.Context,
    folders: Annotated[list[Path] | None, typer.Argument(metavar="DIR", hidden=True)] = None,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on, and read what changes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Read your notes now, so that the first scene need not wait for it.

    Says what was read, and what was skipped and why. Only files that changed are read again. Ctrl-C keeps
    what is read; the next run goes on from there.

    For example:

        fablewright index
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": folders or None}, config)
    from fablewright.entry.index_notes import index_notes  # noqa: PLC0415 - not for --help

    raise typer.Exit(index_notes(invocation, loaded, watch=watch, as_json=as_json))
