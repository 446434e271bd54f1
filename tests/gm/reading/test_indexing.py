from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from fablewright.errors import InvalidInput
from fablewright.gm.reading import indexing
from fablewright.gm.reading.indexing import passages_of, refresh
from fablewright.gm.reading.notes import FileReport, FileStamp, NoteFile, NoteText, Passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NOW = 1_000_000_000_000_000_000
OLD = NOW - 60_000_000_000


class Folder:
    """A notes folder in memory: name to (text, time of the last change); None is not text."""

    def __init__(self, **files: str | None) -> None:
        self.notes = {f"{name}.md": (text, OLD) for name, text in files.items()}
        self.reads: list[str] = []

    def files(self) -> Iterator[NoteFile | FileReport]:
        for name, (text, modified_ns) in sorted(self.notes.items()):
            yield NoteFile(name, FileStamp(len(text or ""), modified_ns))

    def read(self, name: str) -> NoteText:
        self.reads.append(name)
        text = self.notes[name][0]
        if text is None:
            raise InvalidInput("not a text file")
        return NoteText(text, hashlib.sha256(text.encode()).hexdigest())


class Memory:
    """The slow, obvious index."""

    def __init__(self) -> None:
        self.held: dict[str, tuple[FileStamp, Sequence[Passage]]] = {}
        self.version = 0

    def stamps(self) -> dict[str, FileStamp]:
        return {name: stamp for name, (stamp, _) in self.held.items()}

    def counts(self) -> dict[str, int]:
        return {name: len(passages) for name, (_, passages) in self.held.items()}

    def count(self) -> int:
        return sum(self.counts().values())

    def replace(self, name: str, stamp: FileStamp, passages: Sequence[Passage]) -> None:
        self.held[name] = (stamp, passages)
        self.version += 1

    def touch(self, name: str, stamp: FileStamp) -> None:
        self.held[name] = (stamp, self.held[name][1])

    def remove(self, names: Iterable[str]) -> None:
        for name in names:
            del self.held[name]
            self.version += 1

    def search(self, query: str, *, limit: int, filters: Mapping[str, str]) -> list[Passage]:
        raise NotImplementedError


def outcomes(folder: Folder, index: Memory, now_ns: int = NOW) -> list[tuple[str, str, int]]:
    return [(r.name, r.outcome, r.passages) for r in refresh(folder, index, now_ns=now_ns)]


def test_reads_everything_once_and_then_nothing() -> None:
    folder, index = Folder(a="# A\n\nOne.", b="# B\n\nTwo.\n\n# C\n\nThree."), Memory()
    assert outcomes(folder, index) == [("a.md", "read", 1), ("b.md", "read", 2)]
    folder.reads.clear()
    assert outcomes(folder, index) == [("a.md", "unchanged", 1), ("b.md", "unchanged", 2)]
    assert folder.reads == []


def test_a_new_time_with_the_same_content_only_touches() -> None:
    folder, index = Folder(a="Same."), Memory()
    outcomes(folder, index)
    folder.notes["a.md"] = ("Same.", OLD + 1)
    version = index.version
    assert outcomes(folder, index) == [("a.md", "unchanged", 1)]
    assert index.version == version
    assert index.stamps()["a.md"].modified_ns == OLD + 1


def test_changed_gone_and_new_files() -> None:
    folder, index = Folder(a="Old.", b="Gone."), Memory()
    outcomes(folder, index)
    folder.notes = {"a.md": ("New!", OLD + 1), "c.md": ("Three.", OLD)}
    assert outcomes(folder, index) == [("a.md", "read", 1), ("c.md", "read", 1), ("b.md", "removed", 0)]
    assert [passage.text for _, passages in index.held.values() for passage in passages] == ["New!", "Three."]


@pytest.mark.parametrize("age_ns", [0, 1_900_000_000, -5_000_000_000])
def test_a_file_that_was_just_changed_is_read_again(age_ns: int) -> None:
    folder, index = Folder(a="One."), Memory()
    folder.notes["a.md"] = ("One.", NOW - age_ns)
    outcomes(folder, index)
    folder.notes["a.md"] = ("Two.", NOW - age_ns)  # same size, same tick of the clock
    assert outcomes(folder, index, NOW + 60_000_000_000) == [("a.md", "read", 1)]
    assert index.held["a.md"][1][0].text == "Two."


def test_a_file_that_cannot_be_read_is_skipped_and_forgotten() -> None:
    folder, index = Folder(a="One.", b="Two."), Memory()
    outcomes(folder, index)
    folder.notes["a.md"] = (None, OLD)
    assert list(refresh(folder, index, now_ns=NOW)) == [
        FileReport("a.md", "skipped", 0, "not a text file"),
        FileReport("b.md", "unchanged", 1),
    ]
    assert list(index.held) == ["b.md"]


