"""A person for now, out of tables, tied to somebody or some place of the notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fablewright.gm.answer import Answer
from fablewright.gm.answering.fight_scene import stat_line
from fablewright.gm.answering.known import known_here
from fablewright.gm.answering.limits import drawn_within
from fablewright.gm.making.person import make_person
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.answering.known import KnownHere
    from fablewright.gm.making.person import Person

__all__ = ["answer_person"]


async def answer_person(asked: Asked) -> Answer:
    """Make somebody up; all of it is invented but for whom they are tied to, and the numbers."""
    here = await known_here(asked)
    taken = {part.casefold() for each in here for part in each.known.name.split()}

    def draw(rng: Random) -> Answer:
        return _answer(make_person(asked.words, asked.bestiary, rng, known=[e.known for e in here], taken=taken), here)

    return await drawn_within(draw, asked)


def _answer(person: Person, here: Sequence[KnownHere]) -> Answer:
    tied = next((each.passage for each in here if each.known == person.bound_to), None)
    lines = [
        _invented("", f"{person.name}, {person.trade}"),
        _invented("Look", person.look),
        _invented("Manner", person.manner),
        _invented("Wants", person.want),
        Line(f"Bond: {_sentence(person.bond)}", Origin.INVENTED, (0,) if tied else ()),
        Line(f"Secret: {_sentence(person.secret)}", Origin.INVENTED, secret=True),
    ]
    if person.creature is not None:
        numbers = f"Numbers: {person.creature.name}, CR {person.creature.cr_text} · {stat_line(person.creature)}"
        lines.append(Line(numbers, Origin.BY_RULE))
    return Answer(
        "npc",
        "answered",
        lines=tuple(lines),
        citations=(tied,) if tied else (),
        used_rag=tied is not None,
        generation_method="tables",
    )


def _invented(label: str, text: str) -> Line:
    return Line(f"{label}: {_sentence(text)}" if label else text, Origin.INVENTED)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
