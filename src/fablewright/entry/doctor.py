"""``fablewright doctor``: what works, what is missing, and how to get it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import secrets
import sqlite3
import sys
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rich.text import Text

from fablewright.entry import assemble
from fablewright.entry.campaigns import open_campaigns, where_campaigns_are
from fablewright.entry.embedders import open_embedder
from fablewright.entry.event_loop import run_loop
from fablewright.entry.json_output import to_json
from fablewright.entry.no_notes import kinds_of_notes
from fablewright.entry.rerankers import open_reranker
from fablewright.entry.safety_net import NOWHERE
from fablewright.entry.terminal import clean, emit, hanging, output_console, set_up_streams, write
from fablewright.entry.work_queue import open_ledger
from fablewright.entry.writers import open_writer
from fablewright.errors import ConfigurationError, FablewrightError, InvalidInput
from fablewright.gm.preparing.ledger import probe
from fablewright.gm.reading.embedded_text import dimensions_of
from fablewright.gm.reading.notes import FileReport
from fablewright.gm.writing.ports import Prompt
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping
    from pathlib import Path

    from rich.console import Console

    from fablewright.entry.config import Loaded, Settings
    from fablewright.entry.invocation import Invocation
    from fablewright.gm.finding.reranker import Reranker
    from fablewright.gm.reading.ports import Embedder
    from fablewright.gm.writing.ports import Writer

__all__ = ["doctor"]

_T = TypeVar("_T")

_PATIENCE_FOR_A_WORD = 20.0
"""Seconds; a server may have to load its model first."""
_MARKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "bad": ("✗", "bold red")}


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one look has shown: ``ok``, ``note`` (works, but worth knowing) or ``bad``; and what to do."""

    name: str
    state: Literal["ok", "note", "bad"]
    said: str
    remedy: str = ""


def doctor(invocation: Invocation, flags: Mapping[str, object], config: Path | None, *, as_json: bool) -> int:
    """Look at everything, print what was found, and return 0 if all that is needed works, else 3."""
    set_up_streams(utf_8=as_json)
    findings = [_python(), _sqlite()]
    loaded: Loaded | None = None
    try:
        loaded = invocation.load(flags, config)
    except ConfigurationError as error:
        findings.append(_Finding("Settings", "bad", str(error), "Mend it and run doctor again."))
    else:
        where = f"read from {loaded.file}" if loaded.file else "no fablewright.toml here: defaults are used"
        findings.append(_Finding("Settings", "ok", where))
        findings += _with_settings(loaded.settings)
    findings.append(_extras())
    if as_json:
        emit(to_json(_object(findings, loaded)) + "\n")
    else:
        console = output_console()
        write(console, _page(console, findings, loaded))
    return 3 if any(finding.state == "bad" for finding in findings) else 0


def _with_settings(settings: Settings) -> Iterator[_Finding]:
    yield _data_dir(settings)
    yield _campaigns(settings)
    yield _scenes(settings)
    try:
        notes = assemble.open_notes(settings, settings.notes)
    except InvalidInput as error:
        yield _Finding("Notes", "bad", str(error), "Give another folder with --notes or in fablewright.toml.")
    except FablewrightError as error:
        yield _Finding("Notes", "bad", str(error))
    else:
        with contextlib.closing(notes):
            yield from _notes(notes)
            yield _haystack(notes)
    yield from _models(settings)


def _python() -> _Finding:
    return _Finding("Python", "ok", f"{platform.python_version()}, {sys.executable}")


def _sqlite() -> _Finding:
    try:
        with contextlib.closing(sqlite3.connect(":memory:")) as connection:
            connection.execute("CREATE VIRTUAL TABLE probe USING fts5(words)")
    except sqlite3.Error as error:
        remedy = "Install a Python whose SQLite has FTS5; those of python.org and uv have it."
        return _Finding("SQLite", "bad", f"{sqlite3.sqlite_version}, without FTS5 ({error})", remedy)
    return _Finding("SQLite", "ok", f"{sqlite3.sqlite_version} with FTS5")


