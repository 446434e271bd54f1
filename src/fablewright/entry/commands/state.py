"""``fablewright state``: campaigns are saved, put back, moved to a database, and brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["state"]


def state(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="backup FILE|restore FILE|move|migrate", hidden=True)
    ] = None,
    *,
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL|sqlite", help="Where to move: postgresql://… or sqlite.")
    ] = None,
    down: Annotated[bool, typer.Option("--down", help="Migrate: take all tables away.")] = False,
    force: Annotated[bool, typer.Option("--force", help="What is there may be lost.")] = False,
    notes: Notes = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show where your campaigns are kept; save them, put them back, or move them.

    `backup` writes all campaigns with their logs to one file, and `restore` puts them back. `move` copies them to a
    PostgreSQL database, or from there to the file in the data folder. `migrate` brings the tables of a database up to
    date, or with `--down` takes them away. The index is not carried along: it is made again out of your notes.

    For example:

        fablewright state backup campaigns.backup
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None}, config)
    from fablewright.entry.keep_state import keep_state  # noqa: PLC0415 - not for --help

    code = keep_state(loaded.settings, words or [], to=to, down=down, force=force, as_json=as_json)
    raise typer.Exit(code)
