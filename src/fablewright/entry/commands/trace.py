"""``fablewright trace``: what happened inside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["trace"]


def trace(
    ctx: typer.Context,
    story: Annotated[str | None, typer.Argument(metavar="[ID]", hidden=True)] = None,
    *,
    listed: Annotated[bool, typer.Option("--list", help="List the latest requests, one line each.")] = False,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show what happened inside while a request was answered: who asked whom, how long it took, what failed.

    Without an ID it is the latest request; --list shows others. The beginning of an ID is enough, and the ID of
    any message in it will do.

    For example:

        fablewright trace
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({}, config)
    from fablewright.entry.trace import trace as tell  # noqa: PLC0415 - not for --help

    raise typer.Exit(tell(loaded, story or "", listed=listed, as_json=as_json))
