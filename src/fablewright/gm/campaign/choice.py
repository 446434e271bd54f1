"""An option of a scene, played out: which one is meant, its check, what comes of it, and what goes into the log.

Nothing is made up: success, failure and consequence are those of the scene, and where it has none it is said so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.campaign.events import Fact, Outcome, plain
from fablewright.gm.reading.stem import stem
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.scene.scenario import Check, Option, Scene

__all__ = ["Choice", "check_of", "named_in", "option_meant", "play_out"]

_NUMBER = re.compile(r"\W*(?:options?|number|no\.?|#)?\s*(?P<number>\d{1,3})\W*", re.IGNORECASE)
_WORDS = {word: number for number, word in enumerate("one two three four five six seven eight nine ten".split(), 1)}
_ORDINALS = {word: n for n, word in enumerate("first second third fourth fifth sixth seventh eighth".split(), 1)}
_WORD = re.compile(r"[^\W_]{3,}")
_NAME = re.compile(r"[A-Z][\w'’-]+(?: (?:of |the )?[A-Z][\w'’-]+){0,3}")
_FILLERS = frozenset("the and option for with take choose chooses they them party into its his her number".split())


@dataclass(frozen=True, slots=True)
class Choice:
    """An option that was chosen, with what came of it.

    Attributes:
        number: Of the option, counted from 1.
        option: The option.
        check: What had to be rolled for it; None for nothing.
        roll: What was rolled; None where nothing had to be.
        outcome: Success or failure; empty without a roll.
        became: What came of it; empty where the scene does not say.
    """

    number: int
    option: Option
    check: Check | None = None
    roll: int | None = None
    outcome: Outcome = ""
    became: tuple[Line, ...] = ()

    @property
    def fact(self) -> Fact:
        """What goes into the log."""
        check = f"{self.check.skill} DC {self.check.dc}" if self.check is not None and self.outcome else ""
        secret = self.option.action.secret or any(line.secret for line in self.became)
        return Fact(
            kind="chose",
            text=plain(self._action),
            detail=plain(" ".join(line.text for line in self.became)),
            check=plain(check),
            number=self.roll or 0 if self.outcome else 0,
            outcome=self.outcome,
            secret=secret,
        )

    @property
    def _action(self) -> str:
        """The option's words, without the check that is told by itself."""
        text = self.option.action.text
        return text if self.check is None else text.removesuffix(f"({self.check.skill}, DC {self.check.dc})").rstrip()


def option_meant(words: str, scene: Scene) -> int:
    """Return the number of the option that is meant, counted from 1.

    Raises:
        InvalidInput: There is none such, or several; the message has them all.
    """
    if not scene.options:
        raise InvalidInput(f"The scene {scene.title.text!r} has no options.")
    said = " ".join(words.split()).strip(" .!,\"'“”")
    number = _number(said)
    if number is not None:
        if not 1 <= number <= len(scene.options):
            raise InvalidInput(f"There is no option {number}. {_listed(scene)}")
        return number
    wanted = _stems(said)
    shared = [len(wanted & _stems(option.action.text)) for option in scene.options]
    best = max(shared)
    if not best or shared.count(best) > 1:
        several = "Several options are about that" if best else "No option is about that"
        raise InvalidInput(f"{several}. {_listed(scene)}")
    return shared.index(best) + 1


def check_of(option: Option, scene: Scene) -> Check | None:
    """Return the check that an option needs."""
    text = option.action.text
    for check in scene.checks:
        if text.endswith(f"({check.skill}, DC {check.dc})") and (not check.purpose or check.purpose.text in text):
            return check
    return next((c for c in scene.checks if c.skill in text and re.search(rf"\bDC {c.dc}\b", text)), None)


def play_out(number: int, scene: Scene, roll: int | None) -> Choice:
    """Return what comes of an option.

    Args:
        number: Which, counted from 1.
        scene: The scene that it belongs to.
        roll: The result of the check, all modifiers included; ignored where there is nothing to roll.
    """
    option = scene.options[number - 1]
    check = check_of(option, scene)
    if check is None or roll is None:
        return Choice(number, option, became=(option.consequence,) if option.consequence else ())
    success = roll >= check.dc
    became = check.success if success else check.failure
    return Choice(
        number, option, check, roll, "success" if success else "failure", () if became is None else (_sentence(became),)
    )


def named_in(scene: Scene) -> tuple[str, ...]:
    """Return who is named among the foes that are no secret: whoever plays the scene meets them."""
    parts = (part.strip() for foe in scene.foes if not foe.secret for part in re.split(r"[;,]|\band\b", foe.note))
    return tuple(dict.fromkeys(part for part in parts if _NAME.fullmatch(part)))


def _sentence(line: Line) -> Line:
    text = line.text[:1].upper() + line.text[1:]
    if text == line.text:
        return line
    return replace(line, text=text, origin=Origin.FROM_NOTES if line.origin is Origin.QUOTED else line.origin)


def _number(said: str) -> int | None:
    match = _NUMBER.fullmatch(said)
    if match:
        return int(match["number"])
    words = said.casefold().removesuffix(" one").split()
    return (_WORDS | _ORDINALS).get(words[-1]) if words and set(words[:-1]) <= {"option", "number", "the"} else None


def _listed(scene: Scene) -> str:
    options = (f"{number}. {_shortened(option.action.text)}" for number, option in enumerate(scene.options, 1))
    return f"The options of {scene.title.text!r} are: {' '.join(options)}"


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59].rstrip()}…"


def _stems(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in _words(text))


def _words(text: str) -> Iterable[str]:
    return (word for word in _WORD.findall(text.lower()) if word not in _FILLERS)
