"""``fablewright chat``: one request after another, with everything kept warm."""

from __future__ import annotations

import asyncio
import difflib
import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.entry import assemble
from fablewright.entry.answering import ask_once, settle
from fablewright.entry.campaign_log import ask_campaign, campaign_request, campaigns_text
from fablewright.entry.event_loop import run_loop
from fablewright.entry.export_scene import Wanted, write_scene
from fablewright.entry.interrupt import Interrupted, unless_interrupted
from fablewright.entry.last_scene import last_scene_of
from fablewright.entry.late_scenes import make_late_scenes
from fablewright.entry.log_page import log_page
from fablewright.entry.preparation import NOTHING, find_session, session_page, take_to_table, topic_of
from fablewright.entry.print_answer import print_answer
from fablewright.entry.prompt import open_prompt
from fablewright.entry.prose import print_piece, prose_below
from fablewright.entry.safety_net import safety_net
from fablewright.entry.story_file import asking
from fablewright.entry.terminal import emit, notice, output_console, set_up_streams, write
from fablewright.entry.work_queue import work_queue
from fablewright.errors import FablewrightError, InvalidInput, RequestFailed
from fablewright.gm.answering.scene import remarked, scene_answer
from fablewright.gm.campaign.memory import CampaignMemory, KeepScene, RecallScene
from fablewright.gm.haystack_pipeline import DescribeNotes, HaystackPipeline
from fablewright.gm.orchestrator import HandleRequest
from fablewright.gm.rules.party import Party, parse_party
from fablewright.gm.scenario_request import GroundedSceneReady
from fablewright.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.entry.assemble import Notes
    from fablewright.entry.config import Loaded, Settings
    from fablewright.entry.prompt import Prompt
    from fablewright.entry.safety_net import SafetyNet
    from fablewright.gm.answer import Answer, Want
    from fablewright.gm.scenario_request import Scenario
    from fablewright.gm.writer import Prose
    from fablewright.runtime.bus import Bus
    from fablewright.runtime.subscription import Subscription

__all__ = ["chat"]

_HELP = """\
Type what you need: a scene, a question to your notes, "a hard fight with goblins", or dice such as 2d6+3.

  /choose 2    an option of the last scene, played out; the players' own roll: /choose 2 rolled 17
  /log         what happened; /log Met Ilse at the mill puts something in; /undo takes it back
  /recap       what happened so far; /recap players is safe for them
  /campaign    which campaigns there are; /campaign new NAME, /campaign switch NAME
  /prepared    which scenes `fablewright prep` has ready; /prepared 3 takes one to the table
  /export obsidian      the last scene as a file; /export html players for their hands
  /party 4x3   who plays: four level-3 characters; without a number, who it is now
  /encounter   builds a fight, or rates "2 ogres and 4 goblins"; /npc, /loot, /rules and /roll likewise
  /grounded    a scene that came without your notes, once more with them
  /notes       which notes are used, and what was skipped and why
  /status      what is up
  /help        this
  /quit        leave, as Ctrl-D does

Ctrl-C gives up what you wait for; at the prompt, twice in a row, it leaves.
"""
_WANTS: Mapping[str, tuple[Want, str]] = {
    "/encounter": ("encounter", "build a fight"),
    "/loot": ("loot", "treasure"),
    "/npc": ("npc", "an npc"),
    "/roll": ("dice", "d20"),
    "/rules": ("rules", ""),
}
"""What a command is for, and the words when none are typed behind it; nothing where there must be some."""
_COMMANDS = (
    "/campaign",
    "/choose",
    "/export",
    "/grounded",
    "/help",
    "/log",
    "/notes",
    "/party",
    "/prepared",
    "/quit",
    "/recap",
    "/status",
    "/undo",
    *_WANTS,
)


def chat(loaded: Loaded, *, use_rag: bool) -> int:
    """Answer until the GM leaves, and return the exit status.

    Raises:
        InvalidInput: The notes folder is none.
    """
    set_up_streams()
    settings = loaded.settings
    notes = assemble.open_notes(settings, settings.notes)
    return run_loop(_chat(settings, notes, use_rag=use_rag))


