"""What is asked of ``scenario_generator``, and what it answers and publishes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from fablewright.gm.answer import Timings  # noqa: TC001 - annotations of what travels are read at run time
from fablewright.gm.reading.notes import Passage  # noqa: TC001 - as above
from fablewright.gm.rules.budget import Rules  # noqa: TC001 - as above
from fablewright.gm.rules.party import Party  # noqa: TC001 - as above
from fablewright.gm.scene.composer import LeftOut  # noqa: TC001 - as above
from fablewright.gm.scene.focus import Section  # noqa: TC001 - as above
from fablewright.gm.scene.scenario import Scene  # noqa: TC001 - as above
from fablewright.gm.scene.variants import Variant  # noqa: TC001 - as above
from fablewright.gm.scene.wishes import Wishes
from fablewright.protocol.message import Message, Request

__all__ = [
    "CampaignContext",
    "GameState",
    "GenerateScenario",
    "GroundedSceneReady",
    "NextScene",
    "Scenario",
    "SuggestScenes",
]


@dataclass(frozen=True, slots=True)
class CampaignContext:
    """What is so all campaign long."""

    party: Party
    rules: Rules = "2024"
    name: str = ""


@dataclass(frozen=True, slots=True)
class GameState:
    """Where the story stands.

    Attributes:
        location: Where the party is.
        present: Who is with them.
        played: The titles of the scenes that were played, the last one last.
        lately: What happened last, in words.
        people: Everybody whom the log knows.
    """

    location: str = ""
    present: tuple[str, ...] = ()
    played: tuple[str, ...] = ()
    lately: str = ""
    people: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """Where and with whom, on one line."""
        return " ".join((self.location, *self.present)).strip()

    @property
    def names(self) -> str:
        """The names in it, as a search takes them that shall prefer what speaks of them."""
        return ";".join(filter(None, (self.location, *self.present)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """The reply to ``GenerateScenario``.

    Attributes:
        scene: The scene.
        citations: The passages that its lines point to by index; one that came along as a part of the section
            and was not found by the words themselves has score 0.
        used_rag: Whether it rests on the notes.
        generation_method: ``composer`` (out of the notes) or ``improviser`` (without them); ``model`` where a part
            of it is in a model's words.
        missing: What could not be had and why, a sentence each.
        timings: How long it took.
        variants: Other scenes for the same request, as many as were wished for and differ.
        left_out: What of the place a line or veil of the table left out.
    """

    scene: Scene
    citations: tuple[Passage, ...]
    used_rag: bool
    generation_method: str
    missing: tuple[str, ...]
    timings: Timings
    variants: tuple[Variant, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def source_count(self) -> int:
        """How many passages it rests on."""
        return len(self.citations)


@dataclass(frozen=True, slots=True)
class GenerateScenario(Request[Scenario]):
    """Write a scene.

    Attributes:
        query: The GM's words.
        campaign_context: For whom.
        game_state: Where the story stands.
        use_rag: Whether to look into the notes at all.
        seed: For what is left to chance; None for a new one each time.
        conversation_id: Names whoever will still be there to be offered the scene again when the notes come late;
            empty when nobody will.
        wishes: Variants, tone, length, and what is to stay of a scene that there is.
        prose: Whether to wait for a model's prose; who would rather have the scene at once asks ``writer`` for it
            afterwards.
    """

    action: ClassVar[str] = "generate_scenario"
    idempotent: ClassVar[bool] = True
    query: str
    campaign_context: CampaignContext
    game_state: GameState = field(default_factory=GameState)
    use_rag: bool = True
    seed: int | None = None
    conversation_id: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    prose: bool = True


@dataclass(frozen=True, slots=True)
class NextScene:
    """A scene of the notes that could be played next: its title, a passage of it, and where it stands."""

    title: str
    passage: Passage
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class SuggestScenes(Request[tuple[NextScene, ...]]):
    """Say what of the notes could be played next, best first."""

    action: ClassVar[str] = "suggest_scenes"
    idempotent: ClassVar[bool] = True
    game_state: GameState


@dataclass(frozen=True, slots=True)
class GroundedSceneReady(Message):
    """Published when a scene that had to be written without the notes, or with a part of them, can rest on them.

    Attributes:
        request: What was asked for.
        scenario: The scene as it is with the notes.
    """

    action: ClassVar[str] = "grounded_scene_ready"
    request: GenerateScenario
    scenario: Scenario

    @property
    def conversation_id(self) -> str:
        """Whom it is for."""
        return self.request.conversation_id
