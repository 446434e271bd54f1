"""``fablewright log``: what happened at the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["log"]


def log(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="add TEXT|export FILE|import FILE", hidden=True)] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print all of it as Markdown.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Export over a file that is there.")] = False,
    notes: Notes = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Show the campaign's log, add to it, or write it to a file that you edit and read back.

    `add` understands sentences: "Met Ilse at the mill", "Tull is dead", "They promised Joss to come back", "Found 14
    gp", "Played The Toll Hall"; what it does not understand is kept as a note. `export` writes Markdown; change,
    delete or add lines as you like, and `import` takes that over. Nothing is ever lost: `undo` has it back.

    For example:

        fablewright log add "Met Joss Tarrow at the Full Measure"
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None, "campaign": campaign}, config)
    from fablewright.entry.campaign_log import campaign_log  # noqa: PLC0415 - not for --help

    raise typer.Exit(campaign_log(loaded.settings, words or [], markdown=markdown, force=force, as_json=as_json))
