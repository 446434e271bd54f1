from __future__ import annotations

from fablewright.gm.answer import Answer
from fablewright.gm.answering.scene import remarked as scene_remarked
from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.remarks import with_remarks
from fablewright.gm.campaign.state import state_of
from fablewright.gm.scene.scenario import Foe, Line, Origin, Scene
from fablewright.gm.scene.variants import Variant

SCENE = Scene(
    title=Line("The Yard", Origin.QUOTED, (0,)),
    read_aloud=(Line("Tull counts coins.", Origin.QUOTED, (0,)),),
    here=(Line("Ilse hums.", Origin.QUOTED, (0,)),),
    foes=(Foe("Spy", 1, 1.0, 200, "Fenwick Tull", Origin.QUOTED), Foe("Bandit", 2, 0.125, 25, "", Origin.QUOTED)),
)


def remarked(*facts: Fact) -> Scene:
    return with_remarks(SCENE, state_of([Event(f"e{n}", "2026-11-27", fact) for n, fact in enumerate(facts)]))


def test_who_is_dead_and_since_when() -> None:
    scene = remarked(Fact("dead", "Fenwick Tull"))
    assert (
        scene.here[0].text
        == "Fenwick Tull is dead since 2026-11-27, by your log; your notes may still tell of them alive."
    )
    assert scene.here[0].origin is Origin.FROM_LOG
    assert scene.here[1:] == SCENE.here
    assert scene.foes[0].note == "Fenwick Tull; dead by your log: leave it out"
    assert scene.foes[1] == SCENE.foes[1]


def test_the_dead_who_are_not_there_are_not_mentioned() -> None:
    assert remarked(Fact("dead", "Old Hob"), Fact("dead", "Ils")) == SCENE


def test_whoever_lives_again_is_not_dead() -> None:
    assert remarked(Fact("dead", "Ilse"), Fact("alive", "Ilse")) == SCENE


def test_a_place_that_was_visited_is_marked() -> None:
    assert remarked(Fact("visited", "the yard")).here[0].text == "The party has been here already, on 2026-11-27."
    assert "played this scene already" in remarked(Fact("played", "The Yard")).here[0].text
    assert remarked(Fact("played", "The Mill")) == SCENE


def test_variants_have_the_remarks_too() -> None:
    state = state_of([Event("e1", "2026-11-27", Fact("dead", "Fenwick Tull"))])
    answer = scene_remarked(Answer("scene", "answered", SCENE, variants=(Variant("otherwise", 0.5, SCENE),)), state)
    assert answer.scene == answer.variants[0].scene == with_remarks(SCENE, state) != SCENE
