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

__all__ = ["roll_dice", "rolled"]


def roll_dice(expression: str, *, seed: int | None, as_json: bool) -> None:
    """Roll and print.

    Raises:
        InvalidInput: The expression is none.
    """
    set_up_streams(utf_8=as_json)
    text, data = rolled(expression, seed)
    emit(to_json(data) + "\n" if as_json else f"{text}\n")


def rolled(expression: str, seed: int | None) -> tuple[str, dict[str, object]]:
    """Roll, and return what came for a person and for a program.

    Raises:
        InvalidInput: The expression is none.
    """
    result = roll(_read(expression), Random(seed))
    return str(result), {
        "expression": str(result.roll),
        "label": result.roll.label,
        "total": result.total,
        "dice": _dice(result.dice),
        "rolls": [{"total": throw.total, "dice": _dice(throw.dice)} for throw in result.throws],
        "average": round(result.roll.average, 3),
        "text": result.text,
    }


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
