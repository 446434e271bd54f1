"""The composer: a scene out of passages, without a model, in milliseconds.

It takes apart what the notes say and puts it where a GM looks for it. It does not rephrase: whatever it
marks as from the notes is a stretch of a passage, markup aside, and points to that passage. The few lines of
its own are marked as invented, and numbers are computed by the rules.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby, islice, takewhile
from typing import TYPE_CHECKING

from fablewright.gm.reading.checks import FoundCheck, find_checks
from fablewright.gm.reading.leaks import leaks
from fablewright.gm.reading.limits import Limit  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - as above
from fablewright.gm.reading.statements import Role, Statement, is_secret_place, statements
from fablewright.gm.rules import rating
from fablewright.gm.rules.presence import count_here
from fablewright.gm.scene.attempts import always, attempt
from fablewright.gm.scene.focus import search_words
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene
from fablewright.gm.scene.table import weigh
from fablewright.gm.scene.tone import tone_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fablewright.gm.reading.limits import Limits
    from fablewright.gm.rules.mention import Mention
    from fablewright.gm.scene.focus import Focus
    from fablewright.gm.scene.table import Table
    from fablewright.gm.scene.tone import Tone

__all__ = ["Composed", "LeftOut", "compose"]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Sentences of one passage that were left out for a line or veil of the table."""

    passage: Passage
    limit: Limit
    count: int


@dataclass(frozen=True, slots=True)
class Composed:
    """A scene and the passages that it rests on, in the order in which its lines point to them.

    Attributes:
        scene: The scene.
        citations: The passages.
        left_out: What of the place a line or veil of the table left out.
    """

    scene: Scene
    citations: tuple[Passage, ...]
    left_out: tuple[LeftOut, ...] = ()


_MOST = {"read_aloud": 3, "here": 9, "checks": 6, "options": 4, "consequences": 5, "loot": 4, "elsewhere": 3}
_TELLING = 5
"""Different words that a sentence of another note needs, to be worth showing by itself."""
_LINE = 300
"""Characters up to which sentences of one paragraph make one line."""

_ASPECTS = re.compile(r"\baspects?:", re.IGNORECASE)
_LOOT_PART = re.compile(r"^\W*(?:loot|treasures?|rewards?)(?:\W+\w+){0,2}\W*$", re.IGNORECASE)
_LOOT = re.compile(
    r"\b\d[\d,]{0,12}\s?(?:gp|sp|cp|pp|ep|gold pieces?|silver pieces?)\b|"
    r"\btreasures?\b|\brewards?\b|\bpotions? of\b|\bmagic item",
    re.IGNORECASE,
)
_THEN_PART = re.compile(
    r"^\W*if\b|\bconsequences?\b|\baftermath\b|\bdevelopments?\b|\boutcomes?\b|\bnext\b", re.IGNORECASE
)
_CONDITION = re.compile(r"^\W*(?:if|when|should|unless)\b", re.IGNORECASE)
_THEN = re.compile(r"^(?:if|when|once|unless|should|after)\b[^,]{0,300},", re.IGNORECASE)
_MAY = re.compile(
    r"\b(?:characters?|party|players?|adventurers?|anyone|whoever|one[’']s)\b[^.;]{0,120}\b(?:can|could|may)\b|"
    r"\b(?:repels?|negates?|repelled|bribed?|befriend(?:ed|s)?|convinced?|persuaded?|goaded|bypass(?:ed|es)?|"
    r"protects? against|bargain(?:s|ed)?|parley|surrender(?:s|ed)?)\b",
    re.IGNORECASE,
)
_NOT_FOR_PLAYERS = re.compile(
    r"\bDC \d|\b\d{0,4}d\d|\bcharacters?\b|\bplayers?\b|\bparty\b|\bGM\b|\bhit points?\b|\bCR\b|"
    r"\bsecret(?:ly|s)?\b|\bin truth\b|\bactually\b|\bunknown to\b|\bhid(?:es|ing|den)\b|\blurks?\b|"
    r"\bambush|\bif\b|\bsession\b|\bencounter\b|\blevel\b|\bknows?\b|\bbelieves?\b|\bwants?\b|\bplans?\b",
    re.IGNORECASE,
)
_NO_OPENING = re.compile(
    r"^(?:he|she|it|they|him|her|them|his|hers|its|theirs?|this|that|these|those)\b|^\W*[“\"]|:$", re.IGNORECASE
)
"""A sentence that leans on one before it, or leads up to something; and speech."""
_NAMES = re.compile(r"\s*\(([^()]{2,90})\)")
_OWNED = re.compile(r"(?:\b[A-Z]\w{1,30}[’']s|\b(?:[Hh]is|[Hh]er|[Tt]heir))\s(?:\w{1,30}\s){0,2}\Z")  # a person's
_PEACEFUL = re.compile(
    r"\bnot (?:\w{1,20} )?(?:aggressive|hostile)\b|\bnot attack\b|\b(?:friendly|peaceful|harmless|will not fight)\b",
    re.IGNORECASE,
)
_LEANS = re.compile(r"\b(?:this|that|these|those|it|its|them)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]{3,}")


