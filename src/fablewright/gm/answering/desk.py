"""What everybody who answers has at hand: what was asked, for which table, and the notes to look it up in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation, InvalidInput, RemoteError, RequestFailed
from fablewright.gm.haystack_pipeline import RetrieveDocuments, find_documents, why_missing
from fablewright.gm.scenario_generator import reserve
from fablewright.gm.scene.table import Table
from fablewright.gm.scene.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.haystack_pipeline import Documents
    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.scenario_generator import CampaignContext
    from fablewright.runtime.context import Context

__all__ = ["Asked", "Found"]


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

    @property
    def table(self) -> Table:
        """Who plays, and by which rules."""
        return Table(self.campaign.party, self.campaign.rules, self.bestiary)

    async def look_up(self, words: str, *, most: int = 0, filters: Mapping[str, str] | None = None) -> Found:
        """Search the notes, within the time that is left.

        Raises:
            InvalidInput: The search itself makes no sense.
        """
        ctx = self.ctx
        started = ctx.now
        try:
            documents = await find_documents(
                ctx,
                RetrieveDocuments(words, min(most or self.max_docs, 100), filters or {}),
                timeout=self.retrieve_timeout,
                keep=reserve(ctx.remaining),
            )
        except (RequestFailed, ContractViolation) as error:
            if isinstance(error, RemoteError) and isinstance(error.__cause__, InvalidInput):
                raise error.__cause__ from error
            waited = ctx.now - started
            return Found(None, (why_missing(error, waited),), 1000 * waited)
        missing = (documents.remark,) if documents.remark else ()
        return Found(documents, missing, 1000 * (ctx.now - started))
