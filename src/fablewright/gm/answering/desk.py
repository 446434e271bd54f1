"""What everybody who answers has at hand: what was asked, for which table, and the notes to look it up in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from fablewright.errors import (
    ContractViolation,
    DeadlineExceeded,
    InvalidInput,
    RemoteError,
    RequestFailed,
    UnknownRecipient,
)
from fablewright.gm.answering.fight_wish import NO_WISH, FightWish
from fablewright.gm.campaign.memory import CampaignMemory, LogFacts, Recall, RecallScene
from fablewright.gm.grounding import reserve
from fablewright.gm.haystack_pipeline import RetrieveDocuments, find_documents, why_missing
from fablewright.gm.scene.table import Table
from fablewright.gm.scene.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.campaign.events import Fact
    from fablewright.gm.campaign.memory import Logged, Recalled
    from fablewright.gm.haystack_pipeline import Documents
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.scenario_request import CampaignContext
    from fablewright.protocol.message import Request
    from fablewright.runtime.context import Context

__all__ = ["Asked", "Found", "Remembered"]

R = TypeVar("R")

_PATIENCE = 2.0
"""Seconds that the campaign's log may take to be read: it takes a millisecond, but fifty tables may ask at once."""
_PATIENCE_TO_WRITE = 5.0


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of the notes gave.

    Attributes:
        documents: None when they could not be searched.
        missing: What could not be had and why, a sentence each.
        took_ms: Milliseconds until then.
    """

    documents: Documents | None
    missing: tuple[str, ...]
    took_ms: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the campaign's memory gave.

    Attributes:
        found: None when it gave nothing.
        missing: Why, a sentence; empty also where nobody remembers anything here.
    """

    found: Recalled | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with what it takes to answer it.

    Attributes:
        words: What the person typed, without blanks around it.
        campaign: For whom, the party of the request included.
        bestiary: The creatures that the rules know.
        ctx: The bus, and the time that is left.
        use_rag: Whether to look into the notes.
        seed: For what is left to chance; None for new dice each time.
        conversation_id: See ``GenerateScenario``.
        wishes: What else is wished for of a scene.
        retrieve_timeout: Seconds to wait for the notes at most.
        max_docs: How many passages a search asks for.
        prose: See ``GenerateScenario``.
        roll: What the players rolled themselves, for a choice; None when they did not.
        fight: What is wished of a fight beside the words.
        request_key: See ``HandleRequest``.
        ahead: See ``HandleRequest``.
    """

    words: str
    campaign: CampaignContext
    bestiary: Bestiary
    ctx: Context
    use_rag: bool = True
    seed: int | None = None
    conversation_id: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    retrieve_timeout: float = 10.0
    max_docs: int = 12
    prose: bool = True
    roll: int | None = None
    fight: FightWish = NO_WISH
    request_key: str = ""
    ahead: bool = False

    @property
    def table(self) -> Table:
        """Who plays, and by which rules."""
        return Table(self.campaign.party, self.campaign.rules, self.bestiary)

    async def recall(self, *, with_scene: bool = False, with_log: bool = False) -> Remembered:
        """Ask where the campaign stands.

        Raises:
            InvalidInput: The campaign that the settings name is not there.
        """
        request = RecallScene(with_log=with_log) if with_scene else Recall(with_log=with_log)
        found, missing = await self.remember(request, patience=_PATIENCE)
        return Remembered(found, missing)

    async def log(self, facts: tuple[Fact, ...]) -> tuple[Logged | None, tuple[str, ...]]:
        """Put facts into the campaign's log; where that fails, say why."""
        return await self.remember(LogFacts(facts))

    async def remember(
        self, request: Request[R], *, patience: float = _PATIENCE_TO_WRITE
    ) -> tuple[R | None, tuple[str, ...]]:
        """Ask the campaign's memory; where it cannot answer, say why. The table goes on without.

        Raises:
            InvalidInput: It cannot make sense of the request.
        """
        remaining = self.ctx.remaining
        patience = min(patience, remaining / 2)
        try:
            reply = await self.ctx.ask(CampaignMemory.name, request, timeout=patience, keep=reserve(remaining))
        except UnknownRecipient:  # put together without a memory: nobody was promised one
            return None, ()
        except DeadlineExceeded:
            return None, ("Your campaign's log: no answer in time.",)
        except (RequestFailed, ContractViolation) as error:
            if isinstance(error.__cause__, InvalidInput):
                raise error.__cause__ from error
            return None, (f"Your campaign's log cannot be used: {error.__cause__ or error}",)
        else:
            return reply, ()

    async def look_up(
        self, words: str, *, most: int = 0, filters: Mapping[str, str] | None = None, within: float | None = None
    ) -> Found:
        """Search the notes, within the time that is left.

        Args:
            words: What for.
            most: How many passages; 0 for as many as a search asks for.
            filters: See ``RetrieveDocuments``.
            within: Seconds that it is worth waiting; None for all that there are.

        Raises:
            InvalidInput: The search itself makes no sense.
        """
        ctx = self.ctx
        started = ctx.now
        try:
            documents = await find_documents(
                ctx,
                RetrieveDocuments(words, min(most or self.max_docs, 100), filters or {}),
                timeout=self.retrieve_timeout if within is None else min(within, self.retrieve_timeout),
                keep=reserve(ctx.remaining),
            )
        except (RequestFailed, ContractViolation) as error:
            if isinstance(error, RemoteError) and isinstance(error.__cause__, InvalidInput):
                raise error.__cause__ from error
            waited = ctx.now - started
            return Found(None, (why_missing(error, waited),), 1000 * waited)
        missing = (documents.remark,) if documents.remark else ()
        return Found(documents, missing, 1000 * (ctx.now - started))