def _data_dir(settings: Settings) -> _Finding:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.data_dir):
            pass
    except OSError as error:
        remedy = "Set another with FABLEWRIGHT_DATA_DIR."
        why = (error.strerror or "it cannot be used").lower()
        return _Finding("Data folder", "bad", f"{settings.data_dir} cannot be written to: {why}", remedy)
    return _Finding("Data folder", "ok", str(settings.data_dir))


def _campaigns(settings: Settings) -> _Finding:
    where = where_campaigns_are(settings)
    try:
        with contextlib.closing(open_campaigns(settings)) as store:
            count = len(store.campaigns())
    except FablewrightError as error:
        return _Finding("Campaigns", "bad", f"{where}: {error}", "Without them, scenes come without memory.")
    return _Finding("Campaigns", "ok", f"{count} in {where}")


def _scenes(settings: Settings) -> _Finding:
    """Have something accepted and taken back, as each scene is: a store that can be read may be full."""
    if settings.bus and not settings.work:
        remedy = "Set `work` to a NATS server with JetStream; docs/how-to/scale.md explains it."
        return _Finding("Scenes", "note", f"lost with who makes them: {NOWHERE}", remedy)
    try:
        run_loop(_accepted(settings))
    except FablewrightError as error:
        return _Finding("Scenes", "bad", f"not durable: {error}", "Without it, a scene is lost with who makes it.")
    return _Finding("Scenes", "ok", "accepted before they are made, so that none is lost with who makes it")


async def _accepted(settings: Settings) -> None:
    async with open_ledger(settings) as ledger:
        await probe(ledger, secrets.token_hex(12))


def _notes(notes: assemble.Notes) -> Iterator[_Finding]:
    held = notes.index.stamps()
    offered = list(notes.source.files())
    files = [each for each in offered if not isinstance(each, FileReport)]
    if files:
        yield _Finding("Notes", "ok", f"{notes.label}, {len(files)} files")
    else:
        remedy = f"Notes are {kinds_of_notes(notes)} files; without any, scenes are invented."
        yield _Finding("Notes", "note", f"{notes.label}: nothing readable", remedy)
    for each in offered:
        if isinstance(each, FileReport):
            yield _Finding("Notes", "note", f"skipped {each.name}: {each.remark}")
        elif each.name in held and held[each.name].refusal:
            yield _Finding("Notes", "note", f"skipped {each.name}: {held[each.name].refusal}")
    same = sum(1 for each in files if each.name in held and held[each.name].size == each.stamp.size)
    gone = len(held.keys() - {each.name for each in files})
    if same == len(files) and not gone:
        yield _Finding("Index", "ok", f"{notes.index.count():,} passages of {same} files, nothing left to read")
    else:
        parts = [f"{len(files) - same} files to read"] + ([f"{gone} to forget"] if gone else [])
        remedy = "The next scene does it by itself; `fablewright index` does it now."
        yield _Finding("Index", "note", ", ".join(parts), remedy)


def _haystack(notes: assemble.Notes) -> _Finding:
    """Load Haystack in earnest: that it is installed says little about whether it can be imported."""
    from fablewright.adapters.haystack_retriever import HaystackRetriever  # noqa: PLC0415 - only when it is asked

    retriever = HaystackRetriever(notes.index)
    try:
        run_loop(retriever.warm_up())
    except FablewrightError as error:
        return _Finding("Haystack", "bad", str(error))
    finally:
        retriever.close()
    version = metadata.version("haystack-ai")
    if os.environ.get("HAYSTACK_TELEMETRY_ENABLED", "").lower() in {"false", "0"}:
        return _Finding("Haystack", "ok", f"{version}, its telemetry is off")
    remedy = "Unset HAYSTACK_TELEMETRY_ENABLED, or set it to False."
    return _Finding("Haystack", "note", f"{version}, its telemetry is on", remedy)


def _models(settings: Settings) -> Iterator[_Finding]:
    """Ask each model that is set for something small, as a search would."""
    threads = Threads(1, name="doctor")
    try:
        yield from _probed(
            "Embedder", lambda: open_embedder(settings, threads), _embed, "Without it, notes are found by words alone."
        )
        yield from _probed(
            "Reranker", lambda: open_reranker(settings, threads), _rerank, "Without it, searches keep their own order."
        )
        yield from _probed(
            "Model",
            lambda: open_writer(settings, threads),
            _write,
            'Mend it, or set prose = "off".',
        )
    finally:
        threads.close()


