"""HTML to Markdown: headings, lists, boxes and tables stay what they are; scripts, styles and menus go.

Read with selectolax (Lexbor, which parses as browsers do) and walked without recursion. What game programs mark
by a class is kept as a Markdown reader knows it: text to be read aloud and stat blocks become boxes, and what is
for the GM only becomes a callout that says so.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from selectolax.lexbor import LexborHTMLParser

from fablewright.adapters.documents.markdown_writer import MarkdownWriter, table
from fablewright.adapters.documents.source import Converted, RefusedDocument, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selectolax.lexbor import LexborNode

__all__ = ["convert", "decoded", "write_html"]

_SKIPPED = frozenset(
    "script style template noscript svg math iframe object embed canvas audio video map nav button select textarea "
    "input head".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form header hgroup html legend li main menu ol p section summary ul".split()
)
_STRONG, _SLANTED = frozenset(("b", "strong")), frozenset(("i", "em", "cite", "dfn"))
_HEADING = re.compile(r"h([1-6])")
_SECRET = re.compile(
    r"(?<![a-z])(?:secret|gm[-_ ]?(?:only|notes?|info)|dm[-_ ]?(?:only|notes?))(?![a-z])", re.IGNORECASE
)
_BOX = re.compile(
    r"read[-_ ]?aloud|box(?:ed)?[-_ ]?te?xt|(?<![a-z])(?:boxed|narrative|flavou?r|callout|sidebar|aside)(?![a-z])|"
    r"stat[-_ ]?block|(?<![a-z])npc[-_ ]?block",
    re.IGNORECASE,
)
_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})|<\?xml[^>]{0,100}?encoding=["']([\w.-]+)""",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\\\\")
_ANY_BLANK = re.compile(r"[ \t\n\r\f]+")
_EVERY = 20_000
"""Nodes between two signs of progress."""


def convert(source: Source) -> Converted:
    """Return a page as Markdown.

    Raises:
        RefusedDocument: It is no text, or there is too much of it.
    """
    writer = MarkdownWriter(source.most)
    write_html(decoded(source.whole()), writer, source.progress, keep_links=True)
    return Converted(writer.result())


def decoded(data: bytes) -> str:
    """Return the text of a page: by its byte order mark, by what it says of itself, as UTF-8, or as Windows text.

    Raises:
        RefusedDocument: It is no text.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise RefusedDocument("it is no HTML: not a text file")
    said = _CHARSET.search(data[:4096])
    names = ["utf-8-sig", (said[1] or said[2]).decode("ascii") if said else "", "cp1252"]
    for name in names:
        try:
            if codecs.lookup(name)._is_text_encoding:  # noqa: SLF001 - "zip" is a codec
                return data.decode(name)
        except (LookupError, UnicodeError):
            continue
    return data.decode("cp1252", "replace")


def write_html(
    html: str,
    writer: MarkdownWriter,
    progress: Callable[[], None],
    *,
    keep_links: bool,
    titled: bool = True,
    lower: int = 0,
) -> None:
    """Write a page or a piece of one.

    Args:
        html: The source.
        writer: What it is written to.
        progress: Called now and then.
        keep_links: Whether the addresses of links to other files are of any use where the text is going.
        titled: Whether the page's title is a heading if it has no other of the first level.
        lower: How many levels further down its headings are written.
    """
    tree = LexborHTMLParser(html)
    body = tree.body
    if body is None:
        return
    walk = _Walk(writer, keep_links=keep_links, lower=lower)
    title = tree.css_first("head > title")
    if titled and title is not None and tree.css_first("h1") is None:
        writer.heading(1, walk.plain(title.text()))
    for number, (node, entering) in enumerate(_events(body)):
        if number % _EVERY == 0:
            progress()
        if entering:
            walk.enter(node)
        else:
            walk.leave(node)
    walk.flush()


def _events(top: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Yield each node when it begins and when it ends, without what is not for readers."""
    waiting = [(top, True)]
    while waiting:
        node, entering = waiting.pop()
        yield node, entering
        if not entering:
            continue
        waiting.append((node, False))
        below: list[tuple[LexborNode, bool]] = []
        child = node.child
        while child is not None:
            if child.tag not in _SKIPPED and child.tag != "-comment":
                below.append((child, True))
            child = child.next
        waiting.extend(reversed(below))


