"""``fablewright state``: where campaigns are kept, and how they get from there to elsewhere and back."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fablewright.entry.campaigns import open_campaigns
from fablewright.entry.campaigns import where_campaigns_are as _where
from fablewright.entry.given_file import name_of, read_given
from fablewright.entry.json_output import to_json
from fablewright.entry.new_file import write_new
from fablewright.entry.notes import notes_key
from fablewright.entry.secret import Secret
from fablewright.entry.terminal import clean, emit, set_up_streams
from fablewright.errors import FablewrightError, InvalidInput
from fablewright.gm.campaign.archive import archive_in, file_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.entry.config import Settings
    from fablewright.gm.campaign.archive import Archive

__all__ = ["keep_state"]

_LARGEST = 1_000_000_000
"""Bytes of a backup that is read."""
_USAGE = (
    "Write `state`, `state backup FILE`, `state restore FILE`, `state move --to URL` (or `--to sqlite`) or "
    "`state migrate`."
)


def keep_state(
    settings: Settings, words: Sequence[str], *, to: str | None, down: bool, force: bool, as_json: bool
) -> int:
    """Do what was typed, and return the exit status.

    Raises:
        InvalidInput: There is no such thing to do, a file cannot be read or written, or something would be lost.
        FablewrightError: The store cannot be used.
    """
    set_up_streams(utf_8=as_json)
    if down and list(words) != ["migrate"]:
        raise InvalidInput(_USAGE)
    match list(words), to:
        case [], None:
            said, done = _show(settings)
        case ["backup", file], None:
            said, done = _back_up(settings, Path(file), force=force)
        case ["restore", file], None:
            said, done = _restore(settings, Path(file), force=force)
        case ["move"], str():
            said, done = _move(settings, to or "", force=force)
        case ["migrate"], None:
            said, done = _migrate(settings, down=down, force=force)
        case _:
            raise InvalidInput(_USAGE)
    emit(to_json(done) + "\n" if as_json else clean(said) + "\n")
    return 0


_Done = tuple[str, dict[str, object]]
"""What was done, for people and for programs."""


def _show(settings: Settings) -> _Done:
    archive = _archive(settings)
    lines = [f"Campaigns are kept in {_where(settings)}: {_counted(archive)}."]
    lines += [f"  {campaign.name}  {len(campaign.log)}" for campaign in archive.campaigns]
    return "\n".join(lines), {"where": _where(settings), **_sizes(archive)}


def _back_up(settings: Settings, file: Path, *, force: bool) -> _Done:
    archive = _archive(settings)
    write_new(file, file_of(archive), force=force)
    return f"Written: {file}, {_counted(archive)}.", {"written": str(file), **_sizes(archive)}


def _restore(settings: Settings, file: Path, *, force: bool) -> _Done:
    archive = _read(file)
    with contextlib.closing(open_campaigns(settings)) as store:
        store.restore(archive, force=force)
    where = _where(settings)
    return f"Put back into {where}: {_counted(archive)}.", {"restored": str(file), "where": where, **_sizes(archive)}


def _move(settings: Settings, to: str, *, force: bool) -> _Done:
    target = Secret("" if to == "sqlite" else to)
    if to != "sqlite" and not to.startswith(("postgresql://", "postgres://")):
        raise InvalidInput("Campaigns can be moved --to postgresql://USER@HOST/DATABASE or --to sqlite.")
    elsewhere = msgspec.structs.replace(settings, state=target)
    if target == settings.state:
        raise InvalidInput(f"They are kept in {_where(settings)} already. Nothing was moved.")
    archive = _archive(settings)
    with contextlib.closing(open_campaigns(elsewhere)) as store:
        store.restore(archive, force=force)
        if store.archive() != archive:
            raise FablewrightError(f"What is in {_where(elsewhere)} now is not what was sent; do not use it.")
    if _archive(settings) != archive:
        raise FablewrightError("Something was logged meanwhile: end other programs, and move again with --force.")
    how = "Set `state` to that URL" if target else "Take `state` out of the settings"
    said = (
        f"Copied to {_where(elsewhere)} and compared: {_counted(archive)}. Those in {_where(settings)} are as they "
        f"were.\n{how} to play on there; the index is made again out of your notes."
    )
    return said, {"from": _where(settings), "to": _where(elsewhere), **_sizes(archive)}


def _migrate(settings: Settings, *, down: bool, force: bool) -> _Done:
    if not settings.state:
        if down:
            raise InvalidInput(f"There are no tables to take away: campaigns are kept in {_where(settings)}.")
        return _show(settings)  # a file is brought up to date when it is opened
    from fablewright.adapters.postgres_state import bring_up_to_date, take_away  # noqa: PLC0415 - an extra's

    url = settings.state.reveal()
    if down and not force:
        raise InvalidInput(
            "That would lose all campaigns in the database: `state backup FILE` first, then add --force."
        )
    notes = "" if settings.index else notes_key(settings)
    steps = take_away(url, settings.owner) if down else bring_up_to_date(url, settings.owner, notes)
    lines = [f"{_where(settings)}:"]
    for step in steps:
        became = "up to date" if step.before == step.after else f"{step.before or 'nothing'} → {step.after or 'gone'}"
        lines.append(f"  {step.schema}: {became}")
    shown = [{"schema": each.schema, "what": each.what, "from": each.before, "to": each.after} for each in steps]
    return "\n".join(lines if steps else ["There was nothing."]), {"where": _where(settings), "schemas": shown}


def _archive(settings: Settings) -> Archive:
    with contextlib.closing(open_campaigns(settings)) as store:
        return store.archive()


def _read(file: Path) -> Archive:
    """Read a backup.

    Raises:
        InvalidInput: It cannot be read, or is none.
    """
    content = read_given(file, most=_LARGEST)
    try:
        return archive_in(content)
    except InvalidInput as error:
        raise InvalidInput(f"{name_of(file)} {error}. Nothing was changed.") from error


def _sizes(archive: Archive) -> dict[str, object]:
    return {"campaigns": len(archive.campaigns), "events": archive.events, "scenes": archive.scenes}


def _counted(archive: Archive) -> str:
    parts = [(len(archive.campaigns), "campaign"), (archive.events, "entry"), (archive.scenes, "scene")]
    words = [f"{count:,} {name if count == 1 else name.replace('entry', 'entrie') + 's'}" for count, name in parts]
    return f"{words[0]} with {words[1]} and {words[2]}"