def compose(
    request: str,
    focus: Focus,
    passages: Sequence[Passage],
    table: Table,
    *,
    amount: float = 1.0,
    tone: Tone | None = None,
) -> Composed:
    """Write the scene that ``focus`` is about.

    Args:
        request: The GM's words.
        focus: The section to play; at least one passage must belong to it.
        passages: What was found. Those of the focus make the scene; of the others, sentences about the same
            place and people are added.
        table: For whom.
        amount: How much is shown, 1 being the usual: half of it, or twice as much.
        tone: What of a part comes first; the text to read aloud keeps its order.
    """
    own = sorted((p for p in passages if focus.holds(p)), key=focus.order)
    others = [p for p in passages if not focus.holds(p)]
    most = {part: max(1, int(number * amount)) for part, number in _MOST.items()}
    return _Composer(request, focus, [*own, *others], len(own), table, most=most, tone=tone).compose()


def _crossing(found: Sequence[Statement], limits: Limits) -> dict[int, Limit]:
    """Return the statements, by id, that cross a limit, and those after them that only make sense with them."""
    crossing: dict[int, Limit] = {}
    before: Statement | None = None
    for statement in found if limits.every else ():
        limit = limits.crossed_by(statement.text)
        if limit is None and before is not None and id(before) in crossing:
            together = (before.passage, before.block) == (statement.passage, statement.block)
            limit = crossing[id(before)] if together and _LEANS.search(statement.text) else None
        if limit is not None:
            crossing[id(statement)] = limit
        before = statement
    return crossing


