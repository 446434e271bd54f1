"""``foresight``: the agent that says which scenes of the notes may come, so that they can be written ahead.

In this order: what comes next by the campaign's log; what the threads lead to that it has left open (options of the
scene on the table, clocks, promises, people); what comes after each of those, as if it had been played; and what else
in the notes is plainly a scene, with boxed text, checks or foes. Where that is too little, the prose beside it will do.
No section of the notes comes twice, and none that was played.
"""

from __future__ import annotations

import contextlib
import glob
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import ContractViolation, RequestFailed
from fablewright.gm.answer_data import answer_from_data
from fablewright.gm.answering.steering import game_state
from fablewright.gm.campaign.memory import CampaignMemory, RecallScene
from fablewright.gm.haystack_pipeline import (
    DescribeNotes,
    HaystackPipeline,
    ListNotes,
    NoticeChanges,
    RetrieveDocuments,
)
from fablewright.gm.preparing.threads import threads
from fablewright.gm.reading.name_key import name_key
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import GameState, SuggestScenes
from fablewright.gm.scene.focus import (
    Section,
    foci,
    is_opening,
    opening_names,
    scenes_in,
    search_words,
)
from fablewright.gm.scene.note_kind import file_title
from fablewright.gm.scene.onward import is_played
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fablewright.gm.campaign.memory import Recalled
    from fablewright.gm.haystack_pipeline import NotesStatus
    from fablewright.gm.reading.notes import Passage
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.scene.focus import Focus
    from fablewright.gm.scene.scenario import Scene
    from fablewright.runtime.context import Context

__all__ = ["ForeseeScenes", "Foresight", "Prospect"]

_PASSAGES = 50
"""Of one search; enough to see a dozen sections."""
_OF_A_THREAD = 2
"""Scenes for one thread: it is one of many."""
_LOOK = 60.0
"""Seconds for one search; nobody waits at the table, and the first one waits until all that it takes is loaded."""
_READ = 300.0
"""Seconds for notes that are read for the first time."""


@dataclass(frozen=True, slots=True)
class Prospect:
    """A scene that may come.

    Attributes:
        title: What to call it.
        sections: Where it stands in the notes.
        why: Why it may come, for people: "comes next".
    """

    title: str
    sections: tuple[Section, ...]
    why: str


@dataclass(frozen=True, slots=True)
class ForeseeScenes(Request[tuple[Prospect, ...]]):
    """Say which scenes may come, the likeliest first.

    Attributes:
        most: How many at most.
        words: What they shall be about; empty for whatever may come.
    """

    action: ClassVar[str] = "foresee_scenes"
    idempotent: ClassVar[bool] = True
    most: int
    words: str = ""


class Foresight(Agent):
    """Looks ahead.

    Args:
        bestiary: The creatures that the rules know.
    """

    name = "foresight"

    def __init__(self, bestiary: Bestiary) -> None:
        self._bestiary = bestiary

    @handles(ForeseeScenes)
    async def foresee_scenes(self, request: ForeseeScenes, ctx: Context) -> tuple[Prospect, ...]:
        """Look ahead; see the top of the file.

        Raises:
            RequestFailed: The campaign's log cannot be read, or the notes cannot be searched.
        """
        await _read_notes(ctx)
        recalled: Recalled = await ctx.ask(CampaignMemory.name, RecallScene(), timeout=_LOOK)
        look, scene = _Look(self._bestiary, game_state(recalled.state), request, ctx), _on_the_table(recalled)
        if request.words:
            await look.about(request.words, f"about {request.words}", most=request.most, prose=True)
        else:
            await look.next("" if scene is None else scene.title.text)
            for thread in threads(recalled.state, scene):
                await look.about(thread.words, thread.why, most=_OF_A_THREAD)
        await look.onward()
        if not request.words:
            await look.around()
        return tuple(look.found[: request.most])


