from __future__ import annotations

import hashlib
import os
import socket
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.adapters import notes_folder
from fablewright.adapters.notes_folder import NotesFolder
from fablewright.errors import InvalidInput
from fablewright.gm.reading.notes import Document, FileReport, NoteFile, NoteText

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def put(folder: Path, name: str, content: str | bytes = "text") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def names(source: NotesFolder) -> list[str]:
    return [item.name for item in source.files() if isinstance(item, NoteFile)]


def skipped(source: NotesFolder) -> dict[str, str]:
    return {item.name: item.remark for item in source.files() if isinstance(item, FileReport)}


def test_finds_notes_in_a_stable_order_and_passes_over_the_rest(tmp_path: Path) -> None:
    for name in ["b.md", "a.MD", "sub/c.markdown", "sub/deep/d.txt", "z.Txt", ".obsidian/x.md", ".hidden.md"]:
        put(tmp_path, name)
    for name in ["map.png", "sub/map.PNG", "README"]:
        put(tmp_path, name)
    source = NotesFolder(tmp_path)
    assert names(source) == ["a.MD", "b.md", "z.Txt", "sub/c.markdown", "sub/deep/d.txt"]
    assert skipped(source) == {}
    assert dict(source.ignored) == {".png": 2, "": 1}


def test_the_stamp_is_size_and_time(tmp_path: Path) -> None:
    path = put(tmp_path, "a.md", "12345")
    (item,) = NotesFolder(tmp_path).files()
    assert isinstance(item, NoteFile)
    assert (item.stamp.size, item.stamp.modified_ns) == (5, path.stat().st_mtime_ns)


def test_an_empty_folder_yields_nothing(tmp_path: Path) -> None:
    assert list(NotesFolder(tmp_path).files()) == []


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf# A\r\nb\rc\n", "é€😀".encode(), b"", "\ufffd".encode()])
def test_utf8_is_counted_as_python_decodes_it(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "a.md", data)
    note = NotesFolder(tmp_path).read("a.md")
    assert note.text == data.decode("utf-8")
    assert note.sha256 == hashlib.sha256(data).hexdigest()
    assert note.remark == ""


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_with_a_byte_order_mark(tmp_path: Path, codec: str) -> None:
    text = "# Tür\r\n" if codec == "utf-16" else "\ufeff# Tür\r\n"  # the first writes a mark of its own
    data = text.encode(codec)
    put(tmp_path, "a.md", data)
    assert NotesFolder(tmp_path).read("a.md").text == data.decode("utf-16") == "# Tür\r\n"


@pytest.mark.parametrize(
    ("data", "places"), [(b"caf\xe9 and na\xefve words", "2 places are"), (b"plain words \xff", "1 place is")]
)
def test_wrong_bytes_are_replaced_and_counted(tmp_path: Path, data: bytes, places: str) -> None:
    put(tmp_path, "a.md", data)
    note = NotesFolder(tmp_path).read("a.md")
    assert note.text == data.decode("utf-8", errors="replace")
    assert note.remark == f"{places} not valid UTF-8 and shown as \ufffd"


@pytest.mark.parametrize(
    "data", [b"PNG\0\0", bytes(range(128, 256)), b"\xff\xfe\0\0a\0\0\0", b"\xff\xfea\0\0\0", b"text\0"]
)
def test_what_is_not_text(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, "a.md", data)
    with pytest.raises(InvalidInput, match="not a text file"):
        NotesFolder(tmp_path).read("a.md")


@given(st.binary(max_size=200))
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text, _ = notes_folder._decoded(data)
    except InvalidInput:
        return
    assert "\0" not in text
    text.encode()  # no surrogates


def test_too_large_is_skipped_without_reading(tmp_path: Path) -> None:
    with put(tmp_path, "big.md").open("wb") as file:
        file.truncate(200_000_000)
    put(tmp_path, "ok.md")
    source = NotesFolder(tmp_path)
    assert skipped(source) == {"big.md": "too large (200 MB; the limit is 20 MB)"}
    assert names(source) == ["ok.md"]
    assert skipped(NotesFolder(tmp_path, max_bytes=3)) == {
        "big.md": "too large (200 MB; the limit is 3e-06 MB)",
        "ok.md": "too large (4e-06 MB; the limit is 3e-06 MB)",
    }


