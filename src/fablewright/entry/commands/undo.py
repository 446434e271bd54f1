"""``fablewright undo``: takes back what was logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["undo"]


def undo(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", hidden=True)] = "",
    *,
    notes: Notes = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Take back what was logged last, or the event with this id.

    `fablewright log` shows the ids. What was taken back can be had again: undo the undo, whose id you are told.

    For example:

        fablewright log add "Found a silver pen-case"

        fablewright undo
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None, "campaign": campaign}, config)
    from fablewright.entry.campaign_log import ask_memory  # noqa: PLC0415 - not for --help

    raise typer.Exit(ask_memory(loaded.settings, "undo", f"undo {event}", as_json=as_json))