def _probed(
    name: str, opened: Callable[[], _T | None], probe: Callable[[_T], Coroutine[Any, Any, str]], otherwise: str
) -> Iterator[_Finding]:
    try:
        model = opened()
        if model is None:
            return
        began = time.monotonic()
        said = run_loop(probe(model))
    except FablewrightError as error:
        yield _Finding(name, "bad", str(error), otherwise)
    else:
        yield _Finding(name, "ok", f"{said} ({time.monotonic() - began:.2f} s)")


async def _embed(embedder: Embedder) -> str:
    try:
        vectors = await embedder.embed(["a probe"], "query")
    finally:
        await embedder.close()
    return f"{embedder.model}, {dimensions_of(vectors[0]):,} numbers for a text"


async def _rerank(reranker: Reranker) -> str:
    try:
        scores = await reranker.rerank("Who keeps the inn?", ["It rains.", "The inn is kept by Hob."])
    finally:
        await reranker.close()
    return "it tells an answer from the weather" if scores[1] > scores[0] else "it answers, but not with sense"


async def _write(writer: Writer) -> str:
    """Let it write a word in earnest: that a server runs says little about whether its model answers."""
    name = await writer.name()
    form = {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
    words = writer.write(Prompt("Answer in JSON.", 'Say {"word": "mill"}.'), schema=form, most_tokens=12)
    try:
        if not name:
            return "none found: scenes are written without one; see docs/how-to/use-a-model.md"
        async with asyncio.timeout(_PATIENCE_FOR_A_WORD), aclosing(words):
            if not await anext(words, ""):
                raise FablewrightError(f"The model {name} answers, and writes nothing.")
    except TimeoutError:
        raise FablewrightError(f"The model {name} wrote nothing within {_PATIENCE_FOR_A_WORD:.0f} s.") from None
    finally:
        await writer.close()
    return f"{name} has written its first word"


def _extras() -> _Finding:
    try:
        offered = metadata.metadata("fablewright").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return _Finding("Extras", "note", "unknown: Fablewright runs without being installed")
    if not offered:
        return _Finding("Extras", "ok", "this version has no optional parts")
    remedy = "To add one: pip install 'fablewright[NAME]'."
    return _Finding("Extras", "ok", f"available: {', '.join(sorted(offered))}", remedy)


def _settings(loaded: Loaded) -> Iterator[tuple[str, str, str]]:
    """Yield each setting's name, value and origin."""
    for name, origin in loaded.origins.items():
        value = getattr(loaded.settings, name)
        shown = os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)
        if not value and name in {"notes", "seed"}:
            shown = "the sample campaign" if name == "notes" else "none"
        yield name, shown, origin


def _object(findings: list[_Finding], loaded: Loaded | None) -> dict[str, object]:
    return {
        "status": "bad" if any(each.state == "bad" for each in findings) else "ok",
        "findings": [
            {"name": each.name, "state": each.state, "said": each.said, "remedy": each.remedy} for each in findings
        ],
        "settings": {
            name: {"value": value, "from": origin} for name, value, origin in (_settings(loaded) if loaded else ())
        },
    }


def _page(console: Console, findings: list[_Finding], loaded: Loaded | None) -> Iterator[Text]:
    for finding in findings:
        mark, style = _MARKS[finding.state]
        line = hanging(console, f"{mark} {finding.name:<12} ", Text(clean(finding.said)), style="bold")
        line.stylize(style, 0, 1)
        yield line
        if finding.remedy:
            yield hanging(console, " " * 15, Text(clean(finding.remedy), "dim"))
    if loaded is not None:
        yield Text()
        rows = list(_settings(loaded))
        widest = min(40, max(len(value) for _, value, _ in rows))
        for name, value, origin in rows:
            style = "dim" if origin == "default" else ""
            yield Text(f"  {name:<27} {clean(value):<{widest}}  {clean(origin)}", style)
