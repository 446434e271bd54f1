"""``fablewright mcp``: the assistant for language models of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fablewright.entry.commands.options import Campaign, Config, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["mcp"]


def mcp(
    ctx: typer.Context,
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    seed: Seed = None,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Serve Claude Desktop and other programs that speak the Model Context Protocol.

    Such a program starts this command and speaks with it over standard input and output. Its model can then write
    scenes, ask your notes, weigh fights and roll dice. It needs the extra `mcp`; docs/how-to/use-with-mcp.md says
    what to put into which program's settings.

    For example:

        fablewright mcp --party 4x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.assemble import open_notes  # noqa: PLC0415 - not for --help
    from fablewright.entry.mcp.stdio import need_sdk, serve_stdio  # noqa: PLC0415 - as above

    need_sdk()
    raise typer.Exit(serve_stdio(loaded.settings, open_notes(loaded.settings, loaded.settings.notes)))
