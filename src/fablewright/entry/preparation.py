"""The session that is prepared for the notes and campaign at hand: found, shown, and its scenes taken to the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from fablewright.entry.campaign_log import ask_campaign
from fablewright.entry.terminal import clean, hanging
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data
from fablewright.gm.answering.scene import remarked
from fablewright.gm.campaign.memory import CampaignMemory, KeepScene, Recall
from fablewright.gm.preparing.ports import Batch
from fablewright.gm.preparing.prepared import late_of, prepared_of
from fablewright.gm.preparing.worker import Progress, progress_of
from fablewright.protocol.job import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from fablewright.entry.assemble import Notes
    from fablewright.gm.answer import Answer
    from fablewright.gm.preparing.accepted import AcceptedScene
    from fablewright.gm.preparing.ports import WorkQueue
    from fablewright.gm.preparing.prepared import Prepared
    from fablewright.runtime.bus import Bus

__all__ = ["NOTHING", "Session", "find_session", "session_data", "session_page", "take_to_table", "topic_of"]

NOTHING = "Nothing is prepared for these notes and this campaign; `fablewright prep` does it."


@dataclass(frozen=True, slots=True)
class Session:
    """A prepared session.

    Attributes:
        batch: As it was asked for.
        progress: How far it is.
        scenes: All of them, ready or not.
        late: Scenes that were asked for at the table and that nobody could make in time; their numbers go on.
    """

    batch: Batch
    progress: Progress
    scenes: tuple[Prepared, ...]
    late: tuple[Prepared, ...] = ()

    @property
    def words(self) -> str:
        """How far it is, as a sentence."""
        if not self.progress.all:
            return "No session is prepared."
        ready = f"{self.progress.done} of {self.progress.all} scenes are ready"
        others = [
            f"{count} {what}"
            for count, what in ((self.progress.failed, "failed"), (self.progress.cancelled, "called off"))
            if count
        ]
        paused = "; paused" if self.batch.paused and self.progress.left else ""
        return f"{', '.join([ready, *others])}{paused}."

    def scene(self, number: int) -> Answer:
        """Return a scene.

        Raises:
            InvalidInput: There is none of that number, or it is not written.
        """
        scenes = (*self.scenes, *self.late)
        if not 1 <= number <= len(scenes):
            raise InvalidInput(f"There is no scene {number}: {len(scenes)} are prepared.")
        found = scenes[number - 1]
        if found.answer is None:
            raise InvalidInput(f"Scene {number}, {found.title}: {found.remark}.")
        return found.answer


async def topic_of(bus: Bus, notes: Notes, *, timeout: float) -> str:
    """Return what the sessions of some notes and their campaign are kept under.

    Raises:
        FablewrightError: The campaign's log cannot be read.
    """
    recalled = await ask_campaign(bus, Recall(), timeout=timeout)
    return f"{notes.key}/{recalled.campaign}"


async def find_session(queue: WorkQueue, topic: str, late: Sequence[AcceptedScene] = ()) -> Session | None:
    """Return the session that was asked for last; None if there is none, and no scene that came late.

    Args:
        queue: Where it is kept.
        topic: What it is kept under.
        late: Scenes of the table.

    Raises:
        FablewrightError: The queue cannot be read.
    """
    batch = await queue.latest(topic)
    if batch is None and not late:
        return None
    tasks = () if batch is None else await queue.look(batch.id)
    scenes = prepared_of(tasks)
    return Session(batch or Batch("", topic), progress_of(tasks), scenes, late_of(late, len(scenes) + 1))


async def take_to_table(bus: Bus, session: Session, number: int, *, timeout: float) -> Answer:
    """Return a scene with what the log has to say to it now; from here on it is the last scene.

    Raises:
        InvalidInput: There is none of that number, or it is not written.
        FablewrightError: The campaign's log cannot be read.
    """
    answer = session.scene(number)
    recalled = await ask_campaign(bus, Recall(), timeout=timeout)
    answer = remarked(answer, recalled.state)
    bus.tell(CampaignMemory.name, KeepScene(answer))
    return answer


def session_data(session: Session) -> dict[str, object]:
    """Return a session as plain data, with all its scenes."""
    batch, progress = session.batch, session.progress
    return {
        "id": batch.id,
        "words": batch.words,
        "begins": batch.begins or None,
        "paused": batch.paused,
        "remark": batch.remark,
        "scenes_wanted": progress.all,
        "done": progress.done,
        "failed": progress.failed,
        "cancelled": progress.cancelled,
        "scenes": [_scene_data(scene) for scene in session.scenes],
        "late": [_scene_data(scene) for scene in session.late],
    }


def _scene_data(scene: Prepared) -> dict[str, object]:
    return {
        "number": scene.number,
        "title": scene.title,
        "why": scene.why,
        "state": scene.state.value,
        "remark": scene.remark,
        "answer": None if scene.answer is None else answer_data(scene.answer),
    }


def session_page(session: Session, console: Console) -> Iterator[RenderableType]:
    """Yield what to print for a session: how far it is, and its scenes by number."""
    yield Text()
    yield Text(session.words, "bold")
    yield Text()
    for scene in (*session.scenes, *session.late):
        said = Text(clean(scene.title))
        said.append(f"  {clean(scene.why)}", "dim")
        if scene.state is not State.DONE:
            said.append(f"  ({clean(scene.remark)})", "yellow")
        yield hanging(console, f"{scene.number:>4}  ", said)
    if session.batch.remark:
        yield Text()
        yield hanging(console, "", Text(clean(session.batch.remark), "dim"))
