"""``fablewright why``: what a question finds, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["why"]


def why(
    ctx: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", hidden=True)],
    *,
    notes: Notes = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Show what a question finds in your notes, by which steps, and what is used or dropped.

    Each passage has its place, its score, and the steps that have it: with the rank there and what that counted.

    For example:

        fablewright why "Who is Ambrose Teal?"
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"notes": notes or None}, config)
    from fablewright.entry.why import why as tell  # noqa: PLC0415 - not for --help

    raise typer.Exit(tell(loaded, " ".join(question), as_json=as_json))
