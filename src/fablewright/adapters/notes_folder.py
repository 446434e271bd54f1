"""Notes in folders on disk: finds the files, reads and decodes them, and says why it did not.

Characters are counted in the decoded file as it stands: for UTF-8 exactly ``bytes.decode("utf-8")`` (a byte
order mark is character 0), for UTF-16 exactly ``bytes.decode("utf-16")``; line ends are not translated. Of a
document that is no text file (PDF, say) they are counted in what the document reader makes of it.
"""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import stat
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import FileReport, FileStamp, NoteFile, NoteText

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.ports import DocumentReader

__all__ = ["NotesFolder"]

_SUFFIXES = frozenset({".md", ".markdown", ".txt"})
_MOST_BYTES = 20_000_000
_MOST_DOCUMENT_BYTES = 200_000_000
_BLOCK = 1 << 20
_TRIES = 3
"""How often a text file is read that changes meanwhile: whoever saves it is done in an instant."""
_MOST_UNDECODABLE = 0.3  # share of characters; Latin-1 prose has about 0.05, random bytes about 0.6
# A pipe or device put in place of a file after it was listed must not block, a link must not be followed.
_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class NotesFolder:
    """A :class:`~fablewright.gm.reading.ports.NotesSource` over one or several folders (or single files).

    Reads ``.md``, ``.markdown`` and ``.txt``, and what ``documents`` can read. What begins with a dot is passed
    over in silence. A link is never followed: what it points to inside the folder is read there, and one that
    leads out is reported. A file's name is its path inside its folder with ``/``; if an earlier folder has that
    name already, the folder's own name is put in front.

    Args:
        folders: The folders, or single files, in order of precedence.
        documents: Reads the files that are no text files; let go of whenever a listing ends.
        max_bytes: Larger text files are not read.
        max_document_bytes: Larger documents of other kinds are not read: they hold pictures too, and are never
            in memory as a whole.

    Attributes:
        suffixes: The kinds of file that are notes, as endings in small letters.
        ignored: How many files of other kinds the last listing saw, by suffix (``.png``; empty: none).

    Raises:
        InvalidInput: A folder does not exist, cannot be read, or is a file that is not a note.
    """

    def __init__(
        self,
        folders: Sequence[Path | str] | Path | str,
        *,
        documents: DocumentReader | None = None,
        max_bytes: int = _MOST_BYTES,
        max_document_bytes: int = _MOST_DOCUMENT_BYTES,
    ) -> None:
        given = [folders] if isinstance(folders, Path | str) else list(folders)
        self.suffixes = _SUFFIXES | (documents.suffixes if documents else frozenset())
        self._roots = [_Root.at(Path(folder), self.suffixes) for folder in given]
        self._documents = documents
        self._max_bytes = max_bytes
        self._max_document_bytes = max_document_bytes
        self._paths: dict[str, tuple[Path, str]] = {}  # by name: the folder, and the whole path as the system has it
        self._listed = False
        self.ignored: Counter[str] = Counter()

    def files(self) -> Iterator[NoteFile | FileReport]:
        """Yield what the folders hold, sorted by path within each; see the port.

        Raises:
            InvalidInput: A folder vanished since this object was made.
        """
        try:
            yield from self._list()
        finally:  # also when the reader stops in the middle
            if self._documents:
                self._documents.close()

    def read(self, name: str) -> NoteText:
        """Return the text of a file that :meth:`files` named; see the port.

        Raises:
            InvalidInput: It is not text, too large, gone, or may not be read; the message says which.
        """
        if name not in self._paths and not self._listed:
            for _ in self.files():
                pass
        if name not in self._paths:
            raise InvalidInput("no such file in the notes")
        root, place = self._paths[name]
        path = Path(place)
        try:
            if not path.parent.resolve().is_relative_to(root):
                raise InvalidInput("a link that leads out of the notes folder")
            suffix = path.suffix.lower()
            if self._documents and suffix in self._documents.suffixes:
                return self._document(path, suffix, self._documents)
            return self._text(path)
        except OSError as error:
            raise InvalidInput(_reason(error)) from error

    # ------------------------------------------------------------ listing

    def _list(self) -> Iterator[NoteFile | FileReport]:
        # A listing comes before each answer. So places are plain strings: to make a Path of each takes longer than
        # to ask the system for it.
        paths: dict[str, tuple[Path, str]] = {}
        taken: set[str] = set()
        seen: set[str] = set()
        self.ignored = Counter()
        for root in self._roots:
            if not root.folder.is_dir():
                raise InvalidInput(f"The notes folder {root.folder} is gone.")
            own_name = root.folder.name
            for place, remark in self._walk(root):
                if place in seen:  # the same folder given twice, or one inside another
                    continue
                seen.add(place)
                name = _unique(root.inside(place), own_name, taken)
                taken.add(name)
                item = FileReport(_printable(name), "skipped", remark=remark) if remark else self._file(name, place)
                if isinstance(item, NoteFile):
                    paths[name] = self._paths[name] = (root.folder, place)
                yield item
        self._paths = paths
        self._listed = True

    def _walk(self, root: _Root) -> Iterator[tuple[str, str]]:
        """Yield each note's place, with the reason if it is to be skipped."""
        if root.only is not None:
            yield str(root.only), ""
            return
        folders = [str(root.folder)]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda entry: entry.name)
            except OSError as error:
                yield folder, f"cannot read the folder: {_reason(error)}"
                continue
            shown = [entry for entry in entries if not entry.name.startswith(".")]
            yield from self._notes_among(root, shown)
            deeper = [entry for entry in shown if entry.is_dir(follow_symlinks=False)]
            folders.extend(entry.path for entry in reversed(deeper) if _is_unicode(entry.name))

    def _notes_among(self, root: _Root, entries: Sequence[os.DirEntry[str]]) -> Iterator[tuple[str, str]]:
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            suffix = _suffix(entry.name)
            if entry.is_symlink():
                remark = _link_remark(root.folder, Path(entry.path), self.suffixes)
                if remark:
                    yield entry.path, remark
            elif not is_folder and suffix not in self.suffixes:
                self.ignored[suffix] += 1
            elif not _is_unicode(entry.name):
                yield entry.path, "its name is not valid Unicode"
            elif not is_folder:
                yield entry.path, ""

    def _file(self, name: str, place: str) -> NoteFile | FileReport:
        try:
            status = os.lstat(place)
        except OSError as error:
            return FileReport(name, "skipped", remark=_reason(error))
        remark = self._objection(status, _suffix(place.rpartition(os.sep)[2]))
        if remark:
            return FileReport(name, "skipped", remark=remark)
        return NoteFile(name, FileStamp(status.st_size, status.st_mtime_ns))

    def _objection(self, status: os.stat_result, suffix: str) -> str:
        """Return why a file is not to be read, or nothing."""
        if not stat.S_ISREG(status.st_mode):
            return "not a regular file"
        most = self._most(suffix)
        if status.st_size > most:
            return f"too large ({_megabytes(status.st_size)}; the limit is {_megabytes(most)})"
        return ""

    def _most(self, suffix: str) -> int:
        return self._max_bytes if suffix in _SUFFIXES else self._max_document_bytes

    # ------------------------------------------------------------ reading

    def _text(self, path: Path) -> NoteText:
        for _ in range(_TRIES):
            opened = _Opened()
            data = b"".join(self._blocks(path, opened))
            if not opened.changed:
                text, remark = _decoded(data)
                return NoteText(text, opened.hash.hexdigest(), remark)
        raise InvalidInput(_CHANGED)

    def _document(self, path: Path, suffix: str, documents: DocumentReader) -> NoteText:
        opened = _Opened()
        try:
            document = documents.convert(suffix, self._blocks(path, opened))
        except InvalidInput as error:
            if opened.whole and not opened.changed:  # it is the content that cannot be read, now or later
                return NoteText("", opened.hash.hexdigest(), refusal=str(error))
            raise
        if opened.changed:
            raise InvalidInput(_CHANGED)
        return NoteText(document.text, opened.hash.hexdigest(), document.remark, document.pages)

    def _blocks(self, path: Path, opened: _Opened) -> Iterator[bytes]:
        """Yield a file's bytes, and note on the way what they are and whether they changed meanwhile.

        Raises:
            InvalidInput: It cannot be read, or not as a whole.
        """
        try:
            descriptor = os.open(path, _OPEN_FLAGS)
            try:
                before = os.fstat(descriptor)
                suffix = _suffix(path.name)
                objection = self._objection(before, suffix)
                if objection:
                    raise InvalidInput(objection)
                left = self._most(suffix)
                while block := os.read(descriptor, _BLOCK):
                    left -= len(block)
                    if left < 0:  # it grew while it was read
                        raise InvalidInput(f"too large (the limit is {_megabytes(self._most(suffix))})")
                    opened.hash.update(block)
                    yield block
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise InvalidInput(_reason(error)) from error
        opened.whole = True
        opened.changed = (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns)


