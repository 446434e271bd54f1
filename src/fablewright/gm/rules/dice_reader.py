"""Reads dice as people type them at the table.

::

    request    := [number (x | #)] expression [label]      3x 2d6+1 is rolled three times
    expression := [-] term ((+ | -) term)*
    term       := factor ((* | x | /) factor)*             a quotient is rounded down
    factor     := number | dice | ( expression ) | adv | dis | advantage | disadvantage
    dice       := [count] d (sides | % | F) modifier*      d20 may be followed by adv or dis
    modifier   := !                                        a highest face is rolled again and added
                | (r | ro) condition                       such faces are rolled again; ro: once
                | mi number                                a lower face counts as that number
                | (kh | kl | dh | dl | k | d) [number]     keep or drop the highest or lowest; k is kh, d is dl
                | (>= | > | <= | < | =) number             such faces are counted instead of added up
    condition  := number | (>= | > | <= | < | =) number
    label      := # anything | [anything] | words

White space and capitals do not matter; typeset signs are read as well. ``adv`` is ``2d20kh1`` and ``dis`` is
``2d20kl1``, so ``adv+5`` works. ``!!`` is ``!``: the whole chain of an exploding die counts as one die. The first x
repeats; a later one multiplies. Everything is bounded, so that nothing that can be typed takes long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

from fablewright.errors import InvalidInput
from fablewright.gm.rules.dice_expression import Expression, Joined, Number, Operation, bounds, pools_in
from fablewright.gm.rules.pool import Comparison, Pick, Pool

if TYPE_CHECKING:
    from fablewright.gm.rules.pool import Sign

__all__ = ["MAX_DICE", "MAX_REPEATS", "MAX_SIDES", "MAX_TERMS", "Request", "read"]

MAX_DICE = 1_000
"""Dice in one request, all terms and repetitions together."""
MAX_SIDES = 100_000
MAX_TERMS = 50
MAX_REPEATS = 100
_MAX_NUMBER = 1_000_000_000
_MAX_TOTAL = 10**15
_MAX_DEPTH = 20
_MAX_PICKED_FACES = 200_000  # dice times sides under keep or drop: bounds the exact average to well under 1 s
_EXAMPLE = "write for example 2d6+3"

_SPELLINGS = str.maketrans({"×": "x", "−": "-", "–": "-", "÷": "/", "≥": ">=", "≤": "<="})
_REPEAT: Final = re.compile(r"(\d+)\s*(?:x|#)\s*(?=[^\s])")
_NUMBER: Final = re.compile(r"\d+")
_ADVANTAGE: Final = re.compile(r"(adv|dis)(?:antage|advantage)?(?![a-z])")
_DIE: Final = re.compile(r"d\s*(?:(%)|(f)(?![a-z])|(\d+)|(?![a-z]))")
_PICK: Final = re.compile(r"([kd][hl])(?![a-z])|([kd])(?=\s*\d)")
_REROLL: Final = re.compile(r"(ro?)(?=\s*[<>=\d])")
_LEAST: Final = re.compile(r"mi(?=\s*\d)")
_SIGN: Final = re.compile(r">=|<=|[<>=]")
_TIMES: Final = re.compile(r"[*/]|x(?=\s*[\d(d])")
_LABEL: Final = re.compile(
    r"\s*(?:#[ \t]*([^\n]{0,80})|\[([^\[\]\n]{0,80})\]"
    r"|([^\W\d_][^\W\d_'’ \t-]{0,30}(?:[ \t]+[^\W\d_'’-]{1,31}){0,7}))\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be rolled.

    Attributes:
        expression: The dice.
        repeat: How many times, each by itself.
        label: What it is for; empty when nothing was said.
    """

    expression: Expression
    repeat: int = 1
    label: str = ""


def read(text: str) -> Request:
    """Read a request.

    Raises:
        InvalidInput: It is none, or over a limit; the message says what is wrong and shows a right one.
    """
    return _Reader(text).request()


