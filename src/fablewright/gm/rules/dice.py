"""Dice expressions: parsed once, rolled with dice that the caller hands in; ``dice_reader`` says how they look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.rules.dice_expression import Expression, Joined, Number, combine
from fablewright.gm.rules.dice_reader import MAX_DICE, MAX_REPEATS, MAX_SIDES, MAX_TERMS, read
from fablewright.gm.rules.pool import MAX_EXPLOSIONS, Pool

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "MAX_DICE",
    "MAX_EXPLOSIONS",
    "MAX_REPEATS",
    "MAX_SIDES",
    "MAX_TERMS",
    "Die",
    "Pool",
    "Roll",
    "RollResult",
    "Throw",
    "parse",
    "roll",
]

_SHOWN_DICE = 20  # a thousand dice would not fit in one line
_SIGNS = {"+": "+", "-": "-", "*": "×", "/": "÷"}


@dataclass(frozen=True, slots=True)
class Roll:
    """A parsed request; ``str()`` gives its canonical form, which parses to the same value, label aside.

    Attributes:
        expression: The dice and numbers.
        repeat: How many times it is rolled, each by itself.
        label: What it is for; empty when nothing was said.
    """

    expression: Expression
    repeat: int = 1
    label: str = ""

    @property
    def minimum(self) -> int:
        """The lowest total that one roll can show."""
        return self.expression.minimum

    @property
    def maximum(self) -> int:
        """The highest total that one roll can show."""
        return self.expression.maximum

    @property
    def average(self) -> float:
        """The expected total of one roll, not rounded."""
        return self.expression.average

    def __str__(self) -> str:
        return f"{self.repeat}x {self.expression}" if self.repeat > 1 else str(self.expression)


@dataclass(frozen=True, slots=True)
class Die:
    """One die as it fell.

    Attributes:
        faces: In their order; more than one only when it exploded.
        kept: Whether it counts.
        before: What it showed before it was rolled again or lifted.
        hits: Whether each face is one that is counted; empty where faces are added up.
    """

    faces: tuple[int, ...]
    kept: bool = True
    before: tuple[int, ...] = ()
    hits: tuple[bool, ...] = ()

    @property
    def value(self) -> int:
        """The sum of its faces, or how many of them are counted."""
        return sum(self.hits) if self.hits else sum(self.faces)

    def __str__(self) -> str:
        marks = ["✓" if hit else "" for hit in self.hits] or [""] * len(self.faces)
        shown = "+".join(f"{face}{mark}" for face, mark in zip(self.faces, marks, strict=True))
        shown = "→".join((*map(str, self.before), shown))
        return shown if self.kept else f"({shown})"


@dataclass(frozen=True, slots=True)
class Throw:
    """One roll of an expression.

    Attributes:
        dice: For each pool of the expression, its dice in the order they fell.
        total: What it came to.
        shown: The expression with the dice as they fell: ``[4, 2] + 3``.
    """

    dice: tuple[tuple[Die, ...], ...]
    total: int
    shown: str


@dataclass(frozen=True, slots=True)
class RollResult:
    """What a request came to.

    Attributes:
        roll: The request.
        throws: One for each repetition.
    """

    roll: Roll
    throws: tuple[Throw, ...]

    @property
    def total(self) -> int:
        """The sum of all throws."""
        return sum(throw.total for throw in self.throws)

    @property
    def dice(self) -> tuple[tuple[Die, ...], ...]:
        """The dice of all throws, pool after pool."""
        return tuple(dice for throw in self.throws for dice in throw.dice)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each throw, such as ``2d6+3 → [4, 2] + 3 = 9``; dropped dice stand in round brackets."""
        expression = self.roll.expression
        counted = isinstance(expression, Pool) and expression.success is not None
        label = f"{self.roll.label}: " if self.roll.label else ""
        return tuple(
            f"{label}{expression} → {throw.shown} = {throw.total}{_successes(throw.total) if counted else ''}"
            for throw in self.throws
        )

    @property
    def text(self) -> str:
        """The lines, and under several their sum."""
        if len(self.throws) == 1:
            return self.lines[0]
        return "\n".join((*self.lines, f"{self.total} together"))

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Roll:
    """Read a dice expression.

    Raises:
        InvalidInput: It is none, or over a limit; the message says what is wrong and shows a right one.
    """
    request = read(text)
    return Roll(request.expression, request.repeat, request.label)


