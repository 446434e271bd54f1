"""``fablewright log``, ``undo``, ``recap`` and ``campaign``: what asks nothing but the campaign's memory."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fablewright.entry import assemble
from fablewright.entry.answering import ask_once
from fablewright.entry.event_loop import run_loop
from fablewright.entry.json_output import to_json
from fablewright.entry.log_page import log_page
from fablewright.entry.new_file import write_new
from fablewright.entry.print_answer import print_answer
from fablewright.entry.terminal import clean, emit, notice, output_console, set_up_streams, write
from fablewright.errors import FablewrightError, InvalidInput, RemoteError
from fablewright.gm.campaign.history import history
from fablewright.gm.campaign.log_document import document_of
from fablewright.gm.campaign.log_line import line_of
from fablewright.gm.campaign.memory import CampaignMemory, ListCampaigns, ReadDocument, Recall, RecallScene, UseCampaign
from fablewright.gm.orchestrator import LONGEST_REQUEST, HandleRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.entry.config import Settings
    from fablewright.gm.answer import Want
    from fablewright.gm.campaign.log_document import Changes
    from fablewright.gm.campaign.memory import Campaigns, Recalled
    from fablewright.protocol.message import Request
    from fablewright.runtime.bus import Bus

__all__ = ["ask_campaign", "ask_memory", "campaign_log", "campaign_request", "campaigns", "campaigns_text"]

R = TypeVar("R")

_LARGEST = 10_000_000
"""Bytes of a log that is read; that of ten years has one."""
_USAGE = 'Write `log`, `log add "TEXT"`, `log export FILE` or `log import FILE`.'


def campaign_log(settings: Settings, words: Sequence[str], *, markdown: bool, force: bool, as_json: bool) -> int:
    """Show the log, add to it, write it to a file or read that back; return the exit status.

    Raises:
        InvalidInput: There is no such thing to do with a log, or the file cannot be read or written.
    """
    match list(words):
        case []:
            return _show(settings, markdown=markdown, as_json=as_json)
        case ["add", *said] if " ".join(said).strip():
            return ask_memory(settings, "log", f"log: {' '.join(said)}", as_json=as_json)
        case ["export", file]:
            set_up_streams(utf_8=as_json)
            write_new(Path(file), _document(_ask(settings, Recall(with_log=True))).encode(), force=force)
            emit(to_json({"written": file}) + "\n" if as_json else f"Written: {clean(file)}\n")
            return 0
        case ["import", file]:
            set_up_streams(utf_8=as_json)
            _show_changes(_ask(settings, ReadDocument(_read(Path(file)))), as_json=as_json)
            return 0
        case _:
            raise InvalidInput(_USAGE)


def ask_memory(settings: Settings, want: Want, words: str, *, as_json: bool) -> int:
    """Answer a request that needs no search of the notes, and return the exit status.

    Raises:
        InvalidInput: The request makes no sense.
    """
    if len(words) > LONGEST_REQUEST:
        raise InvalidInput(f"That has {len(words):,} characters; at most {LONGEST_REQUEST:,} are read.")
    set_up_streams(utf_8=as_json)
    notes = assemble.open_notes(settings, settings.notes)

    async def answer() -> int:
        async with assemble.remembering(settings, notes) as bus:
            answer = await ask_once(bus, HandleRequest(words, want=want), timeout=settings.timeout)
        print_answer(answer, as_json=as_json)
        return 3 if answer.status == "failed" else 0

    return run_loop(answer())


def campaigns(settings: Settings, words: Sequence[str], *, as_json: bool) -> int:
    """List the campaigns, begin one or go to another; return the exit status.

    Raises:
        InvalidInput: There is no such thing to do, or no such campaign.
    """
    set_up_streams(utf_8=as_json)
    found = _ask(settings, campaign_request(words))
    if as_json:
        emit(to_json({"current": found.current, "campaigns": found.sizes}) + "\n")
    else:
        emit(campaigns_text(found))
    return 0


def campaign_request(words: Sequence[str]) -> ListCampaigns | UseCampaign:
    """Return what is to be done with campaigns: ``list``, ``new NAME`` or ``switch NAME``.

    Raises:
        InvalidInput: None of that.
    """
    match list(words):
        case [] | ["list"]:
            return ListCampaigns()
        case ["new" | "switch" as what, *name] if name:
            return UseCampaign(" ".join(name), new=what == "new")
        case _:
            raise InvalidInput("Write `campaign`, `campaign new NAME` or `campaign switch NAME`.")


def campaigns_text(found: Campaigns) -> str:
    """Return the campaigns, a line each, with a mark before the one that is played."""
    width = max(map(len, found.sizes))
    lines = []
    for name, size in found.sizes.items():
        mark = "→" if name == found.current else " "
        lines.append(f"{mark} {clean(name):<{width}}  {size} {'entry' if size == 1 else 'entries'}")
    return "\n".join(lines) + "\n"


async def ask_campaign(bus: Bus, request: Request[R], *, timeout: float) -> R:
    """Ask the campaign's memory.

    Raises:
        InvalidInput: It cannot make sense of the request.
        FablewrightError: What it says is wrong.
    """
    try:
        return await bus.ask(CampaignMemory.name, request, timeout=timeout)
    except RemoteError as error:
        if isinstance(error.__cause__, FablewrightError):
            raise error.__cause__ from error
        raise


def _ask(settings: Settings, request: Request[R]) -> R:
    notes = assemble.open_notes(settings, settings.notes)

    async def ask() -> R:
        async with assemble.remembering(settings, notes) as bus:
            return await ask_campaign(bus, request, timeout=settings.timeout)

    return run_loop(ask())


def _show(settings: Settings, *, markdown: bool, as_json: bool) -> int:
    set_up_streams(utf_8=as_json)
    recalled = _ask(settings, RecallScene(with_log=True))
    if not markdown and not as_json:
        console = output_console()
        write(console, log_page(recalled, console))
        return 0
    if markdown and not as_json:
        emit(clean(_document(recalled)))
        return 0
    events = [
        {"id": event.id, "on": event.on, **asdict(event.fact), "line": line_of(event.fact)}
        for event in history(recalled.log)
    ]
    state = recalled.state
    standing = {
        "place": state.place,
        "present": list(state.present),
        "people": [asdict(person) for person in state.people.values()],
        "promises": [asdict(promise) for promise in state.promises.values()],
        "clocks": [asdict(clock) for clock in state.clocks.values()],
        "loot": list(state.loot),
        "played": [{"title": title, "on": on} for title, on in state.played.values()],
    }
    emit(to_json({"campaign": recalled.campaign, "events": events, "state": standing}) + "\n")
    return 0


def _document(recalled: Recalled) -> str:
    return document_of(recalled.log, recalled.campaign)


def _show_changes(changes: Changes, *, as_json: bool) -> None:
    counts = {"added": changes.added, "changed": changes.changed, "deleted": changes.deleted}
    if as_json:
        remarks = [{"line": remark.line, "text": remark.text} for remark in changes.remarks]
        emit(to_json({**counts, "remarks": remarks}) + "\n")
        return
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    emit(f"Read back: {said}.\n" if said else "Read back: nothing has changed.\n")
    for remark in changes.remarks:
        notice(str(remark))


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > _LARGEST:
            raise InvalidInput(f"{file} is larger than {_LARGEST // 1_000_000} MB: that is no campaign's log.")
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is not UTF-8 text (byte {error.start}).") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {(error.strerror or 'it cannot be opened').lower()}.") from error