def test_reports_of_the_source_are_passed_on() -> None:
    class Reporting(Folder):
        def files(self) -> Iterator[NoteFile | FileReport]:
            yield FileReport("big.md", "skipped", remark="too large")
            yield from super().files()

    index = Memory()
    index.replace("big.md", FileStamp(1, 1), [])
    assert [report.outcome for report in refresh(Reporting(a="One."), index, now_ns=NOW)] == [
        "skipped",
        "read",
    ]
    assert list(index.held) == ["a.md"]


def test_it_stops_between_files_without_forgetting_the_rest() -> None:
    folder, index = Folder(a="One.", b="Two.", c="Three."), Memory()
    outcomes(folder, index)
    del folder.notes["a.md"]
    done: list[FileReport] = []
    done.extend(refresh(folder, index, now_ns=NOW, stop=lambda: bool(done)))
    assert len(index.held) == 3
    answers = iter([False, True])
    stopped = list(refresh(folder, index, now_ns=NOW, stop=lambda: next(answers)))
    assert [report.name for report in stopped] == ["b.md"]
    assert len(index.held) == 3


class Documents(Folder):
    """Documents that can be read or not."""

    refusals: ClassVar[dict[str, str]] = {}

    def read(self, name: str) -> NoteText:
        note = super().read(name)
        refusal = self.refusals.get(name, "")
        return replace(note, text="" if refusal else note.text, refusal=refusal)


def test_a_document_that_cannot_be_read_is_not_tried_again_until_it_changes_or_somebody_asks() -> None:
    folder, index = Documents(a="One.", b="Two."), Memory()
    skipped = FileReport("a.md", "skipped", remark="it is encrypted")
    index.replace("a.md", FileStamp(1, 1, "old"), passages_of("a.md", "An older text."))
    folder.refusals = {"a.md": "it is encrypted"}
    assert list(refresh(folder, index, now_ns=NOW)) == [skipped, FileReport("b.md", "read", 1)]
    assert index.counts() == {"a.md": 0, "b.md": 1}
    folder.reads.clear()
    assert list(refresh(folder, index, now_ns=NOW)) == [skipped, FileReport("b.md", "unchanged", 1)]
    assert folder.reads == []
    folder.notes["a.md"] = ("One.", OLD + 1)  # saved again, with the same content
    version = index.version
    assert next(refresh(folder, index, now_ns=NOW)) == skipped
    assert (folder.reads, index.version) == (["a.md"], version)
    assert next(refresh(folder, index, now_ns=NOW, again=True)) == skipped
    assert folder.reads == ["a.md", "a.md"]
    folder.refusals = {}
    assert next(refresh(folder, index, now_ns=NOW)) == skipped
    assert next(refresh(folder, index, now_ns=NOW, again=True)) == FileReport("a.md", "read", 1)
    assert next(refresh(folder, index, now_ns=NOW, again=True)) == FileReport("a.md", "unchanged", 1)
    assert folder.reads == ["a.md"] * 3


@pytest.mark.parametrize(("text", "why"), [("a\n" * 300_001, "lines"), ("# a\n\nb\n" * 51, "sections")])
def test_a_text_with_too_many_parts_is_refused_once(text: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "_MOST_PASSAGES", 50)  # so that the test need not cut 50,000
    folder, index = Folder(a=text, b="Two."), Memory()
    for _ in range(2):
        first, second = list(refresh(folder, index, now_ns=NOW))
        assert (first.outcome, second.name) == ("skipped", "b.md")
        assert why in first.remark
    assert folder.reads == ["a.md", "b.md"]


def test_passages_of_a_document_know_their_page() -> None:
    text = "# A\n\nThe first page says this at some length.\n\n# B\n\nThe third page says that at some length.\n\n"
    pages = [0, text.index("# B"), text.index("# B")]
    assert [(p.page, p.place) for p in passages_of("r.pdf", text, pages)] == [
        (1, "r.pdf, p. 1 › A"),
        (3, "r.pdf, p. 3 › B"),
    ]
    assert {p.page for p in passages_of("r.md", text)} == {None}


def test_passages_carry_exact_slices_and_text_files_have_no_headings() -> None:
    text = "# A\r\n\r\nOne.\r\n\r\n# B\r\n\r\nTwo.\r\n"
    for passage in passages_of("x/y.md", text):
        assert passage.text == text[passage.start : passage.end]
        assert passage.file == "x/y.md"
        assert passage.heading
    assert [passage.heading for passage in passages_of("y.TXT", text)] == [()]
