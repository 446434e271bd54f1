"""``fablewright loot``: treasure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["loot"]


def loot(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[WORDS]", hidden=True)] = None,
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Roll treasure: coins, gems, art and magic items, and which table they come from.

    WORDS may name a level, a Challenge Rating or a creature, and "pockets" for what one of them carries. Without, it
    is a parcel for your party's level.

    For example:

        fablewright loot "cr 5"
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    said = " ".join(words or ()) or "treasure"
    code = one_shot(invocation, loaded, "loot", said, use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)
