"""``fablewright npc``: somebody for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["npc"]


def npc(  # noqa: PLR0913 - the options of a command are its arguments
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
    """Make somebody up: name, look, manner, a want, a secret, and a tie to your notes.

    WORDS may say what they do or are called: "a nervous ferryman". Their numbers are those of an SRD creature that
    suits them. The same seed and notes make the same person.

    For example:

        fablewright npc "a nervous ferryman" --seed 7
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help

    said = " ".join(words or ()) or "an npc"
    code = one_shot(invocation, loaded, "npc", said, use_rag=not no_rag, as_json=as_json)
    raise typer.Exit(code)
