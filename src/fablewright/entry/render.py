"""An answer as a person reads it: in the order of play, each line with where it comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from fablewright.entry.sentence import Sentences
from fablewright.entry.terminal import MAX_WIDTH, clean, hanging
from fablewright.gm.rules.creature import cr_text
from fablewright.gm.writing.parts import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from fablewright.gm.answer import Answer
    from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Scene

__all__ = ["render", "render_part"]

_TABLE_FROM = 100  # columns; a table of four columns in fewer is a picket fence
_PROSE_WIDTH = 100  # longer lines are hard to read aloud from; only the table goes on to the edge
_HEADING = "bold cyan"


def render(answer: Answer, console: Console) -> list[RenderableType]:
    """Return what to print for an answer, from top to bottom."""
    parts = list(_Page(answer, console).parts())
    for number, variant in enumerate(answer.variants, 2):
        # What stands beside the first scene points into that one's passages, and has been said there.
        other = replace(answer, scene=variant.scene, lines=(), citations=variant.citations, variants=())
        words = f"Variant {number}. {clean(variant.differs)} (distance {variant.distance:.2f})."
        parts += [Text(), hanging(console, "", Text(words, "bold magenta")), *_Page(other, console).parts()]
    return parts


def render_part(answer: Answer, scene: Scene, part: Part, writer: str, console: Console) -> list[RenderableType]:
    """Return what to print below an answer when a part of its scene has come in a model's words.

    Args:
        answer: As it was printed.
        scene: With the part.
        part: Which.
        writer: The model's name.
        console: Where it goes.
    """
    return list(_Page(answer, console).later(scene, part, writer))


class _Page:
    """One answer on one console: knows the width, and collects which sources and marks were used."""

    def __init__(self, answer: Answer, console: Console) -> None:
        self._answer = answer
        self._console = console
        self._width = min(console.width, MAX_WIDTH)
        self._sentences = Sentences(answer)

    def parts(self) -> Iterator[RenderableType]:
        yield Text()
        if self._answer.scene is not None:
            yield from self._scene(self._answer.scene)
        if self._answer.want in ("npc", "loot"):
            yield from self._card(self._answer.lines)
            yield from self._foot()
            return
        for line in self._answer.lines:
            yield self._hanging("• " if len(self._answer.lines) > 1 else "", self._sentences.text(line))
        yield from self._foot()

    def later(self, scene: Scene, part: Part, writer: str) -> Iterator[RenderableType]:
        """Yield one part that came after the page; sources keep the numbers that they have there."""
        before = self._answer.scene or scene
        list(self.parts())
        known, marks = len(self._sentences.places), self._sentences.legend
        yield from self._section(f"{part.words[:1].upper()}{part.words[1:]}, by {clean(writer)}")
        match part:
            case Part.READ_ALOUD:
                yield from self._read_aloud(scene.read_aloud)
            case Part.OPTIONS:
                for number, option in enumerate(scene.options, 1):
                    if option not in before.options:
                        yield from self._option(number, option)
            case Part.HERE:
                yield from self._bullets("", [line for line in scene.here if line not in before.here])
            case Part.CONSEQUENCES:
                yield from self._bullets("", [line for line in scene.consequences if line not in before.consequences])
        for number, place in enumerate(self._sentences.places[known:], known + 1):
            yield self._hanging(f"  [{number}] ", Text(place, "dim"), style="cyan")
        for words in self._sentences.legend:
            if words not in marks:
                yield self._hanging("", Text(words, "dim"))

    def _card(self, lines: Sequence[Line]) -> Iterator[RenderableType]:
        """Yield a title and, below it, lines that begin with what they are about: ``Look: …``."""
        for line in lines[:1]:
            title = self._sentences.text(line, "bold")
            yield title
            yield Text("─" * min(title.cell_len, self._width), "cyan")
        parted = [(line, *line.text.partition(": ")[::2]) for line in lines[1:]]
        width = max((len(label) for _, label, _ in parted), default=0)
        for line, label, text in parted:
            body = self._sentences.text(replace(line, text=text))
            yield self._hanging(f"  {label:<{width}}  ", body, style=_HEADING)

    # -------------------------------------------------------------- a scene's parts

    def _scene(self, scene: Scene) -> Iterator[RenderableType]:
        title = self._sentences.text(scene.title, "bold")
        yield title
        yield Text("─" * min(title.cell_len, self._width), "cyan")
        if scene.read_aloud:
            yield Text()
            yield from self._read_aloud(scene.read_aloud)
        yield from self._bullets("What is here", scene.here)
        if scene.checks:
            yield from self._section("Checks")
            wide = self._width >= _TABLE_FROM
            yield self._check_table(scene.checks) if wide else self._check_stack(scene.checks)
        if scene.foes or scene.balance:
            yield from self._section("Foes")
            yield from self._foes(scene.foes)
            for line in scene.balance:
                yield self._hanging("  ", self._sentences.text(line))
        if scene.options:
            yield from self._section("Options")
            for number, option in enumerate(scene.options, 1):
                yield from self._option(number, option)
        yield from self._bullets("Consequences", scene.consequences)
        yield from self._bullets("Loot", scene.loot)

    def _section(self, name: str) -> Iterator[RenderableType]:
        yield Text()
        yield Text(name, _HEADING)

    def _bullets(self, name: str, lines: Sequence[Line]) -> Iterator[RenderableType]:
        if lines and name:
            yield from self._section(name)
        for line in lines:
            yield self._hanging("  • ", self._sentences.text(line))

    def _read_aloud(self, lines: Sequence[Line]) -> Iterator[RenderableType]:
        for place, line in enumerate(lines):
            if place:
                yield Text("  ┃", "bold yellow")
            yield self._hanging("  ┃ ", self._sentences.text(line, "italic"), repeat=True, style="bold yellow")

    def _check_table(self, checks: Sequence[Check]) -> RenderableType:
        table = Table(box=box.SIMPLE_HEAD, width=self._width, show_edge=False, header_style="dim")
        table.add_column("Check", ratio=3, min_width=32)
        table.add_column("DC", justify="right", min_width=2)
        table.add_column("On a success", ratio=4)
        table.add_column("On a failure", ratio=4)
        for check in checks:
            ends = [
                self._sentences.text(end, beside=check.sources) if end else Text("—", "dim")
                for end in (check.success, check.failure)
            ]
            table.add_row(self._skill(check), Text(str(check.dc), "bold"), *ends)
            if check is not checks[-1]:
                table.add_row()
        return table

    def _skill(self, check: Check) -> Text:
        text = self._sentences.marked(clean(check.skill), check.origin, check.sources, "bold")
        if check.purpose is None:
            return text.append_text(_gm_only(secret=check.secret))
        return text.append("\n").append(self._sentences.text(check.purpose, beside=check.sources))

    def _check_stack(self, checks: Sequence[Check]) -> RenderableType:
        lines: list[RenderableType] = []
        for check in checks:
            words = f"{clean(check.skill)} DC {check.dc}"
            skill = self._sentences.marked(words, check.origin, check.sources, "bold")
            if check.purpose is None:  # else that says so
                skill.append_text(_gm_only(secret=check.secret))
            lines.append(self._hanging("  • ", skill))
            for name, line, style in (
                ("", check.purpose, ""),
                ("success: ", check.success, "green"),
                ("failure: ", check.failure, "red"),
            ):
                if line is not None:
                    text = self._sentences.text(line, beside=check.sources)
                    lines.append(self._hanging(f"    {name}", text, style=style))
        return Group(*lines)

    def _foes(self, foes: Sequence[Foe]) -> Iterator[RenderableType]:
        rows = [(_count(foe), clean(foe.name), _rating(foe)) for foe in foes]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        for foe, (count, name, rating) in zip(foes, rows, strict=True):
            words = f"{count:>{widths[0]}}  {name:<{widths[1]}}  {rating:<{widths[2]}}".rstrip()
            text = self._sentences.marked(words, foe.origin, foe.sources)
            text.stylize("bold", widths[0] + 2, widths[0] + 2 + len(name))
            text.append_text(_gm_only(secret=foe.secret))
            yield self._hanging("  ", text)
            if foe.note:
                yield self._hanging(" " * (widths[0] + 4), Text(clean(foe.note), "dim"))

    def _option(self, number: int, option: Option) -> Iterator[RenderableType]:
        yield self._hanging(f"  {number}. ", self._sentences.text(option.action), style="bold")
        if option.consequence:
            text = self._sentences.text(option.consequence, beside=option.action.sources)
            yield self._hanging("     → ", text, style="dim")

    # -------------------------------------------------------------- sources, legend, timings

    def _foot(self) -> Iterator[RenderableType]:
        if self._sentences.places:
            yield from self._section("Sources")
            for number, place in enumerate(self._sentences.places, 1):
                yield self._hanging(f"  [{number}] ", Text(place, "dim"), style="cyan")
                if columns := self._sentences.columns.get(number):
                    yield self._hanging("      ", Text(f"columns: {columns}", "dim"))
        if self._sentences.places or self._answer.scene is not None or self._answer.want in ("npc", "loot"):
            yield Text()
        if self._sentences.legend:
            yield self._hanging("", Text("   ".join(self._sentences.legend), "dim"))
        if self._answer.scene is not None or self._answer.used_rag:  # dice take no time
            yield self._hanging("", Text(self._timings(), "dim"))

    def _timings(self) -> str:
        timings, passages = self._answer.timings, len(self._answer.citations)
        parts = [f"{passages} passage{'' if passages == 1 else 's'}"] if self._answer.used_rag else []
        for name, spent in (("search", timings.retrieve_ms), ("writing", timings.compose_ms)):
            if spent:
                parts.append(f"{name} {_duration(spent)}")
        return " · ".join([*parts, f"{_duration(timings.total_ms)} in all"])

    def _hanging(self, first: str, body: Text, *, repeat: bool = False, style: str = "") -> Text:
        width = min(self._width, _PROSE_WIDTH)
        return hanging(self._console, first, body, width=width, repeat=repeat, style=style)


def _gm_only(*, secret: bool) -> Text:
    return Text("  GM only", "bold magenta") if secret else Text()


def _count(foe: Foe) -> str:
    return "some" if foe.count is None else f"{foe.count} ×"


def _rating(foe: Foe) -> str:
    if foe.cr is None:
        return ""
    cr = f"CR {cr_text(foe.cr)}"
    return cr if foe.xp is None else f"{cr:<6}  {foe.xp:>6,} XP{' each' if foe.count != 1 else ''}"


def _duration(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"
