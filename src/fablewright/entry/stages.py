"""How far a request has come, in words, for whoever waits: read off the events of the bus.

The agents know nothing of it. Each stage is told once, in the order in which they begin.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.gm.campaign.memory import CampaignMemory, LogFacts, Recall, RecallScene
from fablewright.gm.haystack_pipeline import HaystackPipeline, NoticeChanges, RetrieveDocuments
from fablewright.gm.orchestrator import HandleRequest, Orchestrator
from fablewright.gm.scenario_generator import ScenarioGenerator
from fablewright.gm.scenario_request import GenerateScenario
from fablewright.gm.writer import WriteProse, Writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from fablewright.gm.reading.notes import FileReport
    from fablewright.runtime.events import Event

__all__ = ["Stages"]

_BEGIN: Mapping[tuple[str, str], str] = {
    (Orchestrator.name, HandleRequest.action): "Reading the request",
    (CampaignMemory.name, Recall.action): "Looking up where the campaign stands",
    (CampaignMemory.name, RecallScene.action): "Looking up the last scene",
    (CampaignMemory.name, LogFacts.action): "Writing it into the campaign's log",
    (HaystackPipeline.name, NoticeChanges.action): "Looking for changes in the notes",
    (HaystackPipeline.name, RetrieveDocuments.action): "Searching the notes",
    (ScenarioGenerator.name, GenerateScenario.action): "Preparing a scene",
}
_START: Mapping[tuple[str, str], str] = {
    (Writing.name, WriteProse.action): "The model is writing",  # it may be asked where there is none
}
_END: Mapping[tuple[str, str], str] = {
    (HaystackPipeline.name, RetrieveDocuments.action): "Found passages; putting the answer together",
}
_FILES_APART = 25
"""How many files are read from one word about them to the next."""


@dataclass(slots=True)
class _Follower:
    tell: Callable[[str], None]
    told: set[str] = field(default_factory=set)

    def hear(self, words: str) -> None:
        if words and words not in self.told:
            self.told.add(words)
            self.tell(words)


_following: ContextVar[_Follower | None] = ContextVar("following", default=None)


class Stages:
    """An observer of a bus, which tells each follower about her own requests."""

    def __init__(self) -> None:
        self._stories: dict[str, _Follower] = {}  # by correlation id
        self._followers: list[_Follower] = []
        self._files = 0

    def __call__(self, event: Event) -> None:
        """Take an event; called on the event loop."""
        begins = event.what in {"asked", "joined"}
        is_first = event.causation_id is None
        if begins and is_first and (new := _following.get()) is not None:
            self._stories[event.correlation_id] = new
        follower = self._stories.get(event.correlation_id)
        if follower is None:
            return
        about = event.to, event.action
        if begins:
            follower.hear(_BEGIN.get(about, ""))
        elif event.what == "started":
            follower.hear(_START.get(about, ""))
        elif event.what == "ended" and event.detail == "replied":
            follower.hear(_END.get(about, ""))
        if event.what in {"ended", "refused"} and is_first:
            del self._stories[event.correlation_id]

    def read(self, report: FileReport) -> None:
        """Take in that a note was looked at: followers hear how many have been read."""
        if report.outcome != "read":
            return
        self._files += 1
        if self._files == 1 or self._files % _FILES_APART == 0:
            for follower in self._followers:
                follower.hear(f"Reading the notes: {self._files} files so far")

    @contextlib.contextmanager
    def followed(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Have ``tell`` called, on the event loop, with each stage of what is asked within."""
        follower = _Follower(tell)
        self._followers.append(follower)
        token = _following.set(follower)
        try:
            yield
        finally:
            _following.reset(token)
            self._followers.remove(follower)
