"""``orchestrator``: takes a person's words, finds out what is wanted, and has it answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from fablewright.errors import InvalidInput
from fablewright.gm.answer import Answer, Want
from fablewright.gm.answering.choice import answer_choice
from fablewright.gm.answering.desk import Asked
from fablewright.gm.answering.dice import answer_dice
from fablewright.gm.answering.fight_grounds import answer_fight
from fablewright.gm.answering.fight_wish import NO_WISH, FightWish, absent_in, rules_in
from fablewright.gm.answering.limits import within_limits
from fablewright.gm.answering.log import answer_log, answer_undo
from fablewright.gm.answering.loot import answer_loot
from fablewright.gm.answering.person import answer_person
from fablewright.gm.answering.question import answer_notes_question
from fablewright.gm.answering.recap import answer_recap
from fablewright.gm.answering.rules import answer_rules
from fablewright.gm.answering.scene import answer_scene
from fablewright.gm.answering.status import answer_help, answer_status
from fablewright.gm.intent import intent_of, party_in
from fablewright.gm.rules.party import Party, without
from fablewright.gm.scene.wishes import Wishes
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fablewright.gm.rules.bestiary import Bestiary
    from fablewright.gm.scenario_request import CampaignContext
    from fablewright.runtime.context import Context

__all__ = ["LONGEST_REQUEST", "HandleRequest", "Orchestrator"]

LONGEST_REQUEST = 4000

_Answerer: TypeAlias = "Callable[[Asked], Awaitable[Answer]]"

_ANSWERERS: Mapping[Want, _Answerer] = {
    "scene": answer_scene,
    "question": partial(within_limits, answer_notes_question),
    "encounter": partial(within_limits, answer_fight),
    "npc": answer_person,
    "loot": answer_loot,
    "rules": answer_rules,
    "dice": answer_dice,
    "status": answer_status,
    "help": answer_help,
    "choose": answer_choice,
    "log": answer_log,
    "undo": answer_undo,
    "recap": answer_recap,
}


_STRICT = frozenset(("choose", "log", "undo"))
"""What a person typed as a command: a wrong argument is her slip, and no answer."""


@dataclass(frozen=True, slots=True)
class HandleRequest(Request[Answer]):
    """Answer a person.

    Attributes:
        words: What she typed, at most 4,000 characters.
        want: What is wanted; None to find out from the words.
        party: Who plays; None for the campaign's party. Words that name one ("five level 3 characters") go
            first.
        use_rag: Whether to look into the notes.
        seed: For what is left to chance; None for new dice each time.
        conversation_id: See ``GenerateScenario``.
        wishes: What else is wished for of a scene.
        prose: See ``GenerateScenario``.
        roll: What the players rolled themselves for the option that is chosen; None to roll for them.
        fight: What is wished of a fight; goes before the words.
        request_key: What tells it from all other requests, however often it is sent: a scene is kept once under it.
            Empty: each time is another request.
        ahead: Whether the scene is for later: the table goes on with the one that it has.
    """

    action: ClassVar[str] = "handle_request"
    words: str
    want: Want | None = None
    party: Party | None = None
    use_rag: bool = True
    seed: int | None = None
    conversation_id: str = ""
    wishes: Wishes = field(default_factory=Wishes)
    prose: bool = True
    roll: int | None = None
    fight: FightWish = NO_WISH
    request_key: str = ""
    ahead: bool = False


class Orchestrator(Agent):
    """Answers people.

    Args:
        campaign: For whom, unless a request says otherwise.
        bestiary: The creatures that the rules know.
        retrieve_timeout: Seconds to wait for the notes at most.
        max_docs: How many passages to ask for.
    """

    name = "orchestrator"

    def __init__(
        self,
        campaign: CampaignContext,
        bestiary: Bestiary,
        *,
        retrieve_timeout: float = 10.0,
        max_docs: int = 12,
    ) -> None:
        self._campaign = campaign
        self._bestiary = bestiary
        self._retrieve_timeout = retrieve_timeout
        self._max_docs = max_docs

    @handles(HandleRequest)
    async def handle_request(self, request: HandleRequest, ctx: Context) -> Answer:
        """Find out what is wanted and have it done.

        A request that cannot be understood is an answer too: ``failed``, with what to mend in ``missing``.

        Raises:
            InvalidInput: What is wanted was said, and there is no such option or event; nothing was done.
        """
        started = ctx.now
        try:
            answer = await self._answer(request, ctx)
        except InvalidInput as error:
            if request.want in _STRICT:
                raise
            want = request.want or intent_of(request.words, self._bestiary)
            answer = Answer(want, "failed", missing=(str(error),))
        timings = replace(answer.timings, total_ms=1000 * (ctx.now - started))
        return replace(answer, timings=timings)

    async def _answer(self, request: HandleRequest, ctx: Context) -> Answer:
        words = request.words.strip()
        if not words:
            raise InvalidInput('Say what you need, for example "generate scenario for the first encounter".')
        if len(words) > LONGEST_REQUEST:
            raise InvalidInput(f"That is {len(words):,} characters long; a request has at most {LONGEST_REQUEST:,}.")
        party = party_in(words) or request.party or self._campaign.party
        absent = request.fight.absent or absent_in(words)
        campaign = replace(
            self._campaign,
            party=without(party, absent) if absent else party,
            rules=request.fight.rules or rules_in(words) or self._campaign.rules,
        )
        asked = Asked(
            words,
            campaign,
            self._bestiary,
            ctx,
            use_rag=request.use_rag,
            seed=request.seed,
            conversation_id=request.conversation_id,
            wishes=request.wishes,
            retrieve_timeout=self._retrieve_timeout,
            max_docs=self._max_docs,
            prose=request.prose,
            roll=request.roll,
            fight=request.fight,
            request_key=request.request_key,
            ahead=request.ahead or bool(request.wishes.sections),
        )
        return await _ANSWERERS[request.want or intent_of(words, self._bestiary)](asked)
