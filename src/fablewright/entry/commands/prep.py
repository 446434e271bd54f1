"""``fablewright prep``: a session prepared ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, Notes, Party, Seed
from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["prep"]


def prep(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORDS]", hidden=True)] = None,
    *,
    scenes: Annotated[int | None, typer.Option("--scenes", metavar="NUMBER", help="How many, up to 100. [20]")] = None,
    at: Annotated[str, typer.Option("--at", metavar="HH:MM", help="Begin at that time of day.")] = "",
    status: Annotated[bool, typer.Option("--status", help="Say how far it is.")] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Print what is ready as Markdown; with a number, one scene to play.")
    ] = False,
    pause: Annotated[bool, typer.Option("--pause", help="Begin no other scene, wherever it runs.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on now.")] = False,
    cancel: Annotated[bool, typer.Option("--cancel", help="Call off what is not ready.")] = False,
    notes: Notes = None,
    party: Party = None,
    seed: Seed = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Prepare a session: the scenes that may come, each out of your notes, none twice.

    What comes next by your log, what its open threads lead to, and so on from there; or what your words are about.
    What is ready stays, whatever happens to this program: Ctrl-C pauses, and the same command goes on.

    For example:

        fablewright prep --scenes 3
    """
    flags = {"notes": notes or None, "party": party, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.prep import PrepOrder, What, prep  # noqa: PLC0415 - not for --help

    kinds: dict[What, bool] = {"status": status, "show": show, "pause": pause, "resume": resume, "cancel": cancel}
    wanted = [what for what, is_wanted in kinds.items() if is_wanted] or ["work"]
    if len(wanted) > 1:
        raise InvalidInput(f"--{wanted[0]} and --{wanted[1]} do not go together: write one of them.")
    order = PrepOrder(wanted[0], " ".join(words or ()).strip(), scenes, at)
    raise typer.Exit(prep(loaded.settings, order, as_json=as_json))
