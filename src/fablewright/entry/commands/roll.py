"""``fablewright roll``: dice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from fablewright.entry.commands.options import AsJson, Config, Seed

if TYPE_CHECKING:
    from fablewright.entry.invocation import Invocation

__all__ = ["roll"]


def roll(
    ctx: typer.Context,
    dice: Annotated[list[str], typer.Argument(metavar="DICE", hidden=True)],
    *,
    seed: Seed = None,
    as_json: AsJson = False,
    config: Config = None,
) -> None:
    """Roll dice, such as 2d6+3, 4d6kh3 (the highest three count) or adv+5.

    Also 2d6! (sixes again), 8d6ro<3 (ones and twos once again), d20mi10 (10 at least), 5d10>=8 (how many show 8 or
    more), 4dF, (2d6+3)*2, and 3x 2d6+1, which is rolled three times. Words behind the dice are kept as a label.

    For example:

        fablewright roll 2d6+3

        fablewright roll "3x 4d6dl1 strength"
    """
    invocation: Invocation = ctx.obj
    loaded = invocation.load({"seed": seed}, config)
    from fablewright.entry.roll_dice import roll_dice  # noqa: PLC0415 - not for --help

    roll_dice(" ".join(dice), seed=loaded.settings.seed, as_json=as_json)
