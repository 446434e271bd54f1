"""``fablewright ask``: a question to the notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["ask"]


def ask(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", hidden=True)],
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
    """Ask your notes a question.

    The answer is what your notes say, with the place where they say it. If they do not say, you are told so.

    For example:

        fablewright ask "Who is Ambrose Teal?"
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    code = one_shot(invocation, loaded, "question", " ".join(question), use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)
