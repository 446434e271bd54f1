from __future__ import annotations

from fablewright.gm.answer import Answer
from fablewright.gm.exporting.player_safe import player_safe
from fablewright.gm.reading.indexing import passages_of
from fablewright.gm.scene.scenario import Line, Origin, Scene

NOTE = """# The Mill

> Flour lies ankle-deep, and a wheel creaks.

**GM only:** The miller drowned his brother under the sluice.
"""


def told(*texts: str) -> Answer:
    lines = tuple(Line(text, Origin.RETOLD, (0,)) for text in texts)
    scene = Scene(Line("The Mill", Origin.QUOTED, (0,)), read_aloud=lines, here=(Line("A rope.", Origin.INVENTED),))
    return player_safe(Answer("scene", "answered", scene=scene, citations=passages_of("mill.md", NOTE)))


def test_a_secret_of_the_passages_is_not_retold_to_the_players() -> None:
    answer = told("Flour lies ankle-deep.", "By the sluice the drowned brother of the miller is seen.")
    assert answer.scene is not None
    assert [line.text for line in answer.scene.read_aloud] == ["Flour lies ankle-deep."]
    assert answer.missing == ("Left out, because it would tell a secret: 1 of the texts to read aloud.",)


def test_only_the_title_and_what_is_read_aloud_are_left() -> None:
    answer = told("A wheel creaks.")
    assert answer.scene == Scene(Line("The Mill", Origin.QUOTED), read_aloud=(Line("A wheel creaks.", Origin.RETOLD),))
    assert (answer.citations, answer.lines, answer.missing) == ((), (), ())
