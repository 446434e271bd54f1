"""Files that are dropped on the page, harmless ones and others."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fablewright.entry.web.problem import ProblemError
from fablewright.entry.web.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

KINDS = frozenset({".md", ".html", ".pdf"})


async def parts(*given: bytes) -> AsyncIterator[bytes]:
    for part in given:
        yield part


async def refused(uploads: Uploads, upload: str, name: str, *given: bytes) -> int:
    with pytest.raises(ProblemError) as problem:
        await uploads.put(upload, name, parts(*(given or (b"x",))))
    return problem.value.status


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


async def test_a_folder_is_kept_as_it_was(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    upload = uploads.begin()
    assert await uploads.put(upload, "Mill.md", parts(b"# The ", b"mill")) == 10
    assert await uploads.put(upload, "people/Ilsë & co.MD", parts(b"x")) == 1
    assert await uploads.put(upload, "Mill.md", parts(b"# Anew")) == 6
    folder = uploads.folder(upload)
    assert files(folder) == ["Mill.md", "people/Ilsë & co.MD"]
    assert (folder / "Mill.md").read_bytes() == b"# Anew"
    assert uploads.begin() != upload


@pytest.mark.parametrize(
    "name",
    [
        "../../x.md",
        "..",
        "a/../b.md",
        "/etc/x.md",
        "a//b.md",
        "a/",
        "",
        ".",
        ".hidden.md",
        "a/.git/x.md",
        "a\0.md",
        "a\\..\\b.md",
        "C:x.md",
        "x.md:stream.md",
        "CON.md",
        "lpt1.md",
        "x.md ",
        "x.md.",
        "a\nb.md",
        "a\u202emd.exe.md",
        "x" * 300 + ".md",
        "ü" * 120 + ".md",
        "/".join(["d"] * 30) + "/x.md",
        "\udcff.md",
    ],
)
async def test_no_name_leads_anywhere(tmp_path: Path, name: str) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    assert await refused(uploads, uploads.begin(), name) == 400
    assert files(tmp_path) == []


@given(name=st.text(max_size=40))
async def test_whatever_the_name_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    root = tmp_path_factory.mktemp("uploads")
    uploads = Uploads(root / "uploads", KINDS, 1000)
    upload = uploads.begin()
    with contextlib.suppress(ProblemError):
        await uploads.put(upload, f"{name}.md", parts(b"x"))
    written = [path for path in root.rglob("*") if path.is_file()]
    assert len(written) <= 1
    assert all(path.resolve().is_relative_to(uploads.folder(upload).resolve()) for path in written)


@pytest.mark.parametrize("name", ["x.svg", "x.exe", "x", "md", "x.md.js", "x.zip"])
async def test_only_notes_are_taken(tmp_path: Path, name: str) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    assert await refused(uploads, uploads.begin(), name) == 415


async def test_a_file_that_is_too_large_or_is_cut_off_leaves_nothing_behind(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    upload = uploads.begin()
    assert await refused(uploads, upload, "x.md", b"x" * 600, b"x" * 600) == 413

    async def cut_off() -> AsyncIterator[bytes]:
        yield b"x"
        raise ConnectionResetError

    with pytest.raises(ProblemError):
        await uploads.put(upload, "x.md", cut_off())
    assert files(tmp_path) == []


@pytest.mark.parametrize("upload", ["", "..", "0" * 16, "../../etc", "x" * 16, "0" * 15 + "/"])
async def test_an_upload_that_nobody_began_is_none(tmp_path: Path, upload: str) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    uploads.begin()
    assert await refused(uploads, upload, "x.md") == 404


async def test_there_is_an_end_to_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fablewright.entry.web.uploads._MOST_FILES", 3)
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    upload = uploads.begin()
    for number in range(3):
        await uploads.put(upload, f"{number}.md", parts(b"x"))
    assert await refused(uploads, upload, "3.md") == 409
    for _ in range(49):
        uploads.begin()
    with pytest.raises(ProblemError, match="delete some"):
        uploads.begin()


async def test_a_file_where_a_folder_would_be_is_said(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path / "uploads", KINDS, 1000)
    upload = uploads.begin()
    await uploads.put(upload, "a.md", parts(b"x"))
    assert await refused(uploads, upload, "a.md/b.md") == 507
