"""``fablewright scene``: a scene to run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["scene"]


def scene(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    request: Annotated[list[str], typer.Argument(metavar="REQUEST", hidden=True)],
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Write the scene that you are about to run.

    You get a text to read aloud, what is here, checks, foes, options, consequences and loot, with the
    passages of your notes behind each. Ctrl-C stops the search and writes the scene with what there is.

    For example:

        fablewright scene "the party comes to the Counting House" --party 4x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    code = one_shot(invocation, loaded, "scene", " ".join(request), use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)
