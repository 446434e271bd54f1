"""What a GM can choose on the page, and what becomes of it: checked as settings are, kept, and used from then on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from fablewright.entry.chosen import CHOOSABLE, keep_chosen, read_chosen
from fablewright.entry.config import changed
from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.replies import SetupReply
from fablewright.errors import FablewrightError

if TYPE_CHECKING:
    from fablewright.entry.web.sitting import Sitting
    from fablewright.entry.web.uploads import Uploads

__all__ = ["Choice", "choose", "described"]

_HERE_ONLY = ("folders", "model_url", "model")
"""What makes this machine read a folder or speak to a server: chosen on this machine itself."""


class Choice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is chosen; what is left out stays as it is."""

    upload: Annotated[str | None, Meta(description="Play with notes that were uploaded: the id of the upload.")] = None
    folders: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=4096)], ...] | None,
        Meta(description="Play with notes in folders of the machine that serves; none: the sample campaign."),
    ] = None
    party: Annotated[str | None, Meta(description="Who plays, such as 4x2.")] = None
    rules: Annotated[Literal["2024", "2014"] | None, Meta(description="Whose encounter budgets.")] = None
    prose: Annotated[Literal["auto", "off"] | None, Meta(description="Whether a model writes prose.")] = None
    model: Annotated[str | None, Meta(description="Which model.")] = None
    model_url: Annotated[str | None, Meta(description="Where its server is, with /v1.")] = None
    model_key: Annotated[str | None, Meta(description="The key for it; it is never sent back.")] = None


def described(sitting: Sitting) -> SetupReply:
    """Return what holds now, for the page; of a key only whether there is one."""
    notes, settings = sitting.notes, sitting.settings
    return SetupReply(
        notes=notes.label,
        is_sample=notes.is_sample,
        party=settings.party,
        rules=settings.rules,
        prose=settings.prose,
        model=settings.model,
        model_url=settings.model_url,
        has_model_key=bool(settings.model_key),
    )


async def choose(sitting: Sitting, uploads: Uploads, choice: Choice, *, is_here: bool) -> None:
    """Check a choice, open the assistant with it, and keep it.

    Args:
        sitting: Whose.
        uploads: Where uploaded notes are.
        choice: What a GM chose.
        is_here: Whether she sits at the machine that serves.

    Raises:
        ProblemError: A value makes no sense (422), or may be chosen on the machine itself only (403).
    """
    said = {name: value for name in choice.__struct_fields__ if (value := getattr(choice, name)) is not None}
    if not is_here and any(name in _HERE_ONLY for name in said):
        raise ProblemError(403, "That can be chosen only on the machine that runs Fablewright.")
    values: dict[str, object] = {name: value for name, value in said.items() if name in CHOOSABLE}
    if choice.upload is not None:
        values["notes"] = [str(uploads.folder(choice.upload))]
    elif choice.folders is not None:
        values["notes"] = [_absolute(folder) for folder in choice.folders]
    try:
        settings = changed(sitting.settings, values)
        await sitting.use(settings)
        keep_chosen(settings.data_dir, {**read_chosen(settings.data_dir), **values})
    except FablewrightError as error:
        raise ProblemError(422, str(error)) from error


def _absolute(folder: str) -> str:
    return str(Path(folder).expanduser().absolute())
