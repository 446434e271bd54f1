from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from fablewright.gm.answer import Answer
from fablewright.gm.preparing.document import document_of
from fablewright.gm.preparing.ports import Worked
from fablewright.gm.preparing.prepared import Prepared, kept, prepared_of
from fablewright.gm.preparing.tasks import SceneOrder, order_of, task_of
from fablewright.gm.reading.notes import Passage
from fablewright.gm.scene.focus import Section
from fablewright.gm.scene.scenario import Check, Line, Origin, Scene
from fablewright.protocol.job import State

ORDER = SceneOrder("The Mill", (Section("mill.md", ("The Mill",)), Section("mill.md", ())), "comes next", "4x2")
PASSAGE = Passage("The wheel turns.", "mill.md", ("The Mill",), 0, 16)
SCENE = Scene(
    Line("The Mill", Origin.QUOTED, (0,)),
    read_aloud=(Line("The *wheel* turns.", Origin.QUOTED, (0,)),),
    here=(Line("# Hob hides here", Origin.QUOTED, (0,), secret=True), Line("1. A cat", Origin.INVENTED)),
    checks=(Check("Wisdom (Perception)", 13, None, Line("A cat", Origin.QUOTED, (0,)), None, Origin.QUOTED, (0,)),),
)
ANSWER = Answer("scene", "answered", SCENE, citations=(PASSAGE,), used_rag=True, generation_method="composer")


def test_an_order_becomes_a_task_and_back_and_its_key_is_its_place_in_the_notes() -> None:
    assert order_of(task_of(ORDER)) == ORDER
    other = SceneOrder("Another title", ORDER.sections, "promised", "3x5")
    assert task_of(other).key == task_of(ORDER).key
    assert task_of(SceneOrder("The Mill", ORDER.sections[:1], "comes next", "4x2")).key != task_of(ORDER).key


def test_what_stands_in_the_queue_is_a_session() -> None:
    task = task_of(ORDER)
    done, failed, waiting = prepared_of(
        (Worked(task, State.DONE, kept(ANSWER)), Worked(task, State.FAILED, reason="gone"), Worked(task, State.WAITING))
    )
    assert done == Prepared(1, "The Mill", "comes next", State.DONE, ANSWER)
    assert (failed.answer, failed.remark) == (None, "gone")
    assert (waiting.number, waiting.remark) == (3, "not written yet")


def test_a_session_is_one_document() -> None:
    scenes = (
        Prepared(1, "The Mill", "comes next", State.DONE, ANSWER),
        Prepared(2, "The Ford", "after The Mill", State.FAILED, None, "your notes do not have it any more"),
    )
    assert (
        document_of("Next week", scenes)
        == """\
# Next week

1. The Mill: comes next
2. The Ford: after The Mill (your notes do not have it any more)

## 1. The Mill

### Read aloud

> The \\*wheel\\* turns. [1]
>

### What is here

- **GM only.** \\# Hob hides here [1]
- 1\\. A cat\\*

### Checks

- Wisdom (Perception), DC 13 [1]
  - *Success:* A cat [1]

Sources: [1] mill.md › The Mill

\\* invented, not in the notes
"""
    )


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_a_title_out_of_notes_stays_text(title: str) -> None:
    task = task_of(SceneOrder(title, ORDER.sections, title, "4x2"))
    assert order_of(task).title == title
    lines = document_of(title, (Prepared(1, title, title, State.DONE, ANSWER),)).split("\n")
    assert lines[0].startswith("# ")
    assert sum(line.startswith("#") for line in lines) == 5  # ours
