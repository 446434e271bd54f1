"""``orchestrator``: takes a person's words, finds out what is wanted, and asks the agent that can do it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from fablewright.errors import ContractViolation, InvalidInput, RemoteError, RequestFailed
from fablewright.gm.answer import Answer, Timings, Want
from fablewright.gm.haystack_pipeline import (
    DescribeNotes,
    Documents,
    HaystackPipeline,
    RetrieveDocuments,
    find_documents,
    why_missing,
)
from fablewright.gm.intent import dice_in, difficulty_in, intent_of, is_about_stats, is_to_be_rated, party_in
from fablewright.gm.questions.question import answer_question
from fablewright.gm.questions.session_log import LOG_SEARCHES, asks_for_log, log_lines
from fablewright.gm.rules import dice, rating
from fablewright.gm.rules.encounter import build
from fablewright.gm.scenario_generator import DECLINED, CampaignContext, GenerateScenario, ScenarioGenerator, reserve
from fablewright.gm.scene.composer import compose
from fablewright.gm.scene.focus import choose_focus, search_words
from fablewright.gm.scene.scenario import Line, Origin
from fablewright.gm.scene.table import Table, balance_lines
from fablewright.gm.small_talk import EXAMPLES
from fablewright.protocol.message import Request
from fablewright.runtime.agent import Agent, handles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fablewright.gm.rules.bestiary import Bestiary, Mention
    from fablewright.gm.rules.party import Party
    from fablewright.gm.scenario_generator import Scenario
    from fablewright.runtime.context import Context

__all__ = ["LONGEST_REQUEST", "HandleRequest", "Orchestrator", "scene_answer"]

LONGEST_REQUEST = 4000
_NO_SUCH_FIGHT = "Your notes name no foes for this; here is a fight that would suit your party."


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
    """

    action: ClassVar[str] = "handle_request"
    words: str
    want: Want | None = None
    party: Party | None = None
    use_rag: bool = True
    seed: int | None = None
    conversation_id: str = ""


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
        """
        started = ctx.now
        try:
            answer = await self._answer(request, ctx)
        except InvalidInput as error:
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
        campaign = replace(self._campaign, party=party)
        match request.want or intent_of(words, self._bestiary):
            case "dice":
                return _roll(words, random.Random(request.seed))
            case "help":
                return Answer("help", "answered", lines=EXAMPLES, generation_method="rules")
            case "status":
                return await self._status(ctx)
            case "question":
                return await self._question(words, request, ctx)
            case "encounter":
                return await self._encounter(words, campaign, request, ctx)
            case _:
                return await self._scene(words, campaign, request, ctx)

    # -------------------------------------------------------------- what is wanted

    async def _scene(self, words: str, campaign: CampaignContext, request: HandleRequest, ctx: Context) -> Answer:
        scenario = await ctx.ask(
            ScenarioGenerator.name,
            GenerateScenario(
                words,
                campaign,
                use_rag=request.use_rag,
                seed=request.seed,
                conversation_id=request.conversation_id,
            ),
            timeout=ctx.remaining,
        )
        return scene_answer(scenario)

    async def _question(self, words: str, request: HandleRequest, ctx: Context) -> Answer:
        if not request.use_rag:
            return Answer("question", "failed", missing=(f"{DECLINED} Only they could answer this.",))
        documents, missing, took = await self._documents(words, ctx, most=2 * self._max_docs)
        timings = Timings(retrieve_ms=took)
        if documents is None:
            return Answer("question", "failed", missing=missing, timings=timings)
        if asks_for_log(words):
            logs = [await self._documents(query, ctx, most=50, filters=wanted) for query, wanted in LOG_SEARCHES]
            lines, cited = log_lines(words, [p for found, _, _ in logs if found for p in found.passages])
        else:
            lines, cited = answer_question(words, documents.passages)
        if not lines:
            said = Line("Your notes do not say: there is nothing about this in them.", Origin.INVENTED)
            return Answer("question", "abstained", lines=(said,), missing=missing, timings=timings)
        return Answer(
            want="question",
            status="degraded" if missing else "answered",
            lines=lines,
            citations=cited,
            used_rag=True,
            generation_method="quoted",
            missing=missing,
            timings=timings,
        )

    async def _encounter(self, words: str, campaign: CampaignContext, request: HandleRequest, ctx: Context) -> Answer:
        """Rate the creatures that the words name; else those of the place they name; else build a fight."""
        table = Table(campaign.party, campaign.rules, self._bestiary)
        mentions = self._bestiary.mentions(words)
        counted = [mention for mention in mentions if mention.count]
        rated = is_to_be_rated(words)
        if rated and request.use_rag:
            # "Gardo and his four bandits": the notes may know the fight that is meant, and who Gardo is.
            answer = await self._rate_place(words, table, ctx, with_all={m.creature.name for m in counted})
            if answer is not None:
                return answer
        if counted:
            return _weighed(counted, table)
        if mentions and (rated or is_about_stats(words)):
            return _weighed(mentions, table)
        built = self._build(words, table, request.seed)
        return replace(built, status="degraded", missing=(_NO_SUCH_FIGHT,)) if rated and request.use_rag else built

    async def _rate_place(self, words: str, table: Table, ctx: Context, *, with_all: set[str]) -> Answer | None:
        """Rate the fight at the place that the words name, if everything that they count is in it."""
        documents, missing, took = await self._documents(search_words(words), ctx)
        focus = choose_focus(words, documents.passages, self._bestiary) if documents else None
        if documents is None or focus is None:
            return None
        composed = compose(words, focus, documents.passages, table)
        if not composed.scene.foes or not with_all <= {foe.name for foe in composed.scene.foes}:
            return None
        foes = [
            Line(f"{foe.count} × {foe.name} ({foe.xp} XP each)", Origin.FROM_NOTES, foe.sources)
            for foe in composed.scene.foes
        ]
        return Answer(
            want="encounter",
            status="degraded" if missing else "answered",
            lines=(*foes, *composed.scene.balance),
            citations=composed.citations,
            used_rag=True,
            generation_method="rules",
            missing=missing,
            timings=Timings(retrieve_ms=took),
        )

    def _build(self, words: str, table: Table, seed: int | None) -> Answer:
        rng = random.Random(seed)
        difficulty = difficulty_in(words)
        theme = self._theme_in(words)
        encounter = build(table.party, difficulty, self._bestiary, rng, theme=theme)
        head = Line(f"{encounter.text}.", Origin.BY_RULE)
        return Answer(
            "encounter",
            "answered",
            lines=(head, *balance_lines(encounter.foes, table)),
            generation_method="rules",
        )

    def _theme_in(self, words: str) -> str | None:
        """Return the kinds and creatures that the words name, as a theme to build from."""
        types = [t for t in sorted(self._bestiary.types) if f" {t}" in f" {words.lower()}"]
        names = [m.creature.name for m in self._bestiary.mentions(words)]
        return " ".join([*types, *names]) or None

    async def _status(self, ctx: Context) -> Answer:
        lines = [Line("The assistant is up.", Origin.BY_RULE)]
        try:
            notes = await ctx.ask(HaystackPipeline.name, DescribeNotes(), timeout=1.0, keep=reserve(ctx.remaining))
        except (RequestFailed, ContractViolation) as error:
            return Answer("status", "degraded", lines=tuple(lines), missing=(f"Your notes: {error}",))
        state = "being read" if notes.reading else "ready"
        lines.append(Line(f"Your notes are {state}: {notes.files} files.", Origin.BY_RULE))
        lines += [Line(f"Skipped {report.name}: {report.remark}", Origin.BY_RULE) for report in notes.skipped]
        missing = (notes.problem,) if notes.problem else ()
        return Answer("status", "degraded" if missing else "answered", lines=tuple(lines), missing=missing)

    async def _documents(
        self, words: str, ctx: Context, *, most: int = 0, filters: Mapping[str, str] | None = None
    ) -> tuple[Documents | None, tuple[str, ...], float]:
        """Search the notes: the documents or None, what is missing, and the milliseconds it took."""
        started = ctx.now
        try:
            documents = await find_documents(
                ctx,
                RetrieveDocuments(words, min(most or self._max_docs, 100), filters or {}),
                timeout=self._retrieve_timeout,
                keep=reserve(ctx.remaining),
            )
        except (RequestFailed, ContractViolation) as error:
            if isinstance(error, RemoteError) and isinstance(error.__cause__, InvalidInput):
                raise error.__cause__ from error
            waited = ctx.now - started
            return None, (why_missing(error, waited),), 1000 * waited
        missing = (documents.remark,) if documents.remark else ()
        return documents, missing, 1000 * (ctx.now - started)


def scene_answer(scenario: Scenario) -> Answer:
    """Return a scene as the answer to a person."""
    return Answer(
        want="scene",
        status="degraded" if scenario.missing else "answered",
        scene=scenario.scene,
        citations=scenario.citations,
        used_rag=scenario.used_rag,
        generation_method=scenario.generation_method,
        missing=scenario.missing,
        timings=scenario.timings,
    )


def _roll(words: str, rng: random.Random) -> Answer:
    expression = dice_in(words) or words
    result = dice.roll(expression, rng)
    return Answer("dice", "answered", lines=(Line(result.text, Origin.BY_RULE),), generation_method="rules")


def _weighed(mentions: Sequence[Mention], table: Table) -> Answer:
    """Rate the creatures that the words name; one of each whose number they do not give."""
    foes = [rating.Foe.of(m.creature, m.count or 1) for m in mentions]
    return Answer("encounter", "answered", lines=balance_lines(foes, table), generation_method="rules")
