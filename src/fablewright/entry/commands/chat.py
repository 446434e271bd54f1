"""``fablewright chat``: one request after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fablewright.entry.commands.options import Campaign, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["chat"]


def chat(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Keep the assistant at the table: ask for one thing after another.

    Everything stays loaded, so answers come in a moment. /help says what else can be typed, Ctrl-D leaves.

    For example:

        fablewright chat --party 5x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    from fablewright.entry.chat import chat as start  # noqa: PLC0415 - not for --help

    raise typer.Exit(start(invocation.load(flags, config), use_rag=not no_rag))
