"""``fablewright recap``: what happened so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, Notes, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["recap"]


def recap(
    ctx: typer.Context,
    *,
    players: Annotated[bool, typer.Option("--players", help="Only what the players may hear.")] = False,
    notes: Notes = None,
    timeout: Timeout = None,
    as_json: AsJson = False,
    campaign: Campaign = None,
    config: Config = None,
) -> None:
    """Tell what happened so far, out of the campaign's log.

    For you: what happened last, open promises, clocks, loot, who is dead. The option for the players tells what the
    party has seen, and each line is checked against everything that your notes keep secret.

    For example:

        fablewright recap
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None, "timeout": timeout, "campaign": campaign}, config)
    if players:
        from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

        words = "recap for the players"
        raise typer.Exit(one_shot(invocation, loaded, "recap", words, use_rag=True, as_json=as_json))
    from fablewright.entry.campaign_log import ask_memory  # noqa: PLC0415 - not for --help

    raise typer.Exit(ask_memory(loaded.settings, "recap", "recap", as_json=as_json))