def test_what_grew_vanished_or_turned_into_a_pipe_after_the_listing(tmp_path: Path) -> None:
    for name in ["big.md", "gone.md", "pipe.md", "link.md", "folder.md"]:
        put(tmp_path, name)
    source = NotesFolder(tmp_path, max_bytes=10)
    assert len(names(source)) == 5
    put(tmp_path, "big.md", "x" * 11)
    for name in ["gone.md", "pipe.md", "link.md", "folder.md"]:
        (tmp_path / name).unlink()
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "link.md").symlink_to(tmp_path / "big.md")
    (tmp_path / "folder.md").mkdir()
    for name, reason in [
        ("big.md", "too large"),
        ("gone.md", "gone"),
        ("pipe.md", "regular"),
        ("link.md", "a link"),
        ("folder.md", "regular"),
    ]:
        with pytest.raises(InvalidInput, match=reason):
            source.read(name)


@pytest.mark.parametrize("name", ["../secret.md", "/etc/passwd", "", "a\0.md", "missing.md"])
def test_only_what_was_listed_can_be_read(tmp_path: Path, name: str) -> None:
    put(tmp_path, "secret.md")
    put(tmp_path, "notes/a.md")
    with pytest.raises(InvalidInput, match="no such file"):
        NotesFolder(tmp_path / "notes").read(name)


def test_links(tmp_path: Path) -> None:
    put(tmp_path, "outside/secret.md")
    inside = put(tmp_path, "notes/a.md").parent
    put(tmp_path, "notes/sub/b.md")
    (inside / "out.md").symlink_to(tmp_path / "outside/secret.md")
    (inside / "outfolder").symlink_to(tmp_path / "outside")
    (inside / "nowhere.md").symlink_to(tmp_path / "missing")
    (inside / "again.md").symlink_to(inside / "a.md")
    (inside / "sub/loop").symlink_to(inside)
    (inside / "self.md").symlink_to(inside / "self.md")
    (inside / "picture.png").symlink_to(tmp_path / "outside/secret.md")
    source = NotesFolder(inside)
    assert names(source) == ["a.md", "sub/b.md"]
    assert skipped(source) == {
        "nowhere.md": "a link that leads nowhere",
        "out.md": "a link that leads out of the notes folder",
        "outfolder": "a link that leads out of the notes folder",
        "self.md": "a link that leads nowhere",
    }
    (tmp_path / "shortcut").symlink_to(inside)
    assert names(NotesFolder(tmp_path / "shortcut")) == ["a.md", "sub/b.md"]


def test_a_folder_that_becomes_a_link_after_the_listing_is_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "outside/b.md", "secret")
    put(tmp_path, "notes/sub/b.md")
    source = NotesFolder(tmp_path / "notes")
    assert names(source) == ["sub/b.md"]
    (tmp_path / "notes/sub/b.md").unlink()
    (tmp_path / "notes/sub").rmdir()
    (tmp_path / "notes/sub").symlink_to(tmp_path / "outside")
    with pytest.raises(InvalidInput, match="leads out"):
        source.read("sub/b.md")


def test_special_files_and_odd_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("sock.md")
    put(tmp_path, "n" * 252 + ".md")
    put(tmp_path, "weird\n\t name.md")
    with open(os.fsencode(tmp_path) + b"/bad\xff.md", "wb"):  # noqa: PTH123 - pathlib has no bytes paths
        pass
    source = NotesFolder(tmp_path)
    assert skipped(source) == {
        "bad\\udcff.md": "its name is not valid Unicode",
        "pipe.md": "not a regular file",
        "sock.md": "not a regular file",
    }
    assert names(source) == ["n" * 252 + ".md", "weird\n\t name.md"]
    assert source.read("n" * 252 + ".md").text == "text"


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.md")
    put(tmp_path, "locked/b.md")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def refused(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refusing)
    monkeypatch.setattr(os, "open", refused)
    source = NotesFolder(tmp_path)
    assert names(source) == ["a.md"]
    assert skipped(source) == {"locked": "cannot read the folder: no permission to read it"}
    with pytest.raises(InvalidInput, match="no permission"):
        source.read("a.md")


def test_several_folders_keep_their_files_apart(tmp_path: Path) -> None:
    for name in ["one/notes/a.md", "two/notes/a.md", "two/notes/b.md", "three/notes/a.md"]:
        put(tmp_path, name, name)
    source = NotesFolder([tmp_path / "one/notes", tmp_path / "two/notes", tmp_path / "three/notes"])
    assert names(source) == ["a.md", "notes/a.md", "b.md", "notes (2)/a.md"]
    assert source.read("notes/a.md").text == "two/notes/a.md"
    assert source.read("notes (2)/a.md").text == "three/notes/a.md"


