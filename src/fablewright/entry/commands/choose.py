"""``fablewright choose``: an option of the last scene, played out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, Notes, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["choose"]


def choose(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    option: Annotated[list[str], typer.Argument(metavar="OPTION", hidden=True)],
    *,
    roll: Annotated[
        int | None, typer.Option("--roll", metavar="NUMBER", help="What the players rolled, in all.")
    ] = None,
    notes: Notes = None,
    timeout: Timeout = None,
    seed: Seed = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Play out an option of the last scene, by its number or its words.

    If it needs a check, the check is rolled, or --roll says what the players rolled. You get what comes of it and
    what could come next; the campaign's log remembers it, and `fablewright undo` takes it back.

    For example:

        fablewright scene "the first encounter"

        fablewright choose 1 --roll 17
    """
    flags = {"notes": notes or None, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    code = one_shot(invocation, loaded, "choose", " ".join(option), use_rag=True, as_json=as_json, roll=roll)
    raise typer.Exit(code)
