"""``fablewright campaign``: which campaigns there are, and which one is played."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["campaign"]


def campaign(
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="new NAME|switch NAME", hidden=True)] = None,
    *,
    notes: Notes = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """List the campaigns, begin a new one for your notes, or go on with another.

    You need not set up any: each set of notes has its own. Two tables that play the same notes want one each.

    For example:

        fablewright campaign new "Tuesday table"
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None}, config)
    from fablewright.entry.campaign_log import campaigns  # noqa: PLC0415 - not for --help

    raise typer.Exit(campaigns(loaded.settings, words or [], as_json=as_json))