class _Composer:
    """One scene in the making: which statements are spoken for, and which passages were used."""

    def __init__(
        self,
        request: str,
        focus: Focus,
        passages: list[Passage],
        own: int,
        table: Table,
        *,
        most: Mapping[str, int],
        tone: Tone | None,
    ) -> None:
        self.request = request
        self.focus = focus
        self.passages = passages
        self.table = table
        self.most = most
        self.tone = tone
        every = statements(passages)
        crossing = _crossing(every, table.limits)
        found = [s for s in every if id(s) not in crossing]
        self._left_out = Counter((s.passage, crossing[id(s)]) for s in every if s.passage < own and id(s) in crossing)
        self.own = [s for s in found if s.passage < own]
        self.secrets = [s.text for s in found if s.secret]
        self.elsewhere = [s for s in found if s.passage >= own]
        self.taken: set[int] = set()  # ids of own statements that have their place in the scene
        self.cited: dict[int, int] = {}  # passage -> index among the citations

    def compose(self) -> Composed:
        title = Line(self.focus.title, Origin.QUOTED, self._cite(0), secret=is_secret_place(self.passages[0]))
        if self.focus.title not in self.passages[0].heading:
            title = replace(title, origin=Origin.FROM_NOTES)  # the file's name
        read_aloud = self._read_aloud()
        checks = self._checks()
        foes = self._foes()
        loot = self._take("loot", lambda s: _in_part(s, _LOOT_PART) or bool(_LOOT.search(s.text)))
        consequences = self._consequences()
        options = self._options(checks, foes)
        here = self._here()
        scene = Scene(
            title=title,
            read_aloud=read_aloud,
            here=here,
            checks=checks,
            foes=foes,
            balance=weigh(foes, self.table),
            options=options,
            consequences=tone_first(consequences, self.tone, lambda line: line.text),
            loot=tuple(line for line, _ in loot),
        )
        left_out = tuple(
            LeftOut(self.passages[number], limit, count) for (number, limit), count in self._left_out.items()
        )
        return Composed(scene, tuple(self.passages[number] for number in self.cited), left_out)

    # -------------------------------------------------------------- parts

    def _read_aloud(self) -> tuple[Line, ...]:
        """Return the boxed text of the notes; without any, their first sentences that give nothing away."""
        boxed = [s for s in self.own if s.role is Role.READ_ALOUD and not s.secret]
        if boxed:
            paragraphs = [list(group) for _, group in groupby(boxed, key=lambda s: (s.passage, s.block))]
            return tuple(map(self._line, paragraphs[: self.most["read_aloud"]]))
        facts = (s for s in self.own if s.role is Role.FACT)
        for _, paragraph in groupby(facts, key=lambda s: (s.passage, s.block)):
            opening = list(islice(takewhile(self._gives_nothing_away, paragraph), 3))
            if opening and not _NO_OPENING.search(opening[0].text):
                self.taken.update(map(id, opening))
                return (self._line(opening),)
        return ()

    def _gives_nothing_away(self, statement: Statement) -> bool:
        if statement.secret or _in_part(statement, _THEN_PART) or _in_part(statement, _LOOT_PART):
            return False
        if statement.text.startswith(("“", '"')) or _NOT_FOR_PLAYERS.search(statement.text):
            return False
        if leaks(statement.text, self.secrets):
            return False
        return not any(mention.count for mention in self.table.bestiary.mentions(statement.text))

    def _checks(self) -> tuple[Check, ...]:
        found: dict[tuple[str, int], Check] = {}
        for _, group in groupby(self.own, key=lambda s: s.passage):
            run = [s for s in group if s.role in {Role.FACT, Role.ITEM, Role.ASIDE}]
            for check in find_checks([s.text for s in run], together=[s.block for s in run]):
                key = (check.skill.lower(), check.dc)
                if key not in found and len(found) < self.most["checks"]:
                    found[key] = self._check(check, [run[at] for at in check.used])
        return tuple(found.values())

    def _check(self, check: FoundCheck, used: list[Statement]) -> Check:
        self.taken.update(id(s) for s in used)
        sources = self._cite(used[0].passage)
        secret = any(s.secret for s in used)

        def line(text: str) -> Line | None:
            return Line(_opened(text), Origin.FROM_NOTES, sources, secret) if text else None

        return Check(
            skill=check.skill,
            dc=check.dc,
            purpose=line(_purpose(check)),
            success=line(check.success),
            failure=line(check.failure),
            origin=Origin.FROM_NOTES,
            sources=sources,
            secret=secret,
        )

    def _foes(self) -> tuple[Foe, ...]:
        """Return the creatures that the notes put here with a number, each sentence counted once."""
        counted: dict[str, list[tuple[Mention, Statement]]] = {}
        seen: set[tuple[str, int, str]] = set()
        for statement in self.own:
            if statement.role not in {Role.FACT, Role.ITEM, Role.ROW} or _PEACEFUL.search(statement.text):
                continue
            for mention in self.table.bestiary.mentions(statement.text):
                count = _count(statement.text, mention)
                key = (mention.creature.name, count, _names_after(statement.text, mention))
                if count and key not in seen:
                    seen.add(key)
                    counted.setdefault(mention.creature.name, []).append((mention, statement))
        return tuple(self._foe(mentions) for mentions in counted.values())

    def _foe(self, mentions: list[tuple[Mention, Statement]]) -> Foe:
        creature = mentions[0][0].creature
        notes = [_names_after(statement.text, mention) for mention, statement in mentions]
        remarks = {mention.remark: None for mention, _ in mentions}
        count = sum(_count(statement.text, mention) for mention, statement in mentions)
        return Foe(
            name=creature.name,
            count=count if count <= rating.MAX_COUNT else None,  # more than the rules can weigh: then not at all
            cr=creature.cr,
            xp=creature.xp,
            note="; ".join(filter(None, [*notes, *remarks])),
            origin=Origin.FROM_NOTES,
            sources=self._cite(*(statement.passage for _, statement in mentions)),
            secret=any(statement.secret for _, statement in mentions),
        )

    def _options(self, checks: tuple[Check, ...], foes: tuple[Foe, ...]) -> tuple[Option, ...]:
        """Return ways on that the notes offer, then the checks, then what can always be tried."""
        options: list[Option] = []
        for statement in self._free():
            if len(options) < 2 and statement.role in {Role.FACT, Role.ITEM} and _MAY.search(statement.text):
                self.taken.add(id(statement))
                options.append(Option(self._line([statement])))
        for check in checks:
            if check.purpose is not None and len(options) < self.most["options"] - 1 and not _is_save(check):
                text = f"{attempt(check.skill)}: {check.purpose.text} ({check.skill}, DC {check.dc})"
                action = Line(text, Origin.FROM_NOTES, check.sources, secret=check.secret)
                options.append(Option(action, check.success or _if_it_fails(check)))
        options += always(foes, wanted=3 - len(options))
        options = list(tone_first(options, self.tone, lambda option: option.action.text))
        return tuple(options[: self.most["options"]])

    def _here(self) -> tuple[Line, ...]:
        aspects = [s for s in self._free() if s.role is Role.ASIDE and _ASPECTS.search(s.text)]
        facts = [
            s
            for s in self._free()
            if s.role in {Role.FACT, Role.ITEM, Role.SPEECH, Role.ROW} or (s.role is Role.ASIDE and s.secret)
        ]
        runs = tone_first([*self._runs(aspects), *self._runs(facts)], self.tone, _said)[: self.most["here"]]
        return (*map(self._line, runs), *self._from_elsewhere())

    def _from_elsewhere(self) -> Iterator[Line]:
        """Yield what other notes say about the same names."""
        title = _words(f"{self.focus.title} {search_words(self.request)}")
        names = {word.lower() for s in self.own for word in re.findall(r"(?<=\s)[A-Z][\w’']{3,}", s.text)}
        weighed = [
            (2 * len(words & title) + len(words & names), -number, statement)
            for number, statement in enumerate(self.elsewhere)
            if statement.role in {Role.FACT, Role.ITEM} and len(words := _words(statement.text)) >= _TELLING
        ]
        best = sorted((w for w in weighed if w[0] >= 5), key=lambda w: w[:2], reverse=True)
        for _, _, statement in best[: self.most["elsewhere"]]:
            line = self._line([statement])
            about = statement.heading[-1] if statement.heading else ""
            if _words(about) & _words(line.text):
                yield line
            else:  # torn out of its place, a sentence needs to say whom it is about
                yield replace(line, text=f"{about}: {line.text}".lstrip(": "), origin=Origin.FROM_NOTES)

    # -------------------------------------------------------------- lines

    def _free(self) -> list[Statement]:
        return [s for s in self.own if id(s) not in self.taken and s.role is not Role.READ_ALOUD]

    def _take(self, part: str, belongs: Callable[[Statement], bool]) -> list[tuple[Line, Statement]]:
        """Take the free facts that belong to a part of the scene, each line with its first sentence."""
        chosen = [s for s in self._free() if s.role in {Role.FACT, Role.ITEM, Role.ROW} and belongs(s)]
        return [(self._line(run), run[0]) for run in self._runs(chosen)[: self.most[part]]]

    def _consequences(self) -> tuple[Line, ...]:
        """Take what happens if and when; a condition that stands in the heading goes before it."""
        lines: list[Line] = []
        belongs = self._take("consequences", lambda s: _in_part(s, _THEN_PART) or bool(_THEN.match(s.text)))
        for line, statement in belongs:
            heading = statement.heading[-1] if statement.heading else ""
            if _CONDITION.match(heading):
                lines.append(replace(line, text=f"{heading}: {line.text}", origin=Origin.FROM_NOTES))
            else:
                lines.append(line)
        return tuple(lines)

    def _runs(self, chosen: Iterable[Statement]) -> list[list[Statement]]:
        """Take statements and put neighbouring sentences together, as long as they fit into one line."""
        place = {id(s): at for at, s in enumerate(self.own)}
        runs: list[list[Statement]] = []
        for statement in chosen:
            self.taken.add(id(statement))
            last = runs[-1][-1] if runs else None
            if (
                last is not None
                and (last.passage, last.block) == (statement.passage, statement.block)
                and place[id(statement)] == place[id(last)] + 1
                and last.secret == statement.secret
                and sum(len(s.text) for s in runs[-1]) + len(statement.text) <= _LINE
            ):
                runs[-1].append(statement)
            else:
                runs.append([statement])
        return runs

    def _line(self, run: Sequence[Statement]) -> Line:
        """Quote neighbouring sentences of one passage."""
        return Line(_said(run), Origin.QUOTED, self._cite(run[0].passage), secret=any(s.secret for s in run))

    def _cite(self, *passages: int) -> tuple[int, ...]:
        return tuple(dict.fromkeys(self.cited.setdefault(number, len(self.cited)) for number in passages))


