"""What becomes of a scene when its visible pieces are changed, moved, removed or added to by hand."""

from __future__ import annotations

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer
from fablewright.gm.exporting.edits import Seen, edited
from fablewright.gm.exporting.pieces import pieces
from fablewright.gm.scene.scenario import Check, Foe, Line, Option, Origin, Scene


def quoted(text: str, *, secret: bool = False) -> Line:
    return Line(text, Origin.QUOTED, (0,), secret)


SCENE = Scene(
    quoted("The mill"),
    here=(quoted("The wheel turns."), quoted("The miller is dead.", secret=True)),
    checks=(Check("Wisdom (Perception)", 13, None, quoted("A door"), None, Origin.FROM_NOTES, (0,)),),
    foes=(
        Foe("Bandit", 2, 0.125, 25, "Hob and Nell", Origin.FROM_NOTES, (0,)),
        Foe("Ghast", None, None, None, "", Origin.INVENTED),
    ),
    options=(Option(quoted("Swim."), quoted("It is cold.")),),
)
ANSWER = Answer("scene", "answered", SCENE)
WRITTEN = [Seen(piece.place, piece.text, piece.secret) for piece in pieces(SCENE)]


def after(*changes: tuple[str, str | None], added: tuple[tuple[str, Seen], ...] = ()) -> Scene:
    """Return the scene after places got another text (None: are gone) and pieces were added behind places."""
    texts = dict(changes)
    seen: list[Seen] = []
    for each in WRITTEN:
        text = texts.get(each.place, each.text)
        if text is not None:
            seen.append(Seen(each.place, text, each.secret))
        seen += [new for place, new in added if place == each.place]
    scene = edited(ANSWER, WRITTEN, seen).scene
    assert scene is not None
    return scene


def test_what_is_not_touched_stays_as_it_was() -> None:
    assert edited(ANSWER, WRITTEN, list(WRITTEN)) is ANSWER
    scene = after(("here.0", "The wheel stands still."))
    assert scene.here == (Line("The wheel stands still.", Origin.INVENTED), SCENE.here[1])
    assert (scene.title, scene.checks, scene.foes, scene.options) == (
        SCENE.title,
        SCENE.checks,
        SCENE.foes,
        SCENE.options,
    )


def test_what_is_gone_is_gone_with_what_hangs_on_it() -> None:
    assert after(("here.0", None)).here == SCENE.here[1:]
    assert after(("options.0", None), ("options.0.consequence", None)).options == ()
    assert after(("options.0.consequence", None)).options == (Option(SCENE.options[0].action),)
    assert after(("checks.0.success", None)).checks[0].success is None
    assert after(("foes.0.note", None)).foes[0].note == ""


def test_a_title_that_was_emptied_stays() -> None:
    assert after(("title", "")).title == SCENE.title
    assert after(("title", "The old mill")).title == Line("The old mill", Origin.INVENTED)


def test_foes_and_checks_are_read_as_they_are_written() -> None:
    scene = after(("foes.0", "3 x Wolf (CR 1/4, 50 XP each)"), ("foes.1", "some Ghouls"), ("checks.0", "Stealth DC 9"))
    assert scene.foes[0] == Foe("Wolf", 3, 0.25, 50, "Hob and Nell", Origin.INVENTED)
    assert scene.foes[1] == Foe("Ghouls", None, None, None, "", Origin.INVENTED)
    assert (scene.checks[0].skill, scene.checks[0].dc, scene.checks[0].success) == ("Stealth", 9, quoted("A door"))
    assert after(("foes.0", "Ogre (CR 2, 450 XP)")).foes[0].count == 1
    with pytest.raises(InvalidInput, match=r"The check 'Look' cannot be read: write it as 'Wisdom"):
        after(("checks.0", "Look"))
    with pytest.raises(InvalidInput, match="The foe '' cannot be read"):
        after(("foes.0", ""))


def test_what_is_added_stands_where_it_was_put() -> None:
    scene = after(
        added=(
            ("here.0", Seen("here.+", "A cat sits there.")),
            ("here.1", Seen("here.+", "It is a devil.", secret=True)),
            ("options.0.consequence", Seen("options.+", "Run.")),
            ("options.0.consequence", Seen("options.+.consequence", "They follow.")),
            ("checks.0.success", Seen("checks.+", "Athletics, DC 10")),
            ("checks.0.success", Seen("checks.+.failure", "A splash.")),
            ("foes.1", Seen("foes.+", "2 × Rat (CR 0, 10 XP each)")),
            ("foes.1", Seen("foes.+.note", "tame")),
            ("checks.0", Seen("checks.0.failure", "A noise.")),
        )
    )
    new = Line("A cat sits there.", Origin.INVENTED)
    assert scene.here == (SCENE.here[0], new, SCENE.here[1], Line("It is a devil.", Origin.INVENTED, secret=True))
    assert scene.options[1] == Option(Line("Run.", Origin.INVENTED), Line("They follow.", Origin.INVENTED))
    assert scene.checks[0].failure == Line("A noise.", Origin.INVENTED)
    assert (scene.checks[1].skill, scene.checks[1].failure) == ("Athletics", Line("A splash.", Origin.INVENTED))
    assert scene.foes[2] == Foe("Rat", 2, 0.0, 10, "tame", Origin.INVENTED)


def test_what_is_moved_is_still_what_it_was() -> None:
    scene = after(
        ("here.0", None),
        ("foes.0", None),
        ("foes.0.note", None),
        ("checks.0", None),
        ("checks.0.success", None),
        added=(
            ("here.1", Seen("here.+", "The wheel turns.")),
            ("foes.1", Seen("foes.+", "2 × Bandit (CR 1/8, 25 XP each)")),
            ("foes.1", Seen("foes.+.note", "Hob and Nell")),
            ("foes.1", Seen("checks.+", "Wisdom (Perception), DC 13")),
            ("foes.1", Seen("checks.+.success", "A door")),
        ),
    )
    assert scene.here == SCENE.here[::-1]
    assert scene.foes == SCENE.foes[::-1]
    assert scene.checks == SCENE.checks