_CHANGED = "it changed while it was read; the next run reads it again"


class _Opened:
    """What is known of a file after it was read: its hash, whether that is of all of it, and whether it changed."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.whole = False
        self.changed = False


class _Root:
    """One of the folders given; ``only`` is set when a single file was given instead."""

    def __init__(self, folder: Path, only: Path | None) -> None:
        self.folder = folder
        self.only = only
        self._before = len(str(folder / "x")) - 1  # characters of a place inside before its path from here

    def inside(self, place: str) -> str:
        """Return the path from here to a place inside, with ``/``."""
        return (place[self._before :] or ".").replace(os.sep, "/")

    @classmethod
    def at(cls, given: Path, suffixes: frozenset[str]) -> _Root:
        try:
            resolved = given.expanduser().resolve(strict=True)
        except FileNotFoundError as error:
            raise InvalidInput(f"There is no folder {given}.") from error
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, an unknown user, a NUL
            raise InvalidInput(f"{str(given)!r} cannot be used as the notes folder: {_reason(error)}.") from error
        if resolved.is_dir():
            return cls(resolved, None)
        if resolved.is_file() and resolved.suffix.lower() in suffixes:
            return cls(resolved.parent, resolved)
        raise InvalidInput(f"{given} is not a folder; give the folder that holds your notes, or one note.")


# ---------------------------------------------------------------- decoding


def _decoded(data: bytes) -> tuple[str, str]:
    """Return the text and what had to be bent.

    Raises:
        InvalidInput: The bytes are not text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
        damaged, name = text.count("\ufffd"), "UTF-16"
    else:
        text = data.decode("utf-8", errors="replace")
        damaged, name = text.count("\ufffd") - data.count("\ufffd".encode()), "UTF-8"
    if "\0" in text or damaged > _MOST_UNDECODABLE * len(text):
        raise InvalidInput("not a text file")
    if damaged:
        places = "1 place is" if damaged == 1 else f"{damaged} places are"
        return text, f"{places} not valid {name} and shown as \ufffd"
    return text, ""


# ---------------------------------------------------------------- names and words


def _unique(name: str, folder: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 1
    prefix = folder
    while f"{prefix}/{name}" in taken:
        number += 1
        prefix = f"{folder} ({number})"
    return f"{prefix}/{name}"


def _link_remark(root: Path, path: Path, suffixes: frozenset[str]) -> str:
    """Say why a link is not followed; nothing for one that no reader would miss."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        return "a link that leads nowhere" if path.suffix.lower() in suffixes else ""
    if target.is_relative_to(root):
        return ""
    if target.is_dir() or path.suffix.lower() in suffixes:
        return "a link that leads out of the notes folder"
    return ""


def _suffix(name: str) -> str:
    """Return the ending of a file's name as ``Path.suffix`` has it, in small letters."""
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def _is_unicode(name: str) -> bool:
    """Whether a file's name could be decoded; bytes that could not be are surrogates in it."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.3g} MB"


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:  # opened with O_NOFOLLOW
        return "a link was put in its place"
    return str(getattr(error, "strerror", None) or error).lower()
