"""Dice expressions as people type them at the table: parsed once, rolled with dice that the caller hands in.

::

    expression := [sign] term (sign term)*            sign: + -
    term       := factor (times factor)*              times: * x; at most one factor is dice
    factor     := number | dice | adv | dis | advantage | disadvantage
    dice       := [count] d (sides | %) [!] [(kh | kl | dh | dl) [number]]

White space and capitals do not matter; typeset signs (minus, times) are read as well. ``adv`` is ``2d20kh1``
and ``dis`` is ``2d20kl1``, so ``adv+5`` works. An exploding die (``!``) that shows its highest face is
rolled again and added to, at most ``MAX_EXPLOSIONS`` times; for keep and drop the whole chain counts as one
die.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NoReturn

from fablewright.errors import InvalidInput
from fablewright.gm.rules.pool import MAX_EXPLOSIONS, Pick, Pool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

__all__ = [
    "MAX_DICE",
    "MAX_EXPLOSIONS",
    "MAX_SIDES",
    "MAX_TERMS",
    "Die",
    "Pool",
    "Roll",
    "RollResult",
    "Term",
    "parse",
    "roll",
]

MAX_DICE = 1_000
"""Dice in one expression, all terms together."""
MAX_SIDES = 100_000
MAX_TERMS = 50
_MAX_NUMBER = 1_000_000_000
_MAX_PICKED_FACES = 200_000  # dice times sides under keep or drop: bounds the exact average to well under 1 s
_SHOWN_DICE = 20  # a thousand dice would not fit in one line
_EXAMPLE = "write for example 2d6+3"

_TOKEN = re.compile(r"\s*(?:([0-9]+)|(d%|[a-z]+|[-+*%!]))")
_PICKS: dict[str, Pick] = {"kh": "kh", "kl": "kl", "dh": "dh", "dl": "dl"}
_ADVANTAGE: dict[str, Pick] = {"adv": "kh", "advantage": "kh", "dis": "kl", "disadvantage": "kl"}
_SPELLINGS = str.maketrans({"×": "*", "−": "-", "–": "-"})


@dataclass(frozen=True, slots=True)
class Term:
    """One summand: a number, or dice times a number.

    Attributes:
        sign: 1 or -1.
        pool: The dice; None for a plain number.
        factor: The number, or what the dice are multiplied by.
    """

    sign: Literal[1, -1]
    pool: Pool | None
    factor: int = 1

    def __str__(self) -> str:
        if self.pool is None:
            return str(self.factor)
        return str(self.pool) if self.factor == 1 else f"{self.pool}*{self.factor}"


@dataclass(frozen=True, slots=True)
class Roll:
    """A parsed expression; ``str()`` gives its canonical form, which parses to the same value."""

    terms: tuple[Term, ...]

    @property
    def minimum(self) -> int:
        """The lowest total it can show."""
        return sum(min(_ends(term)) for term in self.terms)

    @property
    def maximum(self) -> int:
        """The highest total it can show."""
        return sum(max(_ends(term)) for term in self.terms)

    @property
    def average(self) -> float:
        """The expected total, not rounded."""
        return sum(t.sign * t.factor * (1.0 if t.pool is None else t.pool.average) for t in self.terms)

    def __str__(self) -> str:
        written = "".join(f"{'+' if term.sign > 0 else '-'}{term}" for term in self.terms)
        return written.removeprefix("+")


@dataclass(frozen=True, slots=True)
class Die:
    """One die as it fell: its faces in order (more than one only when it exploded) and whether it counts."""

    faces: tuple[int, ...]
    kept: bool = True

    @property
    def value(self) -> int:
        """The sum of its faces."""
        return sum(self.faces)

    def __str__(self) -> str:
        shown = "+".join(map(str, self.faces))
        return shown if self.kept else f"({shown})"


@dataclass(frozen=True, slots=True)
class RollResult:
    """What an expression came to.

    Attributes:
        roll: The expression.
        dice: For each term of ``roll``, its dice in the order they fell; empty for a number.
        total: The sum.
    """

    roll: Roll
    dice: tuple[tuple[Die, ...], ...]
    total: int

    @property
    def text(self) -> str:
        """One line such as ``2d6+3 → [4, 2] + 3 = 9``; dropped dice stand in round brackets."""
        words = []
        for term, dice in zip(self.roll.terms, self.dice, strict=True):
            shown = str(term) if term.pool is None else _brackets(dice)
            times = f" × {term.factor}" if term.pool and term.factor != 1 else ""
            words += ["+" if term.sign > 0 else "-", shown + times]
        if words[0] == "+":
            words = words[1:]
        return f"{self.roll} → {' '.join(words)} = {self.total}"

    def __str__(self) -> str:
        return self.text


def parse(text: str) -> Roll:
    """Read a dice expression.

    Raises:
        InvalidInput: It is none, or over a limit; the message says what is wrong and shows a right one.
    """
    reader = _Reader(text)
    terms = list(reader.terms())
    if sum(term.pool.count for term in terms if term.pool) > MAX_DICE:
        reader.fail(f"at most {MAX_DICE} dice can be rolled at once")
    return Roll(tuple(terms))


def roll(expression: Roll | str, rng: Random) -> RollResult:
    """Roll an expression with the given dice; equal ``rng`` states give equal results.

    Raises:
        InvalidInput: ``expression`` is text that does not parse.
    """
    parsed = parse(expression) if isinstance(expression, str) else expression
    dice = tuple(() if term.pool is None else _throw(term.pool, rng) for term in parsed.terms)
    total = 0
    for term, fallen in zip(parsed.terms, dice, strict=True):
        shown = 1 if term.pool is None else sum(die.value for die in fallen if die.kept)
        total += term.sign * term.factor * shown
    return RollResult(parsed, dice, total)


class _Reader:
    """Walks over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        self._at = 0
        lowered = text.lower().translate(_SPELLINGS).rstrip()
        if not lowered:
            raise InvalidInput(f"There is nothing to roll: {_EXAMPLE}.")
        if len(lowered) > 1_000:
            self.fail("that is more than 1,000 characters")
        place = 0
        while place < len(lowered):
            token = _TOKEN.match(lowered, place)
            if token is None:
                self.fail(f"{lowered[place:].lstrip()[0]!r} is not part of a dice expression")
            self._tokens += _split(token[1] or token[2])
            place = token.end()

    def fail(self, what: str) -> NoReturn:
        shown = self._text.strip()
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        raise InvalidInput(f"{shown!r} cannot be rolled: {what}; {_EXAMPLE}.")

    def terms(self) -> Iterator[Term]:
        sign = self._sign() or 1
        for number in range(1, MAX_TERMS + 2):
            if number > MAX_TERMS:
                self.fail(f"at most {MAX_TERMS} terms can be added up")
            yield replace(self._term(), sign=sign)
            if self._at == len(self._tokens):
                return
            sign = self._sign() or self.fail(f"+ or - is missing before {self._tokens[self._at]!r}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        token = self._peek()
        if token not in wanted:
            return ""
        self._at += 1
        return token

    def _sign(self) -> Literal[1, -1, 0]:
        token = self._take("+", "-")
        return 0 if not token else 1 if token == "+" else -1  # noqa: S105 - a token of the expression

    def _number(self, otherwise: int) -> int:
        token = self._peek()
        if not token.isdecimal():
            return otherwise
        self._at += 1
        if len(token) > 10 or int(token) > _MAX_NUMBER:
            self.fail(f"numbers go up to {_MAX_NUMBER:,}")
        return int(token)

    def _term(self) -> Term:
        pool: Pool | None = None
        factor = 1
        while True:
            read = self._factor()
            if isinstance(read, int):
                factor *= read
            elif pool is None:
                pool = read
            else:
                self.fail("dice can be multiplied by a number, not by dice")
            if factor > _MAX_NUMBER:
                self.fail(f"numbers go up to {_MAX_NUMBER:,}")
            if not self._take("*", "x"):
                return Term(1, pool, factor)

    def _factor(self) -> Pool | int:
        if word := self._take(*_ADVANTAGE):
            return Pool(2, 20, pick=_ADVANTAGE[word], picked=1)
        number = self._number(-1)
        if self._peek() not in ("d", "d%"):
            if number >= 0:
                return number
            token = self._peek()
            self.fail(f"{token!r} stands where dice or a number belong" if token else "it ends too early")
        return self._pool(1 if number < 0 else number)

    def _pool(self, count: int) -> Pool:
        if not 1 <= count <= MAX_DICE:
            self.fail(f"the number of dice goes from 1 to {MAX_DICE}")
        percent = self._take("d", "d%") == "d%" or self._take("%")
        sides = 100 if percent else self._number(-1)
        if sides < 0:
            self.fail("the sides are missing after d")
        if sides < 2:
            self.fail("a die needs at least 2 sides")
        if sides > MAX_SIDES:
            self.fail(f"a die has at most {MAX_SIDES:,} sides")
        pool = Pool(count, sides, exploding=bool(self._take("!")))
        pick = self._take(*_PICKS)
        if not pick:
            return pool
        picked = self._number(1)
        least_left = 1 if pick in ("dh", "dl") else 0
        if not 1 <= picked <= count - least_left:
            verb = "dropped" if least_left else "kept"
            self.fail(f"of {count} dice, 1 to {count - least_left} can be {verb}" if count > least_left else
                      "the only die cannot be dropped")  # fmt: skip
        if count * sides > _MAX_PICKED_FACES:
            self.fail(f"keep and drop work up to {_MAX_PICKED_FACES:,} faces on all dice together")
        return replace(pool, pick=_PICKS[pick], picked=picked)


def _split(token: str) -> Iterator[str]:
    """Part letters that were typed together, such as the ``xd`` of ``2xd6``."""
    known = re.fullmatch(r"(x?)(d?)", token) if token.isalpha() else None
    return (part for part in (known.groups() if known else (token,)) if part)


def _ends(term: Term) -> tuple[int, int]:
    low, high = (1, 1) if term.pool is None else (term.pool.kept, term.pool.maximum)
    return term.sign * term.factor * low, term.sign * term.factor * high


def _throw(pool: Pool, rng: Random) -> tuple[Die, ...]:
    chains = [_chain(pool, rng) for _ in range(pool.count)]
    # Of equal dice the first ones are kept: sorting is stable.
    ranked = sorted(range(pool.count), key=lambda i: sum(chains[i]), reverse=pool.pick in ("kh", "dl"))
    kept = set(ranked[: pool.kept])
    return tuple(Die(faces, i in kept) for i, faces in enumerate(chains))


def _chain(pool: Pool, rng: Random) -> tuple[int, ...]:
    faces = [rng.randint(1, pool.sides)]
    while pool.exploding and faces[-1] == pool.sides and len(faces) <= MAX_EXPLOSIONS:
        faces.append(rng.randint(1, pool.sides))
    return tuple(faces)


def _brackets(dice: tuple[Die, ...]) -> str:
    shown = [str(die) for die in dice[:_SHOWN_DICE]]
    if len(dice) > _SHOWN_DICE:
        shown.append(f"… {len(dice) - _SHOWN_DICE} more")
    return f"[{', '.join(shown)}]"
