"""Where everybody meets: settings, adapters and agents become one running assistant.

Nobody else knows which adapter satisfies which port.
"""

from __future__ import annotations

import secrets
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fablewright.entry.bus_network import open_network, role_of
from fablewright.entry.campaigns import open_campaigns
from fablewright.entry.crew import AGENTS, SEARCHES, Crew, policies
from fablewright.entry.inspector import Inspector, NotesChanged
from fablewright.entry.notes import Notes, most_document_bytes, open_notes, sample_campaign
from fablewright.entry.story_file import StoryFile
from fablewright.runtime.bus import Bus
from fablewright.runtime.policies import BusOptions
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fablewright.entry.config import Settings
    from fablewright.gm.campaign.archive import StateStore
    from fablewright.gm.reading.notes import FileReport
    from fablewright.gm.reading.ports import Retriever
    from fablewright.runtime.network import Network

__all__ = ["Notes", "assistant", "looking_on", "most_document_bytes", "open_notes", "sample_campaign"]


@asynccontextmanager
async def assistant(
    settings: Settings,
    notes: Notes,
    *,
    on_report: Callable[[FileReport], None] | None = None,
    retriever: Retriever | None = None,
    agents: Sequence[str] | None = None,
) -> AsyncIterator[Bus]:
    """Run the agents; ask ``orchestrator`` with ``HandleRequest``.

    Where the settings name a bus, those that do not run here are asked there.

    The notes are brought up to date beside the first requests, and closed at the end.

    Args:
        settings: See ``Settings``.
        notes: From ``open_notes``.
        on_report: Told of each file that is read, on the event loop.
        retriever: Instead of the Haystack pipeline over the notes' index.
        agents: Which agents run here, of those that the settings call for. By default all; none where there is a bus.

    Raises:
        InvalidInput: The party of the settings cannot be read, or there is no such model.
        ConfigurationError: A setting of the model makes no sense.
        MissingExtra: What a model on this machine, or the bus, needs is not installed.
    """
    network, here = open_network(settings), agents
    if here is None:
        here = AGENTS if network is None else ()
    node = _node(network, here)
    bus = Bus(BusOptions(default_timeout=settings.timeout, policies=policies(settings), network=network), node=node)

    def outdate() -> None:
        for search in SEARCHES:
            bus.invalidate(*search)

    def changed() -> None:
        outdate()
        if network is not None:
            bus.publish(NotesChanged())

    with ExitStack() as leaving:
        store, threads = _opened(settings, notes, leaving)
        crew = Crew(settings, notes, store, bus, threads, on_report=on_report, on_change=changed, retriever=retriever)
        for name in here:
            agent = crew.make(name)
            if agent is not None:
                bus.register(agent)
        if network is not None:
            bus.register(Inspector(bus, node, outdate))
        story = StoryFile(settings.data_dir)
        leaving.callback(story.close)
        bus.observe(story)
        async with bus:
            yield bus


@asynccontextmanager
async def remembering(settings: Settings, notes: Notes) -> AsyncIterator[Bus]:
    """Run only what keeps the campaign's log, which needs no search of the notes: it is there at once."""
    bus = Bus(BusOptions(default_timeout=settings.timeout))
    with ExitStack() as leaving:
        store, threads = _opened(settings, notes, leaving)
        crew = Crew(settings, notes, store, bus, threads)
        bus.register(crew.campaign_memory())
        bus.register(crew.orchestrator())
        async with bus:
            yield bus


@asynccontextmanager
async def looking_on(settings: Settings) -> AsyncIterator[Bus]:
    """Be on the bus of the settings without an agent: what its processes publish can be heard there.

    Raises:
        ConfigurationError: The URL of the bus is none.
        MissingExtra: What the bus needs is not installed.
    """
    network = open_network(settings)
    async with Bus(BusOptions(network=network), node=_node(network, ())) as bus:
        yield bus


def _node(network: Network | None, agents: Sequence[str]) -> str:
    """Return what to call this process: on a network one sees what it is."""
    own = secrets.token_hex(4)
    return own if network is None else f"{role_of(agents)}-{own}"


def _opened(settings: Settings, notes: Notes, leaving: ExitStack) -> tuple[StateStore, Threads]:
    """Return the campaigns and the threads, to be closed when one leaves: the threads first, then what they use."""
    store = open_campaigns(settings)
    threads = Threads(name="notes")
    for close in (store.close, notes.close, threads.close):
        leaving.callback(close)
    return store, threads
