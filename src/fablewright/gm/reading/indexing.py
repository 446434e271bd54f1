"""Brings an index up to date with a folder of notes: reads what is new or changed, forgets what is gone.

Pure orchestration over two ports: no clock, no disk. Each file is one step, and the caller may stop between
two steps; whatever was done stays done, and the next run goes on from there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from fablewright.errors import InvalidInput
from fablewright.gm.reading import secrecy
from fablewright.gm.reading.chunks import chunks
from fablewright.gm.reading.markdown_blocks import blocks
from fablewright.gm.reading.notes import FileReport, FileStamp, NoteFile, NoteText, Passage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fablewright.gm.reading.chunks import Chunk
    from fablewright.gm.reading.ports import NotesSource, PassageIndex

__all__ = ["passages_of", "refresh"]

_TRUSTED_AGE_NS = 2_000_000_000
"""A file changed less than 2 s before reading may change again without looking different: FAT counts time in
steps of 2 s, and other file systems in steps of some milliseconds."""

_MOST_LINES = 300_000
_MOST_PASSAGES = 50_000
"""Ten times what the longest rule book has. Each line costs up to 500 bytes while a file is cut, so
the bounds keep memory small whatever is in it."""

_UNTRUSTED_NS = -1
"""Stored as the time of such a file: no file has it, so the next run reads and compares the content."""


def refresh(
    source: NotesSource,
    index: PassageIndex,
    *,
    now_ns: int,
    stop: Callable[[], bool] = lambda: False,
    again: bool = False,
) -> Iterator[FileReport]:
    """Read the notes into the index, one file per step.

    Args:
        source: The notes.
        index: What is brought up to date.
        now_ns: Nanoseconds since 1970 at the start of this run, on the clock of the files' stamps.
        stop: Asked before each file; True ends the run there, without forgetting files not seen yet.
        again: Whether documents that could not be read are tried once more although they have not changed: the
            machine may have been busy, or have had too little memory.

    Yields:
        What became of each file, as soon as it is known; after all files, those that are gone.
    """
    known = index.stamps()
    counts = index.counts()
    seen: set[str] = set()
    offered = source.files()
    while not stop():
        item = next(offered, None)
        if item is None:
            gone = sorted(known.keys() - seen)
            index.remove(gone)
            yield from (FileReport(name, "removed") for name in gone)
            return
        seen.add(item.name)
        if isinstance(item, FileReport):
            yield _skipped(index, known, item)
            continue
        old = known.get(item.name)
        tried = old is not None and not (again and old.refusal)
        if old and tried and (old.size, old.modified_ns) == (item.stamp.size, item.stamp.modified_ns):
            yield _unchanged(item.name, old.refusal, counts.get(item.name, 0))
            continue
        try:
            note = source.read(item.name)
        except InvalidInput as error:
            yield _skipped(index, known, FileReport(item.name, "skipped", remark=str(error)))
            continue
        stamp = _stamp(item, note, now_ns)
        if old and tried and old.sha256 == note.sha256 and bool(old.refusal) == bool(note.refusal):
            index.touch(item.name, replace(stamp, refusal=old.refusal))
            yield _unchanged(item.name, old.refusal, counts.get(item.name, 0), note.remark)
            continue
        refusal, passages = note.refusal, list[Passage]()
        if not refusal:
            try:
                passages = passages_of(item.name, note.text, note.pages)
            except InvalidInput as error:
                refusal = str(error)
        index.replace(item.name, replace(stamp, refusal=refusal), passages)
        if refusal:
            yield FileReport(item.name, "skipped", remark=refusal)
        else:
            yield FileReport(item.name, "read", len(passages), note.remark)


_GM_ONLY = "GM only"
"""The heading of a passage that is secret for what stands before it."""


def passages_of(name: str, text: str, pages: Sequence[int] = ()) -> list[Passage]:
    """Cut one decoded file into passages; ``.txt`` is plain text, everything else Markdown.

    Args:
        name: The file's name.
        text: What it says.
        pages: Where in ``text`` each page begins.

    Raises:
        InvalidInput: It has so many lines or sections that it was made to do harm, or is no prose at all.
    """
    if max(text.count("\n"), text.count("\r")) > _MOST_LINES:
        raise InvalidInput(f"more than {_MOST_LINES:,} lines")
    found = chunks(text, markdown=not name.lower().endswith(".txt"))
    if len(found) > _MOST_PASSAGES:
        raise InvalidInput(f"more than {_MOST_PASSAGES:,} sections")
    carried = _carried_secrets(text, found)
    return [
        Passage(
            text[chunk.start : chunk.end],
            name,
            (_GM_ONLY, *(chunk.heading or (_bare(name),))) if chunk.start in carried else chunk.heading,
            chunk.start,
            chunk.end,
            page=bisect_right(pages, chunk.start) or None,
            table_header=chunk.table_header,
        )
        for chunk in found
    ]


def _carried_secrets(text: str, found: Sequence[Chunk]) -> frozenset[int]:
    """Return the beginnings of the chunks that a mark further up makes secret: front matter, an open element.

    A chunk that holds such a mark itself shows it; those after it would not, so they get a heading that says so.
    """
    first = found[0] if found else None
    if first and any(
        block.kind == "front_matter" and secrecy.is_secret_front_matter(text[block.start : block.end])
        for block in blocks(text[: first.end])[:2]
    ):
        return frozenset(chunk.start for chunk in found[1:])
    spans = secrecy.hidden_spans(text)
    starts = [start for start, _ in spans]
    return frozenset(
        chunk.start
        for chunk in found
        if (at := bisect_left(starts, chunk.start) - 1) >= 0 and chunk.start < spans[at][1]
    )


def _bare(name: str) -> str:
    return name.rpartition("/")[2].partition(".")[0] or name


def _unchanged(name: str, refusal: str, passages: int, remark: str = "") -> FileReport:
    return FileReport(name, "skipped", remark=refusal) if refusal else FileReport(name, "unchanged", passages, remark)


def _skipped(index: PassageIndex, known: dict[str, FileStamp], report: FileReport) -> FileReport:
    """Forget what the index held of a file that cannot be read any more: nobody could look it up there."""
    if report.name in known:
        index.remove([report.name])
    return report


def _stamp(item: NoteFile, note: NoteText, now_ns: int) -> FileStamp:
    trusted = item.stamp.modified_ns < now_ns - _TRUSTED_AGE_NS
    return replace(item.stamp, sha256=note.sha256, modified_ns=item.stamp.modified_ns if trusted else _UNTRUSTED_NS)