def roll(expression: Roll | str, rng: Random) -> RollResult:
    """Roll an expression with the given dice; equal ``rng`` states give equal results.

    Raises:
        InvalidInput: ``expression`` is text that does not parse.
    """
    parsed = parse(expression) if isinstance(expression, str) else expression
    return RollResult(parsed, tuple(_throw(parsed.expression, rng) for _ in range(parsed.repeat)))


def _throw(expression: Expression, rng: Random) -> Throw:
    if isinstance(expression, Number):
        return Throw((), expression.value, str(expression))
    if isinstance(expression, Pool):
        dice = _fallen(expression, rng)
        return Throw((dice,), sum(die.value for die in dice if die.kept), _brackets(dice))
    left = None if expression.left is None else _throw(expression.left, rng)
    right = _throw(expression.right, rng)
    total = combine(expression.operation, left.total if left else 0, right.total)
    binds = expression.operation in "*/"
    shown_left = "" if left is None else f"{_shown(left, expression.left, binds=binds)} "
    bound = binds or expression.operation == "-"
    shown = f"{shown_left}{_SIGNS[expression.operation]} {_shown(right, expression.right, binds=bound)}"
    return Throw((*(left.dice if left else ()), *right.dice), total, shown)


def _shown(throw: Throw, expression: Expression | None, *, binds: bool) -> str:
    loose = isinstance(expression, Joined) and binds and (expression.operation in "+-")
    return f"({throw.shown})" if loose else throw.shown


def _fallen(pool: Pool, rng: Random) -> tuple[Die, ...]:
    dice = [_die(pool, rng) for _ in range(pool.count)]
    # Of equal dice the first ones are kept: sorting is stable.
    ranked = sorted(range(pool.count), key=lambda i: dice[i].value, reverse=pool.pick in ("kh", "dl"))
    kept = set(ranked[: pool.kept])
    return tuple(Die(die.faces, i in kept, die.before, die.hits) for i, die in enumerate(dice))


def _die(pool: Pool, rng: Random) -> Die:
    before, faces = _face(pool, rng)
    chain = [faces]
    while pool.exploding and chain[-1] == pool.sides and len(chain) <= MAX_EXPLOSIONS:
        _, faces = _face(pool, rng)
        chain.append(faces)
    hits = tuple(map(pool.success.holds, chain)) if pool.success else ()
    return Die(tuple(chain), before=before, hits=hits)


def _face(pool: Pool, rng: Random) -> tuple[tuple[int, ...], int]:
    """Roll one die; return what it showed before it was rolled again or lifted, and what counts."""
    faces = [rng.randint(pool.faces[0], pool.faces[-1])]
    while pool.reroll and pool.reroll.holds(faces[-1]) and len(faces) <= pool.rerolls:
        faces.append(rng.randint(pool.faces[0], pool.faces[-1]))
    if pool.least and faces[-1] < pool.least:
        faces.append(pool.least)
    return tuple(faces[:-1]), faces[-1]


def _brackets(dice: tuple[Die, ...]) -> str:
    shown = [str(die) for die in dice[:_SHOWN_DICE]]
    if len(dice) > _SHOWN_DICE:
        shown.append(f"… {len(dice) - _SHOWN_DICE} more")
    return f"[{', '.join(shown)}]"


def _successes(number: int) -> str:
    return " success" if number == 1 else " successes"