def test_a_folder_given_twice_or_inside_another_is_read_once(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    put(tmp_path, "sub/b.md")
    assert names(NotesFolder([tmp_path, tmp_path / "sub", tmp_path])) == ["a.md", "sub/b.md"]


def test_a_single_note_is_as_good_as_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.md")
    put(tmp_path, "b.md")
    source = NotesFolder(tmp_path / "b.md")
    assert names(source) == ["b.md"]
    assert source.read("b.md").text == "text"


@pytest.mark.parametrize("name", ["missing", "picture.png", "loop", "~nobody-of-that-name/x", "nul\0"])
def test_what_cannot_be_a_notes_folder(tmp_path: Path, name: str) -> None:
    put(tmp_path, "picture.png")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(InvalidInput) as caught:
        NotesFolder(name if name.startswith("~") else tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(caught.value)


def test_a_folder_that_vanishes_is_said(tmp_path: Path) -> None:
    source = NotesFolder(put(tmp_path, "notes/a.md").parent)
    (tmp_path / "notes/a.md").unlink()
    (tmp_path / "notes").rmdir()
    with pytest.raises(InvalidInput, match="gone"):
        list(source.files())


# ---------------------------------------------------------------- documents


class Reader:
    """Reads documents as it is told."""

    suffixes = frozenset({".pdf"})

    def __init__(self, error: str = "", *, early: bool = False) -> None:
        self.error = error
        self.early = early
        self.closed = 0

    def convert(self, suffix: str, data: Iterable[bytes]) -> Document:
        if self.early:
            raise InvalidInput(self.error)
        size = sum(map(len, data))
        if self.error:
            raise InvalidInput(self.error)
        return Document(f"{suffix} of {size}", (0,), "odd")

    def close(self) -> None:
        self.closed += 1


def test_documents_are_read_by_their_reader(tmp_path: Path) -> None:
    for name in ["a.md", "b.PDF", "c.docx"]:
        put(tmp_path, name, "x" * 30)
    reader = Reader()
    source = NotesFolder(tmp_path, documents=reader, max_bytes=40)
    assert source.suffixes == {".md", ".markdown", ".txt", ".pdf"}
    assert names(source) == ["a.md", "b.PDF"]
    assert dict(source.ignored) == {".docx": 1}
    digest = hashlib.sha256(b"x" * 30).hexdigest()
    assert source.read("b.PDF") == NoteText(".pdf of 30", digest, "odd", (0,))
    assert source.read("a.md") == NoteText("x" * 30, digest)


def test_the_reader_is_let_go_of_when_a_listing_ends_or_is_left(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf")
    put(tmp_path, "b.pdf")
    reader = Reader()
    source = NotesFolder(tmp_path, documents=reader)
    listing = source.files()
    next(listing)
    assert reader.closed == 0
    listing.close()  # type: ignore[attr-defined] # it is a generator
    assert reader.closed == 1
    assert len(names(source)) == 2
    assert reader.closed == 2


def test_what_is_wrong_with_a_document_is_remembered_and_what_is_wrong_otherwise_is_not(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "x" * 3_000_000)
    digest = hashlib.sha256(b"x" * 3_000_000).hexdigest()
    refused = NotesFolder(tmp_path, documents=Reader("it is encrypted"))
    assert refused.read("a.pdf") == NoteText("", digest, refusal="it is encrypted")
    with pytest.raises(InvalidInput, match="no process"):
        NotesFolder(tmp_path, documents=Reader("no process", early=True)).read("a.pdf")


def test_documents_may_be_larger_than_texts(tmp_path: Path) -> None:
    for name, size in [("a.pdf", 50), ("b.md", 50), ("c.pdf", 51)]:
        put(tmp_path, name, "x" * size)
    source = NotesFolder(tmp_path, documents=Reader(), max_bytes=5, max_document_bytes=50)
    assert names(source) == ["a.pdf"]
    assert skipped(source).keys() == {"b.md", "c.pdf"}
    put(tmp_path, "a.pdf", "x" * 51)
    with pytest.raises(InvalidInput, match="too large"):
        source.read("a.pdf")


def test_a_single_document_is_as_good_as_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf")
    assert names(NotesFolder(tmp_path / "a.pdf", documents=Reader())) == ["a.pdf"]
    with pytest.raises(InvalidInput, match="is not a folder"):
        NotesFolder(tmp_path / "a.pdf")
