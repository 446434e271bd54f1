"""``fablewright doctor``: what works and what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from fablewright.entry.commands.options import AsJson, Config, Notes

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["doctor"]


def doctor(ctx: typer.Context, *, notes: Notes = None, as_json: AsJson = False, config: Config = None) -> None:
    """Check what works, what is missing, and how to get it.

    For example:

        fablewright doctor
    """
    invocation: Invocation = ctx.obj
    from fablewright.entry.doctor import doctor as examine  # noqa: PLC0415 - not for --help

    raise typer.Exit(examine(invocation, {"notes": notes or None}, config, as_json=as_json))
