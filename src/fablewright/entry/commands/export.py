"""``fablewright export``: a scene for another program, or for paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["export"]


def export(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    form: Annotated[str, typer.Argument(metavar="FORMAT", hidden=True)],
    request: Annotated[list[str] | None, typer.Argument(metavar="REQUEST", hidden=True)] = None,
    *,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A scene that you have: from scene --json, or exported before."),
    ] = None,
    target: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Where to write it; a folder for foundry.")
    ] = None,
    variant: Annotated[
        int, typer.Option("--variant", metavar="NUMBER", help="Which scene, if there are variants.")
    ] = 1,
    players: Annotated[
        bool, typer.Option("--players", help="For the players' hands: the title and what is read aloud, no more.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    paper: Annotated[str, typer.Option("--paper", metavar="SIZE", help="A PDF's paper: a4 or letter.")] = "a4",
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Write a scene as a file for another program, or for paper.

    FORMAT is obsidian, foundry, homebrewery, html, pdf, sillytavern or json. It is the scene that you asked for
    last, one that is written for your request now, or one of a file with --from; a - reads it from standard
    input. Without --to it is printed; a PDF and Foundry's several files get names from the scene's title.
    Secrets are marked as such.

    For example:

        fablewright export obsidian "the first encounter" --to encounter.md
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.export_scene import Wanted, export_scene  # noqa: PLC0415 - not for --help

    wanted = Wanted(
        form, " ".join(request or ()), source, target, variant=variant, players=players, force=force, paper=paper
    )
    raise typer.Exit(export_scene(invocation, loaded, wanted, use_rag=not no_rag, as_json=as_json))
