"""What a dice expression is made of: numbers and dice, joined by signs; each knows its bounds and its average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from fablewright.gm.rules.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Expression", "Joined", "Number", "Operation", "Pool", "bounds", "combine", "pools_in"]

Operation = Literal["+", "-", "*", "/"]
Expression: TypeAlias = "Number | Pool | Joined"

_BINDS: dict[Operation, int] = {"+": 1, "-": 1, "*": 2, "/": 2}


@dataclass(frozen=True, slots=True)
class Number:
    """A plain number, 0 or more."""

    value: int

    @property
    def minimum(self) -> int:
        """Itself."""
        return self.value

    @property
    def maximum(self) -> int:
        """Itself."""
        return self.value

    @property
    def average(self) -> float:
        """Itself."""
        return float(self.value)

    def __str__(self) -> str:
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Joined:
    """Two expressions and the sign between them.

    Attributes:
        operation: The sign; a quotient is rounded down, as the rules round.
        left: None for a minus in front of ``right``.
        right: Of a division a number, 1 or more.
    """

    operation: Operation
    left: Expression | None
    right: Expression

    @property
    def minimum(self) -> int:
        """The lowest it can come to."""
        return bounds(self)[0]

    @property
    def maximum(self) -> int:
        """The highest it can come to."""
        return bounds(self)[1]

    @property
    def average(self) -> float:
        """What it can be expected to come to; a quotient before it is rounded."""
        left = 0.0 if self.left is None else self.left.average
        if self.operation == "/":
            return left / self.right.average
        return {"+": left + self.right.average, "-": left - self.right.average, "*": left * self.right.average}[
            self.operation
        ]

    def __str__(self) -> str:
        binds = _BINDS[self.operation]
        left = "" if self.left is None else _bracketed(self.left, binds)
        return f"{left}{self.operation}{_bracketed(self.right, binds + 1)}"


def combine(operation: Operation, left: int, right: int) -> int:
    """Return what two numbers come to; the quotient rounded down."""
    match operation:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left // right


def bounds(expression: Expression) -> tuple[int, int]:
    """Return the lowest and the highest that an expression can come to, looking at each part of it once."""
    if not isinstance(expression, Joined):
        return expression.minimum, expression.maximum
    lefts = (0, 0) if expression.left is None else bounds(expression.left)
    rights = bounds(expression.right)
    ends = [combine(expression.operation, left, right) for left in lefts for right in rights]
    return min(ends), max(ends)


def pools_in(expression: Expression) -> Iterator[Pool]:
    """Yield the dice of an expression in the order in which they are rolled."""
    if isinstance(expression, Pool):
        yield expression
    elif isinstance(expression, Joined):
        if expression.left is not None:
            yield from pools_in(expression.left)
        yield from pools_in(expression.right)


def _bracketed(expression: Expression, binds: int) -> str:
    """Write an operand, in brackets where it would bind less than what stands beside it."""
    if not isinstance(expression, Joined):
        return str(expression)
    own = 1 if expression.left is None else _BINDS[expression.operation]
    return f"({expression})" if own < binds or (expression.left is None and binds > 1) else str(expression)
