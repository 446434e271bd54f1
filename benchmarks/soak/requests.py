"""What is asked, in which proportion: mostly what is cheap, and scenes and fights of thousands of kinds in between.

Nothing in it puts facts into the campaign's log, which is kept for ever and so has to grow.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, TypeAlias

from fablewright.gm.campaign.memory import ListCampaigns, Recall
from fablewright.gm.haystack_pipeline import DescribeNotes, ListNotes, NoticeChanges
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.scene.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fablewright.gm.answer import Want
    from fablewright.protocol.message import Request

__all__ = ["HEAVY", "PROPORTIONS", "Ask", "asks"]

Ask: TypeAlias = "tuple[str, str, Request[Any]]"
"""What it is called in a report, who is asked, and what."""

_WHAT = ("the first encounter", "a fight", "what happens next", "an ambush", "a secret meeting", "a chase", "a trap")
_WHOM = ("a guard", "a smuggler", "wolves", "a priest", "goblins", "a ghost", "a merchant", "bandits", "an old friend")
_WHERE = ("on the road", "at the inn", "in the cellar", "at the docks", "in the woods", "by the river", "in a ruin")
_WHEN = ("at dusk", "at dawn", "in the rain", "at midnight", "on market day", "in the fog", "after the storm")
_FOES = ("wolves", "goblins", "bandits", "ghouls", "skeletons", "giant rats", "an ogre", "cultists")
_RULES = ("grappling", "cover", "concentration", "a short rest", "falling", "being prone", "surprise", "hiding")
_LENGTHS = (None, None, "short", "long")

PROPORTIONS = {
    "scene": 4,
    "encounter": 2,
    "npc": 1,
    "question": 4,
    "rules": 4,
    "loot": 2,
    "dice": 10,
    "recap": 1,
    "status": 2,
    "help": 2,
    "recall": 12,
    "list campaigns": 8,
    "describe notes": 24,
    "list notes": 12,
    "notice changes": 12,
}
"""How many of a hundred are of each kind."""
HEAVY = {kind: PROPORTIONS[kind] for kind in ("scene", "encounter", "npc", "question", "rules")}
"""Those whose searches and readings are kept, in caches that are bounded in bytes or by number."""


def asks(seed: int, proportions: Mapping[str, int] = PROPORTIONS) -> Iterator[Ask]:
    """Make requests without end, each hundred (or how many the proportions come to) in another order."""
    dice = random.Random(seed)
    kinds = [kind for kind, count in proportions.items() for _ in range(count)]
    while True:
        for kind in dice.sample(kinds, len(kinds)):
            yield _ask(kind, dice)


def _ask(kind: str, dice: random.Random) -> Ask:
    match kind:
        case "recall":
            return kind, "campaign_memory", Recall()
        case "list campaigns":
            return kind, "campaign_memory", ListCampaigns()
        case "describe notes":
            return kind, "haystack_pipeline", DescribeNotes()
        case "list notes":
            return kind, "haystack_pipeline", ListNotes()
        case "notice changes":
            return kind, "haystack_pipeline", NoticeChanges()
    return kind, "orchestrator", _person(kind, dice)  # type: ignore[arg-type]  # what is left are wants


def _person(want: Want, dice: random.Random) -> HandleRequest:
    what, whom, where, when = (dice.choice(each) for each in (_WHAT, _WHOM, _WHERE, _WHEN))
    words = {
        "scene": f"{what} with {whom} {where} {when}",
        "encounter": f"a {dice.choice(('easy', 'medium', 'hard'))} fight with {dice.choice(_FOES)} {where}",
        "npc": f"{whom} {where} {when}",
        "question": f"who is {whom} {where}?",
        "rules": f"how does {dice.choice(_RULES)} work?",
        "loot": f"treasure of {whom}",
        "dice": f"{dice.randint(1, 9)}d{dice.choice((4, 6, 8, 10, 12, 20))}+{dice.randint(1, 9)}",
    }.get(want, want)
    wishes = Wishes(length=dice.choice(_LENGTHS)) if want == "scene" else Wishes()
    return HandleRequest(words, want, seed=dice.randrange(10**9), wishes=wishes)
