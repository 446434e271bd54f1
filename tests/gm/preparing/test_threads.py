from __future__ import annotations

from fablewright.gm.campaign.events import Event, Fact
from fablewright.gm.campaign.state import CampaignState, state_of
from fablewright.gm.preparing.threads import threads
from fablewright.gm.scene.scenario import Line, Option, Origin, Scene


def test_what_is_open_is_a_thread_and_what_is_over_is_none() -> None:
    facts = (
        Fact("clock", "The flood", number=6),
        Fact("advanced", "The flood", number=2),
        Fact("clock", "The fair", number=2),
        Fact("filled", "The fair"),
        Fact("promised", "to bring Hob his boots"),
        Fact("promised", "to leave"),
        Fact("kept", "to leave"),
        Fact("met", "Ilse"),
        Fact("met", "Gardo"),
        Fact("dead", "Gardo"),
    )
    state = state_of([Event(f"e{number}", "2026-11-27", fact) for number, fact in enumerate(facts)])
    assert [each.words for each in threads(state, None)] == ["The flood", "to bring Hob his boots", "Ilse"]
    assert threads(state, None)[0].why == "the clock The flood, 2 of 6"


def test_the_options_of_the_scene_on_the_table_are_threads_unless_they_are_made_up() -> None:
    def option(text: str, origin: Origin, then: str = "") -> Option:
        return Option(Line(text, origin), Line(then, Origin.QUOTED) if then else None)

    scene = Scene(
        Line("The Mill", Origin.QUOTED),
        options=(
            option("Wait.", Origin.INVENTED),
            option("Climb down:", Origin.FROM_NOTES, "The ladder ends in the cellar"),
        ),
    )
    found = threads(CampaignState(), scene)
    assert [(each.words, each.why) for each in found] == [
        ("Climb down: The ladder ends in the cellar", "option 2 of The Mill")
    ]
