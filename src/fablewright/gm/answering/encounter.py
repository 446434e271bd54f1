"""A fight: rated as it stands in the words or the notes, or built to a difficulty; or what a whole day comes to."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer, Timings
from fablewright.gm.answering.fight_scene import listed, scene_foes
from fablewright.gm.answering.fight_wish import NO_WISH, wish_in
from fablewright.gm.answering.own_creature import own_foe
from fablewright.gm.intent import is_about_stats, is_ordered, is_to_be_rated
from fablewright.gm.reading.limits import NO_LIMITS
from fablewright.gm.rules import rating
from fablewright.gm.rules.adventuring_day import day_of, day_text
from fablewright.gm.rules.bestiary import GONE
from fablewright.gm.rules.budget import Budget
from fablewright.gm.rules.encounter import build
from fablewright.gm.rules.unknown import Unknown, is_list_of_foes, uncounted_foes, unknown_foes
from fablewright.gm.scene.composer import compose
from fablewright.gm.scene.focus import choose_focus, search_words
from fablewright.gm.scene.scenario import Foe, Line, Origin, Scene
from fablewright.gm.scene.table import balance_lines
from fablewright.gm.table_limits import find_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.answering.desk import Asked
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.mention import Mention

__all__ = ["answer_encounter"]

_NO_SUCH_FIGHT = "Your notes name no foes for this; here is a fight that would suit your party."
_INSTEAD = "Here is a fight of creatures that have numbers."
_OURS = "The SRD has no roles and no habitats: they are worked out here from names, types and numbers."
_DAY = re.compile(
    r"\badventuring day\b|\b(?:xp|budget) (?:for|of) (?:a|the|one|our) day\b|\bdaily\b|\bday'?s? budget\b",
    re.IGNORECASE,
)
_NEXT_FIGHT = re.compile(r"\s*;\s*|,?\s+\b(?:and )?then\b\s+")


@dataclass(slots=True)
class _Fight:
    """What is known of one fight while it is put together."""

    foes: list[rating.Foe] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    own: dict[str, Passage] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


async def answer_encounter(asked: Asked) -> Answer:
    """Rate the creatures that the words name; else those of the place they name; else build a fight."""
    words = asked.words
    if asked.fight.built:
        return await _built(asked)
    mentions = asked.bestiary.mentions(words)
    if _DAY.search(words) and not mentions:
        text = day_text(Budget.of(asked.table.party, asked.table.rules), asked.table.party)
        return Answer("encounter", "answered", lines=(Line(text, Origin.BY_RULE),), generation_method="rules")
    counted = [mention for mention in mentions if mention.count]
    # What is typed behind the command is there to be rated, unless it orders a fight.
    rated = is_to_be_rated(words) or (asked.fight != NO_WISH and not is_ordered(words))
    if rated and asked.use_rag and not is_list_of_foes(words, mentions):
        # "Gardo and his four bandits": the notes may know the fight that is meant, and who Gardo is.
        answer = await _rate_place(asked, with_all={m.creature.name for m in counted})
        if answer is not None:
            return answer
    if counted or (mentions and (rated or is_about_stats(words))):
        fights = [part for part in _NEXT_FIGHT.split(words) if part.strip()]
        return await _weigh(asked, fights if counted else [words])
    return await _built_beside_unknown(asked, mentions, rated=rated)


async def _built_beside_unknown(asked: Asked, mentions: Sequence[Mention], *, rated: bool) -> Answer:
    """Build a fight where the words count no creature that the rules know, and name those that nobody knows."""
    words = asked.words
    unknown = await _fight(asked, words)
    if unknown.own or (unknown.missing and not is_ordered(words)):
        return _rated(asked, [unknown])
    built = await _built(asked)
    missing = (*unknown.missing, *await _unheard_of(asked, mentions))
    if missing and built.scene:
        missing = (*missing, _INSTEAD)
    elif rated and asked.use_rag:
        missing = (_NO_SUCH_FIGHT,)
    if not missing:
        return built
    return replace(built, status="degraded" if built.scene else "failed", missing=(*missing, *built.missing))


async def _unheard_of(asked: Asked, mentions: Sequence[Mention]) -> list[str]:
    """Return what is to be said of creatures that are wanted in a fight without a number, and that no rule knows."""
    said: list[str] = []
    counted = {name for each in unknown_foes(asked.words, mentions) for name in each.singulars}
    for unknown in uncounted_foes(asked.words, mentions):
        if counted.isdisjoint(unknown.singulars) and asked.bestiary.types.isdisjoint(unknown.singulars):
            own, searched = await own_foe(asked, unknown)
            said.append(
                _no_numbers(unknown, searched=searched)
                if own is None
                else f"Say how many {unknown.name}, and the fight is weighed by the Challenge Rating of your notes."
            )
    return said


async def _rate_place(asked: Asked, *, with_all: set[str]) -> Answer | None:
    """Rate the fight at the place that the words name, if everything that they count is in it."""
    words = asked.words
    patience = asked.ctx.remaining / 2 if with_all else None  # those that are named can be rated without
    found = await asked.look_up(search_words(words), within=patience)
    focus = choose_focus(words, found.documents.passages, asked.bestiary) if found.documents else None
    if found.documents is None or focus is None:
        return None
    composed = compose(words, focus, found.documents.passages, asked.table)
    scene = composed.scene
    if not scene.foes or not with_all <= {foe.name for foe in scene.foes}:
        return None
    return Answer(
        want="encounter",
        status="degraded" if found.missing else "answered",
        scene=Scene(title=scene.title, foes=scene.foes, balance=scene.balance),
        citations=composed.citations,
        used_rag=True,
        generation_method="rules",
        missing=found.missing,
        timings=Timings(retrieve_ms=found.took_ms),
    )


async def _built(asked: Asked) -> Answer:
    """Build a fight of creatures that no line or veil is on, or say why there is none."""
    limits = await find_limits(asked.ctx, within=asked.ctx.remaining / 2) if asked.use_rag else NO_LIMITS
    crossed = [limits.crossed_by(mention.creature.name) for mention in asked.bestiary.mentions(asked.words)]
    if crossed and (limit := crossed[0]) and all(crossed):
        said = f"A {limit.kind} of your table stands against it; see {limit.passage.file}."
        return Answer("encounter", "failed", missing=(said,))
    bestiary = asked.bestiary.where(lambda creature: limits.crossed_by(creature.name) is None)
    try:
        return _build(replace(asked, bestiary=bestiary))
    except InvalidInput as error:
        return Answer("encounter", "failed", missing=(str(error),))


def _build(asked: Asked) -> Answer:
    table = asked.table
    said = wish_in(asked.words, asked.bestiary, table.rules) if not asked.fight.built else NO_WISH
    wish = asked.fight.before(said)
    encounter = build(
        table.party,
        wish.difficulty or "moderate",
        table.bestiary,
        random.Random(asked.seed),
        theme=wish.theme,
        habitat=wish.habitat,
        roles=wish.roles,
        rules=table.rules,
    )
    where = f", {encounter.habitat}" if encounter.habitat else ""
    of_what = f", {encounter.theme}" if encounter.theme else ""
    level = f"{encounter.difficulty}{'-difficulty' if encounter.difficulty in ('low', 'high') else ''}"
    title = f"{_with_article(level)} fight{of_what}{where}: {encounter.text}"
    balance = balance_lines(encounter.foes, table)
    if wish.habitat or wish.roles:
        balance = (*balance, Line(_OURS, Origin.BY_RULE))
    missing = []
    if encounter.rating.difficulty != encounter.difficulty:
        missing.append(f"No fight of these creatures is {encounter.difficulty} for this party; this comes nearest.")
    played = {part for parts in encounter.roles for part in parts}
    missing += [f"Nobody here can play the part of {role}." for role in wish.roles if role.rstrip("s") not in played]
    return Answer(
        "encounter",
        "degraded" if missing else "answered",
        scene=Scene(
            title=Line(title, Origin.BY_RULE), foes=scene_foes(encounter.foes, table.party, {}, {}), balance=balance
        ),
        generation_method="rules",
        missing=tuple(missing),
    )


async def _weigh(asked: Asked, fights: Sequence[str]) -> Answer:
    """Rate the creatures that the words name, fight by fight; one of each whose number they do not give."""
    return _rated(asked, [await _fight(asked, words) for words in fights])


async def _fight(asked: Asked, words: str) -> _Fight:
    fight = _Fight()
    mentions = asked.bestiary.mentions(words)
    for mention in mentions:
        fight.foes.append(rating.Foe.of(mention.creature, mention.count or 1))
        if mention.remark:
            fight.notes[mention.creature.name] = mention.remark
    for unknown in unknown_foes(words, mentions):
        own, searched = await own_foe(asked, unknown)
        if own is None:
            fight.missing.append(_no_numbers(unknown, searched=searched))
        else:
            fight.foes.append(own.foe)
            fight.own[own.foe.name] = own.passage
    return fight


def _rated(asked: Asked, fights: Sequence[_Fight]) -> Answer:
    table = asked.table
    fights = [fight for fight in fights if fight.foes or fight.missing]
    cited = tuple({passage: None for fight in fights for passage in fight.own.values()})
    foes: list[Foe] = []
    balance: list[Line] = []
    rated: list[rating.Rating] = []
    for fight in fights:
        if not fight.foes:
            continue
        places = {name: cited.index(passage) for name, passage in fight.own.items()}
        foes += scene_foes(fight.foes, table.party, fight.notes, places)
        weighed = balance_lines(fight.foes, table)
        lead = f"Fight {len(rated) + 1}: " if len(fights) > 1 else ""
        balance += [Line(lead + weighed[0].text, Origin.BY_RULE), *weighed[1:]]
        rated.append(rating.rate(fight.foes, table.party, table.rules))
    if len(rated) > 1 or (table.rules == "2014" and rated) or _DAY.search(asked.words):
        balance.append(Line(day_of(rated), Origin.BY_RULE))
    missing = tuple(dict.fromkeys(line for fight in fights for line in fight.missing))
    if not rated:
        return Answer("encounter", "failed", missing=missing)
    title = "; ".join(listed(fight.foes) for fight in fights if fight.foes)
    return Answer(
        "encounter",
        "degraded" if missing else "answered",
        scene=Scene(title=Line(title, Origin.BY_RULE), foes=tuple(foes), balance=tuple(balance)),
        citations=cited,
        used_rag=bool(cited),
        generation_method="rules",
        missing=missing,
    )


def _no_numbers(unknown: Unknown, *, searched: bool) -> str:
    name = unknown.singulars[0]
    dropped = " (the 2014 rules had it)" if name in GONE else ""
    notes = "nor, with a Challenge Rating, in your notes" if searched else "and your notes were not searched"
    where = f"{'neither' if searched else 'not'} in the SRD 5.2.1{dropped} {notes}"
    return f"“{name.capitalize()}” is {where}: it has no numbers and is not counted."


def _with_article(word: str) -> str:
    return f"{'An' if word[0] in 'aeiou' else 'A'} {word}"
