"""``fablewright export``: finds the scene, has it written in a format, and puts the files where they belong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.adapters.exports.formats import FORMATS, SEVERAL_FILES, export_files
from fablewright.adapters.exports.html import PAPERS
from fablewright.entry.import_scene import read_scene
from fablewright.entry.json_output import to_json
from fablewright.entry.last_scene import last_scene
from fablewright.entry.new_file import write_new
from fablewright.entry.one_shot import answer_one
from fablewright.entry.terminal import emit, notice, set_up_streams
from fablewright.errors import InvalidInput
from fablewright.gm.exporting.pieces import scene_of
from fablewright.gm.exporting.player_safe import player_safe
from fablewright.gm.exporting.visible import file_stem
from fablewright.gm.rules.bestiary import load_bestiary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.adapters.exports.formats import Format
    from fablewright.entry.config import Loaded
    from fablewright.entry.invocation import Invocation
    from fablewright.gm.answer import Answer

__all__ = ["Wanted", "export_scene", "write_scene"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export.

    Attributes:
        form: The format's name, as it was typed.
        words: A request for a scene; empty for one that there is.
        source: Its file; None for the one that was asked for last.
        target: Where to write; None to print, or to find a name where it cannot be printed.
        variant: Which scene of the file; 1 is the first.
        players: Whether it is for the players' hands.
        force: Whether to write over files.
        paper: ``a4`` or ``letter``.
    """

    form: str
    words: str
    source: Path | None
    target: Path | None
    variant: int = 1
    players: bool = False
    force: bool = False
    paper: str = "a4"


def export_scene(invocation: Invocation, loaded: Loaded, wanted: Wanted, *, use_rag: bool, as_json: bool) -> int:
    """Export a scene, and return the exit status.

    Raises:
        InvalidInput: There is no such format or no scene, or a file is in the way.
    """
    set_up_streams(utf_8=True)
    form = _format(wanted)
    answer = _scene(invocation, loaded, wanted, use_rag=use_rag)
    if answer.status == "failed":
        for line in answer.missing:
            notice(line)
        return 3
    if wanted.players:
        answer = player_safe(answer)
    for line in answer.missing:
        notice(line)
    files = export_files(form, answer, load_bestiary(), players=wanted.players, paper=wanted.paper)
    target = wanted.target
    if target is None and (form in SEVERAL_FILES or form == "pdf"):
        target = _place_for(form, answer, files)
    if target is None:
        [(name, content)] = files.items()
        text = content.decode("utf-8")
        emit(to_json({"format": form, "name": name, "text": text}) + "\n" if as_json else text)
        return 0
    written = _write(files, target, several=form in SEVERAL_FILES, force=wanted.force)
    names = [str(path) for path in written]
    emit(to_json({"format": form, "files": names}) + "\n" if as_json else "".join(f"{name}\n" for name in names))
    return 0


def write_scene(answer: Answer, wanted: Wanted) -> list[Path]:
    """Write a scene into files, beside each other where a name is missing, and return their paths.

    Raises:
        InvalidInput: There is no such format, or a file is in the way.
    """
    form = _format(wanted)
    answer = player_safe(_variant(answer, wanted.variant)) if wanted.players else _variant(answer, wanted.variant)
    files = export_files(form, answer, load_bestiary(), players=wanted.players, paper=wanted.paper)
    target = wanted.target or _place_for(form, answer, files)
    return _write(files, target, several=form in SEVERAL_FILES, force=wanted.force)


def _place_for(form: Format, answer: Answer, files: Mapping[str, bytes]) -> Path:
    """Return where files go when nobody has said it: here, under the scene's title."""
    return Path(file_stem(scene_of(answer).title.text) if form in SEVERAL_FILES else next(iter(files)))


def _format(wanted: Wanted) -> Format:
    if wanted.form not in FORMATS:
        raise InvalidInput(f"There is no format {wanted.form!r}: it is one of {', '.join(FORMATS)}.")
    if wanted.paper not in PAPERS:
        raise InvalidInput(f"--paper is {' or '.join(PAPERS)}, not {wanted.paper!r}.")
    return wanted.form


def _scene(invocation: Invocation, loaded: Loaded, wanted: Wanted, *, use_rag: bool) -> Answer:
    """Return the scene that is meant: of a file, written to the request, or the last one."""
    if wanted.source is not None:
        if wanted.words:
            raise InvalidInput("Give a request or a file with --from, not both.")
        return _variant(read_scene(wanted.source), wanted.variant)
    if wanted.words.strip() and wanted.variant != 1:
        raise InvalidInput("--variant goes with --from, or with the last scene: a request alone has one scene.")
    if not wanted.words.strip():
        return _variant(last_scene(loaded.settings), wanted.variant)
    return answer_one(invocation, loaded, "scene", wanted.words, use_rag=use_rag)


def _variant(answer: Answer, number: int) -> Answer:
    """Return the answer with one of its scenes alone."""
    if number == 1:
        return replace(answer, variants=())
    if not 1 <= number <= 1 + len(answer.variants):
        raise InvalidInput(f"There is no variant {number}: there are {1 + len(answer.variants)}.")
    chosen = answer.variants[number - 2]
    return replace(answer, scene=chosen.scene, lines=(), citations=chosen.citations, variants=())


def _write(files: Mapping[str, bytes], target: Path, *, several: bool, force: bool) -> list[Path]:
    if not several:
        [content] = files.values()
        write_new(target, content, force=force)
        return [target]
    if target.exists() and not target.is_dir():
        raise InvalidInput(f"{target} is a file; Foundry's are several, so --to names a folder.")
    taken = [name for name in files if (target / name).exists()]
    if taken and not force:
        raise InvalidInput(f"{target / taken[0]} is there already; --force writes over it. Nothing was written.")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be made: {(error.strerror or str(error)).lower()}.") from error
    for name, content in files.items():
        write_new(target / name, content, force=force)
    return [target / name for name in files]
