"""``campaign_memory``: the agent that owns the campaign's log, and everybody's way to it.

It handles one message at a time, and scenes are kept when nobody waits to recall something else. What follows from
the log is worked out once for each version of it: to recall it again costs two look-ups by key.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.answer import Answer  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.answer_data import answer_data
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.history import history, live
from fablewright.gm.campaign.log_document import Changes, changes_in
from fablewright.gm.campaign.ports import StoredScene
from fablewright.gm.campaign.state import CampaignState, state_of
from fablewright.protocol.message import Message, Request
from fablewright.runtime.agent import Agent, handles, hears

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fablewright.gm.campaign.ports import CampaignStore
    from fablewright.runtime.context import Context
    from fablewright.runtime.threads import Threads

__all__ = [
    "CampaignMemory",
    "Campaigns",
    "KeepScene",
    "ListCampaigns",
    "LogFacts",
    "Logged",
    "ReadDocument",
    "Recall",
    "RecallScene",
    "RecallScenes",
    "Recalled",
    "TakeBack",
    "UseCampaign",
]

_log = logging.getLogger(__name__)

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Recalled:
    """The reply to ``Recall``.

    Attributes:
        campaign: Its name.
        state: Where it stands.
        prepared: The scene that was asked for last, if it was wanted and there is one.
        log: All events as they came, if they were wanted.
    """

    campaign: str
    state: CampaignState
    prepared: StoredScene | None = None
    log: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Recall(Request[Recalled]):
    """Say where the campaign stands; ``with_log``: with all events."""

    action: ClassVar[str] = "recall"
    idempotent: ClassVar[bool] = True
    with_log: bool = False


@dataclass(frozen=True, slots=True)
class RecallScene(Request[Recalled]):
    """Say where the campaign stands, with the scene that was asked for last: all that was told before is kept first."""

    action: ClassVar[str] = "recall_scene"
    idempotent: ClassVar[bool] = True
    priority = -1  # as ``KeepScene``, so that it comes behind those that were told before it
    with_log: bool = False


@dataclass(frozen=True, slots=True)
class RecallScenes(Request[tuple[StoredScene, ...]]):
    """Say which scenes were asked for last, the latest first; as ``RecallScene``, behind those told before."""

    action: ClassVar[str] = "recall_scenes"
    idempotent: ClassVar[bool] = True
    priority = -1


@dataclass(frozen=True, slots=True)
class Logged:
    """The reply to what changes the log.

    Attributes:
        campaign: Whose.
        events: What was added to it.
        about: What those events take back; for ``TakeBack`` only.
    """

    campaign: str
    events: tuple[Event, ...]
    about: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class LogFacts(Request[Logged]):
    """Put facts into the log, today, together."""

    action: ClassVar[str] = "log_facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class TakeBack(Request[Logged]):
    """Take an event back, or those that were logged together last.

    Attributes:
        event: Its id, or the beginning of it; that of an undo brings back what it took back. Empty: the last.
    """

    action: ClassVar[str] = "take_back"
    event: str = ""


@dataclass(frozen=True, slots=True)
class ReadDocument(Request[Changes]):
    """Bring the log to what a document says that was made of it; the reply is what was changed."""

    action: ClassVar[str] = "read_document"
    text: str


@dataclass(frozen=True, slots=True)
class KeepScene(Message):
    """Keep an answer with a scene in it, so that its options can be chosen.

    Attributes:
        answer: The answer.
        key: Of the request; what was kept under it already stays as it is. Empty: it is always kept.
    """

    action: ClassVar[str] = "keep_scene"
    priority = -1  # other tables' scenes wait for ``Recall``
    answer: Answer
    key: str = ""


@dataclass(frozen=True, slots=True)
class Campaigns:
    """The reply to ``ListCampaigns``: how many events each campaign has, and which one is played now."""

    sizes: dict[str, int]
    current: str


@dataclass(frozen=True, slots=True)
class ListCampaigns(Request[Campaigns]):
    """Say which campaigns there are."""

    action: ClassVar[str] = "list_campaigns"
    idempotent: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class UseCampaign(Request[Campaigns]):
    """Play another campaign with these notes from now on.

    Attributes:
        name: Which.
        new: Whether it is to be begun; one that is there already is refused then, as is one that is not, otherwise.
    """

    action: ClassVar[str] = "use_campaign"
    name: str
    new: bool = False


class CampaignMemory(Agent):
    """Remembers.

    Args:
        store: Where it is kept.
        threads: Where the store is used, off the event loop.
        notes: What tells the notes that are played from others; each have a campaign of their own.
        usual: What to call their campaign when nobody has named one.
        named: The campaign that the settings name; empty: the one chosen for these notes.
        today: Returns the day as ``2026-11-27``.
        new_id: Returns a new id for events, without hyphens.
    """

    name = "campaign_memory"
    concurrency = 1

    def __init__(
        self,
        store: CampaignStore,
        threads: Threads,
        *,
        notes: str,
        usual: str,
        named: str = "",
        today: Callable[[], str],
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._threads = threads
        self._notes = notes
        self._usual = usual
        self._named = named
        self._today = today
        self._new_id = new_id
        self._known: tuple[str, int, CampaignState] | None = None  # campaign, version, and what follows from it

    # -------------------------------------------------------------- handlers

    @handles(Recall)
    async def recall(self, request: Recall, ctx: Context) -> Recalled:  # noqa: ARG002 - the shape of a handler
        """Say where the campaign stands.

        Raises:
            InvalidInput: The settings name a campaign that is not there.
            FablewrightError: The store cannot be read.
        """
        return await self._threads.run(self._recall, with_log=request.with_log)

    @handles(RecallScene)
    async def recall_scene(self, request: RecallScene, ctx: Context) -> Recalled:  # noqa: ARG002 - as above
        """Say where the campaign stands, with the scene; see ``recall``."""
        return await self._threads.run(self._recall, with_log=request.with_log, with_scene=True)

    @handles(RecallScenes)
    async def recall_scenes(self, request: RecallScenes, ctx: Context) -> tuple[StoredScene, ...]:  # noqa: ARG002 - as above
        """Say which scenes are kept; see ``recall``."""
        return await self._threads.run(lambda: self._store.scenes(self._campaign()))

    @handles(LogFacts)
    async def log_facts(self, request: LogFacts, ctx: Context) -> Logged:  # noqa: ARG002 - as above
        """Put facts into the log."""
        return await self._threads.run(self._log_facts, request.facts)

    @handles(TakeBack)
    async def take_back(self, request: TakeBack, ctx: Context) -> Logged:  # noqa: ARG002 - as above
        """Take something back.

        Raises:
            InvalidInput: There is nothing to take back, or no such event.
        """
        return await self._threads.run(self._take_back, request.event)

    @handles(ReadDocument)
    async def read_document(self, request: ReadDocument, ctx: Context) -> Changes:  # noqa: ARG002 - as above
        """Bring the log to what a document says."""
        return await self._threads.run(self._read_document, request.text)

    @hears(KeepScene)
    async def keep_scene(self, message: KeepScene, ctx: Context) -> None:  # noqa: ARG002 - as above
        """Keep a scene; nobody waits for that, so a failure is logged, and said when the scene is wanted."""
        try:
            await self._threads.run(self._keep_scene, message)
        except FablewrightError as error:
            _log.warning("The scene cannot be kept: %s", error)

    @handles(ListCampaigns)
    async def list_campaigns(self, request: ListCampaigns, ctx: Context) -> Campaigns:  # noqa: ARG002 - as above
        """Say which campaigns there are."""
        return await self._threads.run(self._list)

    @handles(UseCampaign)
    async def use_campaign(self, request: UseCampaign, ctx: Context) -> Campaigns:  # noqa: ARG002 - as above
        """Play another campaign.

        Raises:
            InvalidInput: There is one of that name already, or there is none.
        """
        return await self._threads.run(self._use, request)

    # -------------------------------------------------------------- on a thread

    def _recall(self, *, with_log: bool, with_scene: bool = False) -> Recalled:
        campaign = self._campaign()
        version = self._store.version(campaign)
        log: tuple[Event, ...] = ()
        if self._known is None or self._known[:2] != (campaign, version) or with_log:
            log = self._store.events(campaign)
            self._known = campaign, version, state_of(log)
        prepared = self._store.last_scene(campaign) if with_scene else None
        return Recalled(campaign, self._known[2], prepared, log if with_log else ())

    def _log_facts(self, facts: Sequence[Fact]) -> Logged:
        campaign = self._campaign(begin=True)
        batch, today = self._new_id(), self._today()
        ids = [batch if number == 1 else f"{batch}-{number}" for number in range(1, len(facts) + 1)]
        events = tuple(Event(each, today, fact) for each, fact in zip(ids, facts, strict=True))
        return Logged(campaign, self._appended(campaign, events))

    def _appended(self, campaign: str, events: tuple[Event, ...]) -> tuple[Event, ...]:
        if self._store.append(campaign, events) < len(events):
            raise FablewrightError("Two events came by the same id; nothing is lost, try once more.")
        return events

    def _take_back(self, wanted: str) -> Logged:
        campaign = self._campaign(begin=True)
        log = self._store.events(campaign)
        about = _to_take_back(log, wanted)
        undone = self._log_facts([Fact("undo", event.id) for event in about])
        return Logged(campaign, undone.events, about)

    def _read_document(self, text: str) -> Changes:
        campaign = self._campaign(begin=True)
        changes = changes_in(text, self._store.events(campaign), today=self._today(), new_id=self._new_id)
        self._appended(campaign, changes.events)
        return changes

    def _keep_scene(self, message: KeepScene) -> None:
        answer = message.answer
        if answer.scene is not None:
            data = json.dumps(answer_data(answer), ensure_ascii=False)
            scene = StoredScene(answer.scene.title.text, self._today(), data, message.key)
            self._store.keep_scene(self._campaign(begin=True), scene)

    def _list(self) -> Campaigns:
        current = self._campaign()
        names = dict.fromkeys((*self._store.campaigns(), current))
        return Campaigns({name: len(history(self._store.events(name))) for name in names}, current)

    def _use(self, request: UseCampaign) -> Campaigns:
        name = " ".join(request.name.split())
        if not name or len(name) > LONGEST_NAME:
            raise InvalidInput(f"A campaign needs a name of at most {LONGEST_NAME} characters.")
        if request.new:
            if not self._store.begin(name):
                raise InvalidInput(f"There is a campaign {name!r} already; `fablewright campaign switch` goes to it.")
        else:
            self._check(name)
        self._store.choose(self._notes, name)
        self._named = ""
        return self._list()

    def _campaign(self, *, begin: bool = False) -> str:
        """Return the campaign that is played; with ``begin`` it is there afterwards."""
        if self._named:
            self._check(self._named)
            return self._named
        if begin:
            return self._store.choose_usual(self._notes, self._usual)
        return self._store.chosen(self._notes) or self._usual

    def _check(self, name: str) -> None:
        there = self._store.campaigns()
        if name not in there:
            known = f"there are: {', '.join(there)}" if there else "there is none yet"
            raise InvalidInput(
                f"There is no campaign {name!r}; {known}. `fablewright campaign new {name!r}` begins it."
            )


def _to_take_back(log: Sequence[Event], wanted: str) -> tuple[Event, ...]:
    """Return the events that are meant.

    Raises:
        InvalidInput: There are none.
    """
    if not wanted:
        counting = [event for event in log if event.id in {each.id for each in history(log)}]
        if not counting:
            raise InvalidInput("There is nothing in the log to take back.")
        return tuple(event for event in counting if event.batch == counting[-1].batch)
    counting_ids = live(log)
    wanted = wanted.lstrip("^")
    found = [event for event in log if event.id in counting_ids and event.id == wanted]
    found = found or [event for event in log if event.id in counting_ids and event.batch.startswith(wanted)]
    if not found:
        raise InvalidInput(f"There is no event {wanted!r} in the log, or it is taken back already.")
    if len({event.batch for event in found}) > 1:
        raise InvalidInput(f"Several events begin with {wanted!r}; write a letter more.")
    return tuple(found)
