"""``fablewright scene``: a scene to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Campaign, Config, NoRag, Notes, Party, Seed, Timeout
from fablewright.errors import InvalidInput

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["scene"]


def scene(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    request: Annotated[list[str] | None, typer.Argument(metavar="REQUEST", hidden=True)] = None,
    *,
    variants: Annotated[
        int, typer.Option("--variants", metavar="NUMBER", help="That many scenes that differ, up to 5, and how.")
    ] = 1,
    tone: Annotated[
        str | None,
        typer.Option("--tone", metavar="TONE", help="What comes first, and what is drawn: grim, light, eerie, heroic."),
    ] = None,
    length: Annotated[
        str | None, typer.Option("--length", metavar="LENGTH", help="Half as much as usual, or twice: short, long.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="A scene to write a part of anew; else the last one."),
    ] = None,
    lock: Annotated[
        str, typer.Option("--lock", metavar="PARTS", help="What of it stays, such as read_aloud,foes.")
    ] = "",
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

    A tone rewords nothing: it says which statements come first, and which rows are drawn where something is
    invented. What is locked stays word for word; what the fight weighs is worked out again.

    For example:

        fablewright scene "the party comes to the Counting House" --party 4x3
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "campaign": campaign}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help
    from fablewright.entry.scene_wishes import scene_wishes  # noqa: PLC0415 - not for --help

    if not request and source is None and not lock:
        raise InvalidInput("Missing argument 'REQUEST'. `fablewright scene --help` shows how it is used.")
    wishes = scene_wishes(loaded.settings, variants=variants, tone=tone, length=length, source=source, lock=lock)
    words = " ".join(request or ()) or (wishes.kept.scene.title.text if wishes.kept is not None else "")
    code = one_shot(invocation, loaded, "scene", words, use_rag=not no_rag, as_json=as_json, wishes=wishes)
    raise typer.Exit(code)
