"""``fablewright encounter``: a fight, rated or built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, NoRag, Notes, Party, Seed, Timeout

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["encounter"]


def encounter(  # noqa: PLR0913 - the options of a command are its arguments
    ctx: typer.Context,
    foes: Annotated[list[str] | None, typer.Argument(metavar="[FOES]", hidden=True)] = None,
    *,
    difficulty: Annotated[
        str, typer.Option("--difficulty", metavar="WORD", help="How hard: low, moderate, high; easy to deadly in 2014.")
    ] = "",
    theme: Annotated[
        str, typer.Option("--theme", metavar="WORDS", help="Of what: a type or names, such as undead or goblin wolf.")
    ] = "",
    habitat: Annotated[
        str, typer.Option("--habitat", metavar="WORD", help="Where: swamp, forest, underground and others.")
    ] = "",
    role: Annotated[
        list[str] | None,
        typer.Option(
            "--role", metavar="WORD", help="A part to be played: leader, brute, skirmisher, artillery, minion."
        ),
    ] = None,
    rules: Annotated[
        str | None, typer.Option("--rules", metavar="EDITION", help="Whose budgets are used: 2024 or 2014.")
    ] = None,
    absent: Annotated[
        str, typer.Option("--absent", metavar="WHO", help="Who is not there: 1, or 1x3 for one of level 3.")
    ] = "",
    notes: Notes = None,
    party: Party = None,
    timeout: Timeout = None,
    no_rag: NoRag = False,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Build a fight for your party, or say how hard one is.

    FOES are creatures and numbers, or a place in your notes: they are rated; a semicolon parts the fights of a day.
    Without them a fight is built. One that you name and nobody knows is not guessed at.

    For example:

        fablewright encounter --party 4x3 --difficulty moderate --theme undead

        fablewright encounter "2 ogres and 4 goblins" --rules 2014
    """
    flags = {"notes": notes or None, "party": party, "timeout": timeout, "seed": seed, "rules": rules}
    invocation: Invocation = ctx.obj
    loaded = invocation.load(flags, config)
    from fablewright.entry.one_shot import one_shot  # noqa: PLC0415 - not for --help
    from fablewright.gm.answering.fight_wish import FightWish  # noqa: PLC0415 - as above
    from fablewright.gm.rules.party import parse_party  # noqa: PLC0415 - as above

    words = " ".join(foes or ())
    fight = FightWish(difficulty, theme, habitat, tuple(role or ()), loaded.settings.rules, absent, built=foes is None)
    fight.check(parse_party(loaded.settings.party), loaded.settings.rules)
    request = words if foes is not None else f"build a fight {difficulty} {theme} {habitat}".strip()
    code = one_shot(invocation, loaded, "encounter", request, use_rag=not no_rag, as_json=as_json, fight=fight)
    raise typer.Exit(code)