class _Reader:
    """Walks over the characters of one request."""

    def __init__(self, text: str) -> None:
        self._said = text
        self._text = text.lower().translate(_SPELLINGS)
        self._at = 0
        self._terms = 0
        self._depth = 0

    def request(self) -> Request:
        if not self._text.strip():
            raise InvalidInput(f"There is nothing to roll: {_EXAMPLE}.")
        if len(self._text) > 1_000:
            self._fail("that is more than 1,000 characters")
        repeat = self._repeat()
        expression = self._expression()
        label = self._label()
        dice = repeat * sum(pool.count for pool in pools_in(expression))
        if dice > MAX_DICE:
            self._fail(f"at most {MAX_DICE} dice can be rolled at once")
        if max(map(abs, bounds(expression))) > _MAX_TOTAL:
            self._fail("the total could have more than 15 digits")
        return Request(expression, repeat, label)

    def _fail(self, what: str) -> NoReturn:
        shown = " ".join(self._said.split())
        shown = shown if len(shown) <= 40 else shown[:39] + "…"
        raise InvalidInput(f"{shown!r} cannot be rolled: {what}; {_EXAMPLE}.")

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._skip()
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, signs: str) -> str:
        self._skip()
        if self._at < len(self._text) and self._text[self._at] in signs:
            self._at += 1
            return self._text[self._at - 1]
        return ""

    def _rest(self) -> str:
        """Return the word that stands next, for a message."""
        found = re.match(r"\s*([^\W\d_]+|\d+|\S)", self._text[self._at :])
        return found[1] if found else ""

    def _number(self) -> int | None:
        found = self._match(_NUMBER)
        if found is None:
            return None
        if len(found[0]) > 10 or int(found[0]) > _MAX_NUMBER:
            self._fail(f"numbers go up to {_MAX_NUMBER:,}")
        return int(found[0])

    def _repeat(self) -> int:
        found = self._match(_REPEAT)
        if found is None:
            return 1
        if len(found[1]) > 4 or not 1 <= int(found[1]) <= MAX_REPEATS:
            self._fail(f"a roll can be repeated 1 to {MAX_REPEATS} times")
        return int(found[1])

    def _label(self) -> str:
        rest = self._said[self._at :] if len(self._said) == len(self._text) else self._text[self._at :]
        if not rest.strip():
            return ""
        found = _LABEL.match(rest)
        if found is None:
            word = self._rest()
            known = word.isalnum() or word in "([{"
            self._fail(f"+ or - is missing before {word!r}" if known else f"{word!r} is not part of a dice expression")
        return " ".join((found[1] or found[2] or found[3] or "").split())

    def _expression(self) -> Expression:
        sign = self._take("+-")
        first = self._term()
        whole: Expression = Joined("-", None, first) if sign == "-" else first
        while operation := self._take("+-"):
            whole = Joined("+" if operation == "+" else "-", whole, self._term())
        return whole

    def _term(self) -> Expression:
        whole = self._factor()
        while found := self._match(_TIMES):
            operation: Operation = "/" if found[0] == "/" else "*"
            right = self._factor()
            if operation == "/" and not (isinstance(right, Number) and right.value):
                self._fail("dice can be divided by a number, 1 or more")
            whole = Joined(operation, whole, right)
        return whole

    def _factor(self) -> Expression:
        self._terms += 1
        if self._terms > MAX_TERMS:
            self._fail(f"at most {MAX_TERMS} terms can be added up")
        if self._take("("):
            return self._in_brackets()
        if word := self._match(_ADVANTAGE):
            return Pool(2, 20, pick="kh" if word[1] == "adv" else "kl", picked=1)
        number = self._number()
        die = self._match(_DIE)
        if die is not None:
            return self._pool(1 if number is None else number, die)
        if number is None:
            word_there = self._rest()
            self._fail(f"{word_there!r} stands where dice or a number belong" if word_there else "it ends too early")
        return Number(number)

    def _in_brackets(self) -> Expression:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self._fail(f"at most {_MAX_DEPTH} brackets can be inside each other")
        inside = self._expression()
        if not self._take(")"):
            self._fail("a bracket is not closed")
        self._depth -= 1
        return inside

    def _pool(self, count: int, die: re.Match[str]) -> Pool:
        if not 1 <= count <= MAX_DICE:
            self._fail(f"the number of dice goes from 1 to {MAX_DICE}")
        if die[2]:
            pool = Pool(count, 3, fudge=True)
        else:
            if not die[1] and not die[3]:
                self._fail("the sides are missing after d")
            sides = 100 if die[1] else int(die[3][:10])
            if sides < 2:
                self._fail("a die needs at least 2 sides")
            if sides > MAX_SIDES:
                self._fail(f"a die has at most {MAX_SIDES:,} sides")
            pool = Pool(count, sides)
        while True:
            changed = self._modified(pool)
            if changed is pool:
                return self._checked(pool)
            pool = changed

    def _modified(self, pool: Pool) -> Pool:
        """Return the dice with the modifier that stands next; themselves when there is none."""
        if self._take("!"):
            self._take("!")
            return replace(pool, exploding=True)
        if found := self._match(_REROLL):
            return replace(pool, reroll=self._condition(), once=found[1] == "ro")
        if self._match(_LEAST):
            return replace(pool, least=self._number() or 0)
        self._skip()
        if _SIGN.match(self._text, self._at):
            return replace(pool, success=self._condition())
        return self._picked(pool)

    def _picked(self, pool: Pool) -> Pool:
        """Return the dice with keep, drop or advantage; themselves when there is none."""
        if found := self._match(_PICK):
            pick: dict[str, Pick] = {"kh": "kh", "kl": "kl", "dh": "dh", "dl": "dl", "k": "kh", "d": "dl"}
            number = self._number()
            return replace(pool, pick=pick[found[0]], picked=1 if number is None else number)
        if pool == Pool(1, 20) and (found := self._match(_ADVANTAGE)):
            return Pool(2, 20, pick="kh" if found[1] == "adv" else "kl", picked=1)
        return pool

    def _condition(self) -> Comparison:
        found = self._match(_SIGN)
        number = self._number()
        if number is None:
            self._fail(f"a number is missing after {found[0]!r}" if found else "a number is missing")
        sign: dict[str, Sign] = {"": "=", "=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
        return Comparison(sign[found[0] if found else ""], number)

    def _checked(self, pool: Pool) -> Pool:
        faces = pool.faces
        if pool.exploding and pool.fudge:
            self._fail("fudge dice do not explode")
        if pool.reroll and all(pool.reroll.holds(face) for face in (faces[0], faces[-1])):
            self._fail("every face would be rolled again")
        if pool.least > faces[-1]:
            self._fail(f"the die shows at most {faces[-1]}")
        if not pool.pick:
            return pool
        if pool.success:
            self._fail("dice are kept or counted, not both")
        least_left = 1 if pool.pick in ("dh", "dl") else 0
        most = pool.count - least_left
        if not 1 <= pool.picked <= most:
            verb = "dropped" if least_left else "kept"
            self._fail(f"of {pool.count} dice, 1 to {most} can be {verb}" if most else "the only die cannot be dropped")
        if pool.count * pool.sides > _MAX_PICKED_FACES:
            self._fail(f"keep and drop work up to {_MAX_PICKED_FACES:,} faces on all dice together")
        return pool
