"""``fablewright rules``: what the rules say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["rules"]


def rules(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="QUESTION", hidden=True)],
    *,
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Ask about the rules.

    They are quoted out of the rule books among your notes, with the place. DCs, XP and budgets are worked out without
    a book; what no book of yours says is not made up.

    For example:

        fablewright rules "What DC is hard?"
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    said = " ".join(words)
    code = one_shot(invocation, loaded, "rules", said, use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)