class _Look:
    """One look ahead: what was found so far, and where."""

    def __init__(self, bestiary: Bestiary, state: GameState, request: ForeseeScenes, ctx: Context) -> None:
        self.found: list[Prospect] = []
        self._bestiary = bestiary
        self._state = state
        self._most = request.most
        # Who names a place that was played wants to go back to it.
        self._behind = frozenset() if request.words else frozenset(map(name_key, state.played))
        self._taken: set[Section] = set()
        self._files: dict[str, None] = {}
        self._ctx = ctx

    @property
    def _is_full(self) -> bool:
        return len(self.found) >= self._most

    async def next(self, prepared: str) -> None:
        """Take what comes next by the log, or after a scene that is on the table and is not in the log yet.

        Where there is neither, take where the adventure begins.
        """
        if prepared and name_key(prepared) not in self._behind:
            self._behind |= {name_key(prepared)}
            await self._suggested(_after(self._state, prepared), f"after {prepared}, which is on the table")
        elif not self._state.played:
            for name in opening_names("first encounter"):
                passages = await self._search(RetrieveDocuments(name, _PASSAGES, {"heading": name}))
                openings = foci("first encounter", passages, self._bestiary)
                self._take(openings[:1], "where it begins")
                if self.found:
                    break
        await self._suggested(self._state, "comes next")

    async def about(self, words: str, why: str, *, most: int, prose: bool = False) -> None:
        """Take the plain scenes that some words are about; where there are none, with ``prose``, what tells of it."""
        if self._is_full:
            return
        passages = await self._search(RetrieveDocuments(search_words(words), _PASSAGES))
        meant = foci(words, passages, self._bestiary)
        plain = {focus.sections[0] for focus in scenes_in(passages, self._bestiary)}
        scenes = [focus for focus in meant if focus.sections[0] in plain]
        self._take(scenes or (meant if prose else ()), why, most=most)

    async def onward(self) -> None:
        """Take what comes after each that was found, as if it had been played, and after those in turn."""
        for prospect in self.found:  # it grows meanwhile
            if self._is_full:
                return
            await self._suggested(_after(self._state, prospect.title), f"after {prospect.title}")

    async def around(self) -> None:
        """Take what else is plainly a scene, first in the notes that were seen; then the prose beside those scenes."""
        others = await self._ctx.ask(HaystackPipeline.name, ListNotes(), timeout=_LOOK)
        await self._through(tuple(dict.fromkeys((*self._files, *others))))
        own = {section.file for section in self._taken}
        await self._through(sorted(own or others), prose=True)

    async def _through(self, files: Iterable[str], *, prose: bool = False) -> None:
        for file in files:
            if self._is_full or self._ctx.remaining < _LOOK:
                return
            search = RetrieveDocuments(file_title(file), 100, {"file": glob.escape(file)})
            passages = sorted(await self._search(search), key=lambda passage: passage.start)
            self._take(scenes_in(passages, self._bestiary, prose=prose), f"also in {file_title(file)}")

    async def _suggested(self, state: GameState, why: str) -> None:
        suggested = []
        with contextlib.suppress(RequestFailed):  # there is more to look for
            suggested = list(await self._ctx.ask(ScenarioGenerator.name, SuggestScenes(state), timeout=_LOOK))
        for each in suggested:
            self._add(Prospect(each.title, each.sections, why))

    def _take(self, scenes: Iterable[Focus], why: str, *, most: int | None = None) -> None:
        before = len(self.found)
        for focus in scenes:
            if most is None or len(self.found) < before + most:
                self._add(Prospect(focus.title, focus.sections, why))

    def _add(self, prospect: Prospect) -> None:
        first = prospect.sections[0]
        is_new = self._taken.isdisjoint(prospect.sections) and not is_played(first, self._behind)
        if is_new and not (self._state.played and is_opening(first)):
            self.found.append(prospect)
            self._taken.update(prospect.sections)
            self._files.update(dict.fromkeys(section.file for section in prospect.sections))

    async def _search(self, search: RetrieveDocuments) -> tuple[Passage, ...]:
        documents = await self._ctx.ask(HaystackPipeline.name, search, timeout=_LOOK)
        self._files.update(dict.fromkeys(passage.file for passage in documents.passages))
        return documents.passages


async def _read_notes(ctx: Context) -> None:
    """Wait until all notes have been read: what is not read cannot come."""
    until = ctx.now + min(_READ, ctx.remaining / 2)
    with contextlib.suppress(RequestFailed, ContractViolation):  # the searches will say what is wrong
        while ctx.now < until:
            if await ctx.ask(HaystackPipeline.name, NoticeChanges(), timeout=until - ctx.now):
                return
            status: NotesStatus = await ctx.ask(HaystackPipeline.name, DescribeNotes(), timeout=_LOOK)
            if not status.reading:
                return


def _on_the_table(recalled: Recalled) -> Scene | None:
    return None if recalled.prepared is None else answer_from_data(json.loads(recalled.prepared.data)).scene


def _after(state: GameState, title: str) -> GameState:
    """Return where the story stands once a scene has been played."""
    return replace(state, location=title, present=(), played=(*state.played, title), lately=title)
