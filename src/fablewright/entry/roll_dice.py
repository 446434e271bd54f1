"""``fablewright roll``: dice on the command line."""

from __future__ import annotations

from random import Random

from fablewright.entry.json_output import to_json
from fablewright.entry.terminal import emit, set_up_streams
from fablewright.gm.rules.dice import parse, roll

__all__ = ["roll_dice"]


def roll_dice(expression: str, *, seed: int | None, as_json: bool) -> None:
    """Roll and print.

    Raises:
        InvalidInput: The expression is none.
    """
    set_up_streams(utf_8=as_json)
    result = roll(parse(expression), Random(seed))
    if not as_json:
        emit(f"{result}\n")
        return
    dice = [[{"faces": list(die.faces), "kept": die.kept} for die in term] for term in result.dice if term]
    content = {"expression": str(result.roll), "total": result.total, "dice": dice, "text": result.text}
    emit(to_json(content) + "\n")
