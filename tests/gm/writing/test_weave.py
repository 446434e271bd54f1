from __future__ import annotations

from fablewright.gm.scene.scenario import Line, Option, Origin, Scene
from fablewright.gm.writing.parts import Part, Sentence
from fablewright.gm.writing.weave import weave

QUOTED = Line("Flour everywhere.", Origin.QUOTED, (0,))
MADE_UP = Line("Wait and watch.", Origin.INVENTED)
SCENE = Scene(
    Line("The Mill", Origin.QUOTED, (0,)),
    read_aloud=(QUOTED,),
    here=(QUOTED, MADE_UP),
    options=(Option(MADE_UP), Option(QUOTED)),
    consequences=(MADE_UP,),
)
RETOLD, INVENTED = Sentence("Flour lies deep.", (2, 1)), Sentence("Dust hangs in the air.")


def test_neighbours_of_one_kind_are_one_line_of_the_text_to_read_aloud() -> None:
    woven = weave(SCENE, Part.READ_ALOUD, [RETOLD, RETOLD, INVENTED], [4, 7])
    assert woven.read_aloud == (
        Line("Flour lies deep. Flour lies deep.", Origin.RETOLD, (7, 4)),
        Line("Dust hangs in the air.", Origin.INVENTED),
    )


def test_nothing_that_the_gm_wrote_is_lost() -> None:
    scene = SCENE
    for part in Part:
        scene = weave(scene, part, [INVENTED], [])
    assert scene.here[-1] == QUOTED
    assert Option(QUOTED) in scene.options
    assert MADE_UP not in (*scene.here, *scene.consequences, *(option.action for option in scene.options))
    assert len(scene.options) == len(SCENE.options)
    assert scene.title == SCENE.title
