"""A scene to be prepared, as a task that a queue can keep, and back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from fablewright.gm.preparing.ports import Task
from fablewright.gm.scene.focus import Section

__all__ = ["SceneOrder", "order_of", "task_of"]


@dataclass(frozen=True, slots=True)
class SceneOrder:
    """What to write.

    Attributes:
        title: Of the section.
        sections: Which of the notes to play.
        why: Why it may come, for people.
        party: Who plays, as ``parse_party`` reads it.
    """

    title: str
    sections: tuple[Section, ...]
    why: str
    party: str


def task_of(order: SceneOrder) -> Task:
    """Return an order as a task; its key is where the scene stands in the notes, so that no scene is ordered twice."""
    places = [[section.file, *section.heading] for section in order.sections]
    key = hashlib.sha256(json.dumps(places).encode()).hexdigest()[:24]
    body = {"title": order.title, "sections": places, "why": order.why, "party": order.party}
    return Task(key, json.dumps(body, ensure_ascii=False))


def order_of(task: Task) -> SceneOrder:
    """Return the order that ``task_of`` wrote down."""
    body = json.loads(task.body)
    sections = tuple(Section(file, tuple(heading)) for file, *heading in body["sections"])
    return SceneOrder(body["title"], sections, body["why"], body["party"])
