"""The scenes of a prepared session, as they stand in the queue."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from fablewright.gm.answer_data import answer_data, answer_from_data
from fablewright.gm.preparing.tasks import order_of
from fablewright.protocol.job import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.answer import Answer
    from fablewright.gm.preparing.accepted import AcceptedScene
    from fablewright.gm.preparing.ports import Worked

__all__ = ["Prepared", "kept", "late_of", "prepared_of"]

_REMARKS = {State.WAITING: "not written yet", State.LEASED: "being written", State.CANCELLED: "called off"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """One scene of a session.

    Attributes:
        number: From 1, in the order in which they may come.
        title: What to call it.
        why: Why it may come.
        state: Where its task stands.
        answer: The scene; None until it is written.
        remark: What is to be said where there is none.
    """

    number: int
    title: str
    why: str
    state: State
    answer: Answer | None = None
    remark: str = ""


def prepared_of(tasks: Sequence[Worked]) -> tuple[Prepared, ...]:
    """Return the scenes of a session.

    Raises:
        InvalidInput: A result is no scene of ours.
    """
    return tuple(_prepared(number, task) for number, task in enumerate(tasks, 1))


def late_of(scenes: Sequence[AcceptedScene], first: int) -> tuple[Prepared, ...]:
    """Return scenes that were asked for at the table and came late, or are still to come.

    Args:
        scenes: As they were accepted.
        first: The number of the first.

    Raises:
        InvalidInput: A result is no scene of ours.
    """
    return tuple(_late(number, scene) for number, scene in enumerate(scenes, first))


def kept(answer: Answer) -> str:
    """Return a scene as the result of a task."""
    return json.dumps(answer_data(answer), ensure_ascii=False)


def _late(number: int, scene: AcceptedScene) -> Prepared:
    state = scene.job.state
    answer = answer_from_data(json.loads(scene.result)) if state is State.DONE else None
    title = answer.scene.title.text if answer is not None and answer.scene is not None else scene.words
    when = datetime.fromtimestamp(scene.at).astimezone()
    why = f"you asked for it at {when:%H:%M} on {when:%Y-%m-%d}" + (", and it came late" if answer is not None else "")
    remark = scene.job.reason if state is State.FAILED else _REMARKS.get(state, "")
    return Prepared(number, title, why, state, answer, remark)


def _prepared(number: int, task: Worked) -> Prepared:
    order = order_of(task.task)
    answer = answer_from_data(json.loads(task.result)) if task.state is State.DONE else None
    remark = task.reason if task.state is State.FAILED else _REMARKS.get(task.state, "")
    return Prepared(number, order.title, order.why, task.state, answer, remark)