def _if_it_fails(check: Check) -> Line | None:
    return replace(check.failure, text=f"If it fails: {check.failure.text}") if check.failure is not None else None


def _said(run: Sequence[Statement]) -> str:
    return " ".join(s.text for s in run)


def _in_part(statement: Statement, part: re.Pattern[str]) -> bool:
    return bool(statement.heading and part.search(statement.heading[-1]))


def _is_save(check: Check) -> bool:
    return check.skill.endswith("saving throw")


def _count(text: str, mention: Mention) -> int:
    """Return how many are here: what the text says, and one for "his pet stirge"; 0 where it does not say."""
    singular = mention.words.casefold() == mention.finding.name.casefold()
    owned = singular and _OWNED.search(text[max(0, mention.start - 60) : mention.start])
    return count_here(text, mention, uncounted=1 if owned else 0)


def _names_after(text: str, mention: Mention) -> str:
    match = _NAMES.match(text, mention.end)
    return match[1] if match else ""


def _purpose(check: FoundCheck) -> str:
    """Return the purpose without the check's own words where it begins with them."""
    text = check.purpose
    lead = re.match(rf"{re.escape(check.skill)}\W+DC\s*\d+\W*", text, re.IGNORECASE)
    return text[lead.end() :] if lead else text


def _opened(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
