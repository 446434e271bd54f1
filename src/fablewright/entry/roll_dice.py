"""``fablewright roll``: dice on the command line."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from fablewright.entry.json_output import to_json
from fablewright.entry.terminal import emit, set_up_streams
from fablewright.errors import InvalidInput
from fablewright.gm.rules.dice import parse, roll
from fablewright.gm.rules.dice_words import dice_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.rules.dice import Die, Roll

__all__ = ["roll_dice"]


def roll_dice(expression: str, *, seed: int | None, as_json: bool) -> None:
    """Roll and print.

    Raises:
        InvalidInput: The expression is none.
    """
    set_up_streams(utf_8=as_json)
    result = roll(_read(expression), Random(seed))
    if not as_json:
        emit(f"{result}\n")
        return
    content: dict[str, object] = {
        "expression": str(result.roll),
        "label": result.roll.label,
        "total": result.total,
        "dice": _dice(result.dice),
        "rolls": [{"total": throw.total, "dice": _dice(throw.dice)} for throw in result.throws],
        "average": round(result.roll.average, 3),
        "text": result.text,
    }
    emit(to_json(content) + "\n")


def _read(expression: str) -> Roll:
    """Read dice, also in words: "d20 with advantage", "4d6 drop lowest"."""
    try:
        written = parse(expression)
    except InvalidInput:
        said = dice_in(f"roll {expression}")
        if said is None or said == expression:
            raise
        return parse(said)
    # A label may be none: then the words say how to roll.
    said = dice_in(f"roll {expression}") if written.label else None
    return parse(said) if said and parse(said).expression != written.expression else written


def _dice(pools: Iterable[tuple[Die, ...]]) -> list[list[dict[str, object]]]:
    return [
        [{"faces": list(die.faces), "kept": die.kept, "before": list(die.before)} for die in pool] for pool in pools
    ]
