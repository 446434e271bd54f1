from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from fablewright.gm.scene.scenario import Check, Line, Option, Origin, Scene
from fablewright.gm.scene.variants import (
    EMPHASES,
    LEAST,
    Variant,
    choose_variants,
    differing_parts,
    distance,
    emphasised,
)

lines = st.sampled_from("abcdef").map(lambda text: Line(text, Origin.INVENTED))
parts = st.lists(lines, max_size=4).map(tuple)
scenes = st.builds(
    Scene, lines, parts, parts, consequences=parts, loot=parts, options=st.tuples(st.builds(Option, lines))
)


@given(scenes, scenes)
def test_distance_is_a_measure(one: Scene, other: Scene) -> None:
    assert distance(one, one) == 0
    assert distance(one, other) == distance(other, one)
    assert 0 <= distance(one, other) <= 1
    assert (distance(one, other) == 0) == (not differing_parts(one, other))


def test_order_counts_and_origin_does_not() -> None:
    a, b = Line("a", Origin.INVENTED), Line("b", Origin.INVENTED)
    scene = Scene(a, here=(a, b))
    assert distance(scene, replace(scene, here=(b, a))) == 0.25  # half of one part of two
    assert distance(scene, replace(scene, title=Line("a", Origin.QUOTED, (0,)))) == 0
    assert differing_parts(scene, replace(scene, here=(b, a))) == ("here",)


@given(scenes, st.lists(scenes, max_size=6), st.integers(0, 4))
def test_chosen_variants_are_apart_from_all_others(first: Scene, found: list[Scene], wanted: int) -> None:
    chosen = choose_variants(first, [Variant("Another", 0.0, scene) for scene in found], wanted)
    assert len(chosen) <= wanted
    together = [first, *(each.scene for each in chosen)]
    for at, one in enumerate(together):
        assert all(distance(one, other) >= LEAST for other in together[at + 1 :])
    assert all(each.differs.startswith("Another: other ") and each.distance >= LEAST for each in chosen)


def test_an_emphasis_brings_its_own_first_and_rewords_nothing() -> None:
    def check(skill: str) -> Check:
        return Check(skill, 12, None, None, None, Origin.FROM_NOTES, (0,))

    scene = Scene(
        Line("The gate", Origin.QUOTED, (0,)),
        here=(Line("The wall is old.", Origin.QUOTED, (0,)), Line("The guard wants a bribe.", Origin.QUOTED, (0,))),
        checks=(check("Strength (Athletics)"), check("Dexterity (Stealth)"), check("Charisma (Persuasion)")),
        options=(
            Option(Line("Climb the wall.", Origin.QUOTED, (0,))),
            Option(Line("Offer a bribe.", Origin.QUOTED, (0,))),
        ),
    )
    talk = emphasised(scene, "talk")
    assert [line.text for line in talk.here] == ["The guard wants a bribe.", "The wall is old."]
    assert [check.skill for check in talk.checks] == ["Charisma (Persuasion)", "Strength (Athletics)"]
    assert talk.options[0].action.text == "Offer a bribe."
    assert talk.options[1].action.origin is Origin.INVENTED
    for emphasis in EMPHASES:
        made = emphasised(scene, emphasis)
        assert set(made.here) == set(scene.here)
        assert set(made.checks) <= set(scene.checks)
        assert distance(scene, made) > 0
