"""Dice, rolled."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.intent import dice_in
from fablewright.gm.rules import dice
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from fablewright.gm.answering.desk import Asked

__all__ = ["answer_dice"]


async def answer_dice(asked: Asked) -> Answer:
    """Roll the dice that the words name.

    Raises:
        InvalidInput: They name none, or cannot be read.
    """
    expression = dice_in(asked.words) or asked.words
    result = dice.roll(expression, random.Random(asked.seed))
    return Answer(
        "dice",
        "answered",
        lines=tuple(Line(text, Origin.BY_RULE) for text in result.text.split("\n")),
        generation_method="rules",
    )