async def _chat(settings: Settings, notes: Notes, *, use_rag: bool) -> int:
    # It loads and reads in the background from here on.
    async with assemble.assistant(settings, notes) as bus, safety_net(settings) as net:
        prompt = open_prompt(settings.data_dir)
        if prompt.is_terminal:
            emit(f"Your notes: {notes.label}. What do you need? /help says what can be typed.\n")
        conversation = _Conversation(bus, net, prompt, settings, notes, parse_party(settings.party), use_rag=use_rag)
        supervisor = Supervisor()
        with bus.subscribe(GroundedSceneReady) as scenes:
            supervisor.start(conversation.listen(scenes), name="scenes that came late")
            if net.scenes is not None:
                supervisor.start(make_late_scenes(bus, net.scenes, settings), name="scenes that nobody made")
            try:
                await conversation.run()
            finally:
                await conversation.later.stop()
                await supervisor.stop()
                await settle(bus)
    return 0


@dataclass(slots=True)
class _Conversation:
    """One sitting: what was said at the prompt, and the party that may change in between."""

    bus: Bus
    net: SafetyNet
    prompt: Prompt
    settings: Settings
    notes: Notes
    party: Party
    use_rag: bool
    asked: int = 0
    conversation_id: str = field(default_factory=lambda: secrets.token_hex(8))
    grounded: Scenario | None = None
    later: Supervisor = field(default_factory=Supervisor)  # has the prose of the latest scene

    async def run(self) -> None:
        """Answer line after line until /quit, Ctrl-D, or Ctrl-C twice at the prompt."""
        pressed = False
        while True:
            try:
                line = await self.prompt.read()
            except Interrupted:
                if pressed:
                    return
                pressed = True
                notice("Ctrl-C once more, or Ctrl-D, leaves.", style="dim")
                continue
            pressed = False
            if line is None or line.strip() in {"/quit", "/exit", "/q"}:
                return
            await self._take(line.strip())

    async def listen(self, scenes: Subscription[GroundedSceneReady]) -> None:
        """Keep each scene that was written again for this conversation, and say that it is there."""
        async for ready in scenes:
            if ready.conversation_id == self.conversation_id:
                self.grounded = ready.scenario
                await self.prompt.tell("Your notes have arrived: the grounded version is ready. /grounded shows it.")

    async def _take(self, line: str) -> None:
        try:
            name, _, rest = line.partition(" ")
            if name in _WANTS:
                await self._answer(self._wanted(name, rest.strip()))
            elif line.startswith("/"):
                await unless_interrupted(self._command(*line.split(maxsplit=1)))
            elif line:
                await self._answer(self._request(line))
        except FablewrightError as error:
            notice(str(error), style="bold red")
        except Interrupted:
            notice("Stopped.", style="dim")

    async def _answer(self, request: HandleRequest) -> None:
        with asking(request.words) as asked:
            await self.later.stop()  # nobody waits any more for the last scene's prose
            answer = await unless_interrupted(self.net.ask(self.bus, request, timeout=self.settings.timeout))
        print_answer(answer, asked)
        if not request.prose:
            self.later.start(self._prose(answer, request), name="prose below a scene")

    async def _prose(self, answer: Answer, request: HandleRequest) -> None:
        async def show(answer: Answer, prose: Prose) -> None:
            await self.prompt.above(lambda: print_piece(answer, prose))

        await prose_below(self.bus, answer, request, timeout=self.settings.model_timeout, show=show)

    def _wanted(self, name: str, words: str) -> HandleRequest:
        want, otherwise = _WANTS[name]
        if not words and not otherwise:
            raise InvalidInput(f"Say what you want to know, for example {name} what does Prone do?")
        return self._request(words or otherwise, want)

    def _request(self, words: str, want: Want | None = None) -> HandleRequest:
        return HandleRequest(
            words,
            want=want,
            party=self.party,
            use_rag=self.use_rag,
            seed=self._seed(),
            conversation_id=self.conversation_id,
            prose=not self.prompt.is_terminal,  # there it comes afterwards, above the prompt
        )

    def _seed(self) -> int | None:
        """Return another seed for each request: the same dice all evening would make a dull game."""
        self.asked += 1
        return None if self.settings.seed is None else self.settings.seed + self.asked - 1

    # -------------------------------------------------------------- commands

    async def _command(self, name: str, rest: str = "") -> None:
        match name:
            case "/help":
                emit(_HELP)
            case "/grounded":
                if self.grounded is None:
                    raise InvalidInput("No scene has had to wait for your notes, or they have not arrived yet.")
                answer = await self._remarked(scene_answer(self.grounded))
                self.bus.tell(CampaignMemory.name, KeepScene(answer))
                print_answer(answer)
            case "/campaign" | "/choose" | "/log" | "/recap" | "/undo":
                await self._of_the_log(name.removeprefix("/"), rest)
            case "/export" | "/prepared":
                await (self._export if name == "/export" else self._prepared)(rest)
            case "/party":
                if rest:
                    self.party = parse_party(rest)
                emit(f"The party: {self.party.words}.\n")
            case "/notes":
                await self._describe_notes()
            case "/status":
                request = HandleRequest("status", want="status")
                print_answer(await ask_once(self.bus, request, timeout=self.settings.timeout))
            case _:
                nearest = difflib.get_close_matches(name, _COMMANDS, n=1, cutoff=0.0)[0]
                raise InvalidInput(f"There is no {name}; did you mean {nearest}?")

    async def _remarked(self, answer: Answer) -> Answer:
        """Return a scene with what the campaign's log has to say to it."""
        recalled = await ask_campaign(self.bus, RecallScene(), timeout=self.settings.timeout)
        return remarked(answer, recalled.state)

    async def _prepared(self, rest: str) -> None:
        """Show which scenes are prepared, or one of them, by its number."""
        timeout = self.settings.timeout
        async with work_queue(self.settings) as queue:
            topic = await topic_of(self.bus, self.notes, timeout=timeout)
            session = await find_session(queue, topic, await self.net.late())
        if session is None:
            raise InvalidInput(NOTHING)
        if rest.isdecimal():
            print_answer(await take_to_table(self.bus, session, int(rest), timeout=timeout))
        elif rest:
            raise InvalidInput("Which one? /prepared 3 is the third; /prepared alone lists them.")
        else:
            console = output_console()
            write(console, session_page(session, console))

    async def _export(self, rest: str) -> None:
        """Write the last scene into a file: a format, "players" for their copy, and a name if it shall have one."""
        form, *others = rest.split() or [""]
        for_players = others[:1] == ["players"]
        target = " ".join(others[for_players:])
        wanted = Wanted(form, "", None, Path(target) if target else None, players=for_players)
        answer = await last_scene_of(self.bus, timeout=self.settings.timeout)
        for path in await asyncio.to_thread(write_scene, answer, wanted):
            emit(f"{path}\n")

    async def _of_the_log(self, name: str, rest: str) -> None:
        """Do a command about the campaign's log."""
        timeout = self.settings.timeout
        match name:
            case "campaign":
                emit(campaigns_text(await ask_campaign(self.bus, campaign_request(rest.split()), timeout=timeout)))
            case "log" if not rest:
                recalled = await ask_campaign(self.bus, RecallScene(with_log=True), timeout=timeout)
                console = output_console()
                write(console, log_page(recalled, console))
            case "log":
                await self._answer(replace(self._request(f"log: {rest}"), want="log"))
            case "undo":
                await self._answer(replace(self._request(f"undo {rest}"), want="undo"))
            case "recap":
                await self._answer(replace(self._request(f"recap {rest}"), want="recap"))
            case _ if rest:
                await self._answer(replace(self._request(rest), want="choose"))
            case _:
                raise InvalidInput("Which option? /choose 2, or /choose and words of it.")

    async def _describe_notes(self) -> None:
        try:
            status = await self.bus.ask(HaystackPipeline.name, DescribeNotes(), timeout=2.0)
        except RequestFailed as error:
            notice(str(error))
            return
        being_read = ", still being read" if status.reading else ""
        emit(f"{self.notes.label}: {status.files} files{being_read}.\n")
        for report in status.skipped:
            notice(f"  skipped {report.name}: {report.remark}")
        if status.problem:
            notice(status.problem)
