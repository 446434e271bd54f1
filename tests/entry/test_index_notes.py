from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from fablewright.entry import embedders, index_notes
from fablewright.entry.cli import run
from fablewright.errors import FablewrightError
from fablewright.gm.reading.embedded_text import vector_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fablewright.entry.assemble import Notes
    from fablewright.gm.reading.notes import FileReport
    from fablewright.gm.reading.ports import Purpose, Vector

pytestmark = pytest.mark.usefixtures("data_dir")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.md").write_text(f"# Place {number}\n\nA quiet place.\n", encoding="utf-8")
    return folder


def test_it_says_what_was_read_and_what_was_not(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (notes / "binary.md").write_bytes(bytes(range(256)) * 40)
    (notes / "latin.md").write_bytes("A café by the sea, where the gulls are fed.\n".encode("latin-1"))
    (notes / "map.png").write_bytes(b"\x89PNG")
    assert run(["index", str(notes)]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == f"{notes}: 4 read, 0 unchanged, 1 skipped."
    assert lines[1].startswith("The index holds 4 passages. ")
    assert [line for line in lines if line.startswith("  skipped binary.md: ")]
    assert [line for line in lines if line.startswith("  read latin.md: ")]
    assert lines[-1] == "  not notes: 1 .png"
    assert err == ""


def test_the_second_time_nothing_is_read_again(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["index", str(notes)])
    capsys.readouterr()
    (notes / "2.md").unlink()
    assert run(["index", str(notes), "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["read"], content["unchanged"], content["removed"]) == (0, 2, 1)
    assert (content["status"], content["passages"], content["skipped"]) == ("done", 2, [])


def test_a_folder_without_notes_is_most_likely_the_wrong_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["index", str(tmp_path / "empty")]) == 2
    out, err = capsys.readouterr()
    assert "0 read, 0 unchanged." in out
    kinds = ".docx, .epub, .htm, .html, .json, .markdown, .md, .pdf, .txt and .xhtml"
    assert err == f"Nothing readable was found in {tmp_path / 'empty'}: notes are {kinds} files.\n"


def test_without_a_folder_it_is_the_sample_campaign(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["index"]) == 0
    assert capsys.readouterr().out.startswith("the sample campaign: 8 read")


def test_after_ctrl_c_the_next_run_goes_on_from_there(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    really_open = index_notes.assemble.open_notes

    class Pressed:
        """Notes whose reader presses Ctrl-C after the first file."""

        def __init__(self, inner: Notes) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def read(self, stop: object, *, again: bool) -> Iterator[FileReport]:
            for number, report in enumerate(self._inner.read(stop, again=again)):  # type: ignore[arg-type] # passed through
                if not number:
                    signal.raise_signal(signal.SIGINT)
                yield report

    try:
        with monkeypatch.context() as patch:
            patch.setattr(index_notes.assemble, "open_notes", lambda *given: Pressed(really_open(*given)))
            assert run(["index", str(notes)]) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    out, err = capsys.readouterr()
    assert f"{notes}: 1 read, 0 unchanged." in out
    assert err == "You stopped: 1 files are in the index, and the next run goes on from there.\n"
    assert run(["index", str(notes), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["read"] == 2


def test_documents_of_all_kinds_are_read_and_cited_with_their_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    content = b"BT /F1 10 Tf 50 700 Td (Osric the miller owns the sunken mill in Thole.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [5 0 R 6 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 800] /Contents 4 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in enumerate(objects, 1))
    (folder / "Places.pdf").write_bytes(b"%PDF-1.4\n" + body + b"trailer\n<< /Size 7 /Root 1 0 R >>\n%%EOF\n")
    (folder / "fair.html").write_text("<h1>Fair</h1><p>There is a fair in spring.", "utf-8")
    (folder / "odd.docx").write_bytes(b"nothing of the kind")
    assert run(["index", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{folder}: 2 read, 0 unchanged, 1 skipped."
    assert lines[2:] == [
        "  skipped odd.docx: it is no Word document (DOCX), in spite of its ending",
        "  read Places.pdf: 1 of 2 pages have no text, only pictures perhaps",
    ]
    assert run(["ask", "Who owns the sunken mill?", "--notes", str(folder)]) == 0
    assert "Places.pdf, p. 2" in capsys.readouterr().out
    assert run(["index", str(folder)]) == 0  # asked for, so it is tried again
    assert "2 unchanged, 1 skipped." in capsys.readouterr().out
    assert run(["doctor", "--notes", str(folder), "--json"]) == 0
    assert "skipped odd.docx: it is no Word document" in capsys.readouterr().out


PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background ignores it
from fablewright.entry.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_watching_reads_what_changes_and_ends_well_with_ctrl_c(notes: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "index", str(notes), "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["read"] == 3
        assert "Ctrl-C ends it" in process.stderr.readline()
        (notes / "new.md").write_text("# New\n\nA heron.\n", encoding="utf-8")
        first = json.loads(process.stdout.readline())
        (notes / "1.md").unlink()
        second = json.loads(process.stdout.readline())
        (notes / "broken.md").write_bytes(bytes(range(256)) * 40)
        third = json.loads(process.stdout.readline())
        time.sleep(1.5)  # it looks again, and has nothing to say twice
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (first["file"], first["outcome"], first["passages"]) == ("new.md", "read", 1)
    assert (second["file"], second["outcome"]) == ("1.md", "removed")
    assert (third["file"], third["outcome"]) == ("broken.md", "skipped")
    assert third["remark"]
    assert (process.returncode, out, err) == (0, "", "")


class Letters:
    """An embedder that counts letters."""

    model = "letters"

    async def embed(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        if purpose == "passage" and any("poison" in text for text in texts):
            raise FablewrightError("The embedding server cannot be reached; is it running?")
        return [vector_of([text.count(letter) + 0.1 for letter in "aeiou"]) for text in texts]

    async def close(self) -> None:
        """There is nothing to close."""


def test_with_an_embedder_passages_are_embedded_once(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "open_embedder", lambda settings, threads: Letters())
    assert run(["index", str(notes)]) == 0
    assert "The index holds 3 passages. 3 were embedded. " in capsys.readouterr().out
    assert run(["index", str(notes), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["vectors"] == 0


def test_an_embedder_that_fails_leaves_the_words(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedders, "open_embedder", lambda settings, threads: Letters())
    (notes / "poison.md").write_text("# poison\n\nA vial.\n", encoding="utf-8")
    assert run(["index", str(notes)]) == 0
    out, err = capsys.readouterr()
    assert "The index holds 4 passages." in out
    assert "found by words alone for now" in err


def test_an_embedder_without_its_model_says_what_to_set(
    notes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABLEWRIGHT_EMBEDDER", "ollama")
    assert run(["index", str(notes)]) == 0
    assert "set embedding_model" in capsys.readouterr().err
