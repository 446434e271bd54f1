"""Notes that a GM drops on the page: kept in the data folder, in a folder of our own naming, as she had them.

Nothing of them is ever sent out again as it came, so that an ``.html`` or ``.svg`` cannot run anything; only kinds that
are read as notes are taken at all. A name is taken part by part, and a part that could lead anywhere, on any system, is
refused.
"""

from __future__ import annotations

import os
import re
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fablewright.entry.web.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

__all__ = ["Uploads"]

_MOST_FOLDERS = 50
_MOST_FILES = 10_000
_MOST_DEPTH = 20
_LONGEST = 200  # bytes of one part of a name; file systems take 255, and ours need a few themselves
_ID = re.compile(r"[0-9a-f]{16}")
_NEVER = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')  # what Windows forbids; a colon names a stream there
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Uploads:
    """Folders of uploaded notes.

    Attributes:
        root: Where they are.
        suffixes: The kinds that are notes, as endings in small letters.
        most_bytes: Of one file.
        files: How many there are, by folder: counted once, for a folder is asked for each file that comes into it.
    """

    root: Path
    suffixes: frozenset[str]
    most_bytes: int
    files: dict[str, int] = field(default_factory=dict)

    def begin(self) -> str:
        """Make a new folder, and return its id.

        Raises:
            ProblemError: There are too many (409), or the disk is full (507).
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if sum(1 for each in self.root.iterdir()) >= _MOST_FOLDERS:
                raise ProblemError(
                    409, f"There are {_MOST_FOLDERS} folders of uploaded notes: delete some in {self.root}."
                )
            made = secrets.token_hex(8)
            (self.root / made).mkdir()
        except OSError as error:
            raise _no_room(error) from error
        return made

    def folder(self, upload: str) -> Path:
        """Return where the notes of an upload are.

        Raises:
            ProblemError: There is none of that id (404).
        """
        folder = self.root / upload
        if not _ID.fullmatch(upload) or not folder.is_dir():
            raise ProblemError(404, "There is no such upload: begin one.")
        return folder

    async def put(self, upload: str, name: str, parts: AsyncIterator[bytes]) -> int:
        """Keep a file, whole or not at all, and return its length in bytes.

        Args:
            upload: Its folder's id.
            name: Its path inside, with ``/``.
            parts: What is in it.

        Raises:
            ProblemError: The name leads elsewhere or is none (400), the kind is no note (415), it is too large (413),
                there are too many (409), no such folder (404), or no room (507).
        """
        folder = self.folder(upload)
        inside = self._checked(name)
        where = folder.joinpath(*inside)
        try:
            if upload not in self.files:
                self.files[upload] = sum(len(files) for _, _, files in os.walk(folder))
            if self.files[upload] >= _MOST_FILES:
                raise ProblemError(409, f"An upload has at most {_MOST_FILES:,} files.")
            where.parent.mkdir(parents=True, exist_ok=True)
            is_new = not where.exists()
            length = await self._write(where, parts)
            self.files[upload] += is_new
        except OSError as error:
            raise _no_room(error) from error
        return length

    def _checked(self, name: str) -> list[str]:
        """Return the parts of a name, composed as one writes them."""
        inside = unicodedata.normalize("NFC", name).split("/")
        if len(inside) > _MOST_DEPTH or not all(map(_is_harmless, inside)):
            raise ProblemError(400, "The file's name cannot be used here: rename it.")
        if PurePosixPath(inside[-1]).suffix.lower() not in self.suffixes:
            raise ProblemError(415, f"Only notes are taken: {', '.join(sorted(self.suffixes))}.")
        return inside

    async def _write(self, where: Path, parts: AsyncIterator[bytes]) -> int:
        beside = where.with_name(f".{secrets.token_hex(8)}")  # what begins with a dot is read by nobody
        length = 0
        try:
            with beside.open("xb") as writing:
                async for part in parts:
                    length += writing.write(part)
                    self._check_length(length)
            beside.replace(where)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        return length

    def _check_length(self, length: int) -> None:
        if length > self.most_bytes:
            raise ProblemError(413, f"A file has at most {self.most_bytes:,} bytes.")


def _is_harmless(part: str) -> bool:
    return (
        bool(part)
        and not part.startswith((".", " "))
        and not part.endswith((".", " "))
        and not _NEVER.search(part)
        and not _DEVICES.fullmatch(part)
        and len(part.encode("utf-8", "replace")) <= _LONGEST
        and not any(unicodedata.category(sign) in {"Cc", "Cs", "Cf"} for sign in part)
    )


def _no_room(error: OSError) -> ProblemError:
    return ProblemError(507, f"The file cannot be kept: {(error.strerror or 'the disk refused it').lower()}.")
