"""The formats there are: how each is written, and which one a file is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from fablewright.adapters.exports.carried import MARK, parsed_json, written_json
from fablewright.adapters.exports.foundry import read_foundry, write_foundry
from fablewright.adapters.exports.homebrewery import read_homebrewery, write_homebrewery
from fablewright.adapters.exports.html import read_html, write_html
from fablewright.adapters.exports.obsidian import read_obsidian, write_obsidian
from fablewright.adapters.exports.pdf import read_pdf, write_pdf
from fablewright.adapters.exports.sillytavern import read_sillytavern, write_sillytavern
from fablewright.errors import InvalidInput
from fablewright.gm.answer_data import answer_data, answer_from_data
from fablewright.gm.exporting.pieces import scene_of
from fablewright.gm.exporting.player_safe import player_safe
from fablewright.gm.exporting.visible import file_stem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.gm.answer import Answer
    from fablewright.gm.rules.bestiary import Bestiary

__all__ = ["FORMATS", "SEVERAL_FILES", "Format", "export_files", "read_export"]

Format: TypeAlias = Literal["obsidian", "foundry", "homebrewery", "html", "pdf", "sillytavern", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
SEVERAL_FILES: frozenset[Format] = frozenset({"foundry"})


def export_files(
    form: Format, answer: Answer, bestiary: Bestiary, *, players: bool = False, paper: str = "a4"
) -> Mapping[str, bytes]:
    """Return the files of an export by name; more than one for Foundry only.

    Args:
        form: What to write.
        answer: Has a scene.
        bestiary: Whose numbers stand beside the foes.
        players: Whether it is for the players' hands: see ``player_safe``.
        paper: ``a4`` or ``letter``, for a PDF.

    Raises:
        InvalidInput: There is no scene in the answer.
        MissingExtra: A PDF is wanted and there is no browser to print it.
        FablewrightError: The browser did not print.
    """
    scene_of(answer)
    if players:
        answer = player_safe(answer)
    if form == "foundry":
        documents = write_foundry(answer, bestiary, players=players)
        return {name: text.encode("utf-8") for name, text in documents.items()}
    stem = file_stem(scene_of(answer).title.text)
    if form == "pdf":
        return {f"{stem}.pdf": write_pdf(answer, write_html(answer, bestiary, paper=paper))}
    if form == "obsidian":
        ending, text = ".md", write_obsidian(answer, bestiary)
    elif form == "homebrewery":
        ending, text = ".brew.md", write_homebrewery(answer, bestiary)
    elif form == "html":
        ending, text = ".html", write_html(answer, bestiary)
    elif form == "sillytavern":
        ending, text = ".lorebook.json", write_sillytavern(answer)
    else:
        ending, text = ".json", written_json(answer_data(answer))
    return {f"{stem}{ending}": text.encode("utf-8")}


def read_export(content: bytes, bestiary: Bestiary) -> Answer:
    """Return the scene of a file that we exported, whatever its format and name.

    Raises:
        InvalidInput: It is none, or was damaged.
    """
    if content.startswith(b"%PDF-"):
        return read_pdf(content)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InvalidInput("This is no text in UTF-8 and no PDF, so it is no scene that was exported.") from None
    if text.lstrip().startswith("{"):
        return _read_json(text, bestiary)
    if f"<!--\n{MARK}" in text:
        return read_homebrewery(text, bestiary)
    if f"%%\n{MARK}" in text:
        return read_obsidian(text, bestiary)
    return read_html(text, bestiary)


def _read_json(text: str, bestiary: Bestiary) -> Answer:
    data = parsed_json(text)
    keys = data.keys() if isinstance(data, dict) else ()
    if "pages" in keys:
        return read_foundry(text, bestiary)
    if "entries" in keys:
        return read_sillytavern(text)
    return answer_from_data(data)