class _Walk:
    """Turns the beginnings and ends of elements into blocks."""

    def __init__(self, writer: MarkdownWriter, *, keep_links: bool, lower: int) -> None:
        self._writer = writer
        self._keep_links = keep_links
        self._lower = lower
        self._inline: list[str] = []
        self._opened: list[int] = []  # where in the inline text each open mark began
        self._lists: list[int | None] = []  # the next number of each open list
        self._boxes: list[int] = []  # the elements that were made boxes
        self._tables: list[list[list[str]]] = []  # the rows of each open table
        self._code = 0

    def plain(self, text: str) -> str:
        """Return text so that no Markdown reader takes a bracket in it for a tag."""
        return text.replace("<", "&lt;")

    def flush(self) -> None:
        """Write the paragraph that was collected."""
        if self._tables:
            if self._inline and self._inline[-1] != " ":
                self._inline.append(" ")
            return
        words, self._inline, self._opened = "".join(self._inline), [], []
        self._writer.text(words)

    def enter(self, node: LexborNode) -> None:
        """Note the beginning of an element, or a text."""
        tag = str(node.tag)
        if tag == "-text":
            text = self.plain(node.text_content or "")
            self._inline.append(text if self._code else _ANY_BLANK.sub(" ", text))
        elif tag in _STRONG or tag in _SLANTED or tag in {"a", "code"}:
            self._opened.append(len(self._inline))
        elif tag == "br":
            self._inline.append(" " if self._tables else "\n")
        elif tag == "img":
            self._picture(node)
        elif tag == "hr":
            self.flush()
            if not self._tables:
                self._writer.block("---")
        elif tag == "table":
            self.flush()
            self._tables.append([])
        elif self._tables:
            self._enter_in_table(tag)
        elif _HEADING.fullmatch(tag) or tag in _BLOCKS or tag == "pre":
            self.flush()
            self._enter_block(node, tag)

    def leave(self, node: LexborNode) -> None:
        """Note the end of an element."""
        tag = str(node.tag)
        if tag in _STRONG or tag in _SLANTED or tag in {"a", "code"}:
            self._close_mark(node, tag)
        elif tag == "table" and self._tables:
            self._close_table()
        elif self._tables:
            if tag in {"td", "th"}:
                self._tables[-1][-1].append("".join(self._inline).strip())
                self._inline, self._opened = [], []
            elif tag == "caption":
                self._writer.text(f"**{''.join(self._inline).strip() or '-'}**")
        elif _HEADING.fullmatch(tag):
            words, self._inline, self._opened = "".join(self._inline), [], []
            self._writer.heading(int(tag[1]) + self._lower, words)
        elif tag == "pre":
            words, self._inline, self._code = "".join(self._inline), [], self._code - 1
            self._opened = []
            self._writer.code(words.replace("&lt;", "<"))
        elif tag in _BLOCKS:
            self._leave_block(node, tag)

    # ------------------------------------------------------------ blocks

    def _enter_block(self, node: LexborNode, tag: str) -> None:
        attributes = node.attributes
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if tag == "pre":
            self._code += 1
        elif tag in {"ul", "ol", "menu"}:
            self._lists.append(1 if tag == "ol" else None)
        elif tag == "li":
            number = self._lists[-1] if self._lists else None
            mark = "- " if number is None else f"{number}. "
            if number is not None:
                self._lists[-1] = number + 1
            self._writer.enter(mark, " " * len(mark))
        elif "hidden" in attributes or _HIDES.search(attributes.get("style") or "") or _SECRET.search(names):
            self._box(node)
            self._writer.block("[!secret] GM only")
        elif tag in {"blockquote", "aside", "details"} or _BOX.search(names):
            self._box(node)

    def _box(self, node: LexborNode) -> None:
        self._writer.enter("> ", "> ")
        self._boxes.append(node.mem_id)

    def _leave_block(self, node: LexborNode, tag: str) -> None:
        if tag in {"summary", "dt", "legend", "caption"} and "".join(self._inline).strip():
            self._inline = [f"**{''.join(self._inline).strip()}**"]
        self.flush()
        if tag in {"ul", "ol", "menu"} and self._lists:
            self._lists.pop()
        elif tag == "li":
            self._writer.leave()
        elif self._boxes and self._boxes[-1] == node.mem_id:
            self._boxes.pop()
            self._writer.leave()

    # ------------------------------------------------------------ tables

    def _enter_in_table(self, tag: str) -> None:
        if tag == "tr":
            self._inline = []
            self._tables[-1].append([])
        elif tag in {"td", "th"}:
            self._inline, self._opened = [], []
        elif tag in _BLOCKS or _HEADING.fullmatch(tag):
            self.flush()

    def _close_table(self) -> None:
        rows = [row for row in self._tables.pop() if any(row)]
        if self._tables:  # inside a cell of another table: only its words
            self._inline = [" ".join(" ".join(row) for row in rows), " "]
            return
        self._inline, self._opened = [], []
        if not rows:
            return
        if max(map(len, rows)) == 1:  # a table for the looks of it
            for row in rows:
                self._writer.text(row[0])
            return
        self._writer.block(table(rows))

    # ------------------------------------------------------------ inline

    def _close_mark(self, node: LexborNode, tag: str) -> None:
        if not self._opened:  # a block inside the mark has taken what was before
            return
        at = self._opened.pop()
        words = "".join(self._inline[at:])
        core = words.strip()
        if not core or self._code:
            return
        if tag == "a":
            marked = self._link(node, core)
        elif "\n" in core:
            return
        elif tag == "code":
            marked = f"`{core}`" if "`" not in core else core
        else:
            mark = "**" if tag in _STRONG else "*"
            marked = core if core.startswith(mark) else f"{mark}{core}{mark}"
        lead = len(words) - len(words.lstrip())
        self._inline[at:] = [words[:lead] and " ", marked, words[lead + len(core) :] and " "]

    def _link(self, node: LexborNode, words: str) -> str:
        address = (node.attributes.get("href") or "").strip()
        if not self._keep_links or not address or _ELSEWHERE.match(address) or "\n" in words or "[" in words:
            return words
        return f"[{words}]({address.replace(' ', '%20').replace('(', '%28').replace(')', '%29')})"

    def _picture(self, node: LexborNode) -> None:
        words = self.plain(_ANY_BLANK.sub(" ", node.attributes.get("alt") or "")).strip()
        address = (node.attributes.get("src") or "").strip()
        if self._keep_links and address and not _ELSEWHERE.match(address) and "]" not in words:
            self._inline.append(f"![{words}]({address.replace(' ', '%20').replace('(', '%28').replace(')', '%29')})")
        elif words:
            self._inline.append(words)
