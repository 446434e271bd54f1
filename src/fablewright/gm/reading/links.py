"""What a note is called and what it points to: the nodes and edges of the web that a GM's notes are.

Read are wikilinks and embeds (``[[Page#Heading|words]]``, ``![[Page]]``) and Markdown links and pictures whose
address is a file beside the note. Nothing is resolved here: which file a name means is known to whoever has all
notes in view. Code and comments hold no links. Time is linear in the length of the note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fablewright.gm.reading.front_matter import front_matter
from fablewright.gm.reading.markdown_blocks import Block, blocks
from fablewright.gm.reading.searchable import searchable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Link", "NoteLinks", "links_of"]


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a note that points elsewhere.

    Attributes:
        target: A page's name or a relative path, percent-decoded, as written; empty: this same note.
        heading: What stands behind the ``#``, percent-decoded: a heading, or ``^id`` of a block; may be empty.
        start: First character of the link in the decoded note.
        end: One past its last character.
        embed: Whether the target is shown in place (``![[…]]``, ``![…](…)``).
    """

    target: str
    heading: str
    start: int
    end: int
    embed: bool


@dataclass(frozen=True, slots=True)
class NoteLinks:
    """What a note is called and what it points to.

    Attributes:
        titles: The file's name without folder and ending, the title in the front matter, all headings in order;
            without Markdown marks, each once.
        aliases: Other names of the whole note, from ``aliases`` or ``alias`` in the front matter.
        targets: The links in the order of the text.
    """

    titles: tuple[str, ...]
    aliases: tuple[str, ...]
    targets: tuple[Link, ...]


_CODE = r"(?<!`)(?P<ticks>`{1,3}+)[^`\n]++(?P=ticks)(?!`)"
_WIKILINK = r"(?P<shown>!?)\[\[(?P<page>[^\[\]\n]++)\]\]"
_TEXT = r"\[(?:[^\[\]\n]|\[[^\[\]\n]*+\])*+\]"
_ADDRESS = r"(?:<(?P<quoted>[^<>\n]*+)>|(?P<bare>(?:[^\s()<>]|\([^\s()<>]*+\))++))"
_TITLE = r"""(?:[ \t]++(?:"[^"\n]*+"|'[^'\n]*+'))?"""
_INLINE = rf"(?P<picture>!?){_TEXT}\([ \t]*+{_ADDRESS}{_TITLE}[ \t]*+\)"
_ANY = re.compile(rf"{_CODE}|(?<!\\)(?:{_WIKILINK}|{_INLINE})")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:|//|\\\\")
"""An address with a scheme, or of another machine: no note of ours."""
_ALIASES = ("aliases", "alias")
_HOLD_NO_LINKS = frozenset(("fence", "comment", "raw"))


def links_of(text: str, name: str) -> NoteLinks:
    """Return what a note is called and what it points to.

    Args:
        text: The decoded note; Markdown, or what a document was converted to.
        name: Its path inside the notes, with ``/``.
    """
    found = blocks(text)
    known = front_matter(text)
    titles = [_stem(name), *known.get("title", ())]
    titles += [searchable(block.title) for block in found if block.kind == "heading"]
    aliases = [alias for key in _ALIASES for alias in known.get(key, ())]
    targets = [link for start, end in _readable(text, found) for link in _links(text, start, end)]
    return NoteLinks(_once(titles), _once(aliases), tuple(targets))


def _readable(text: str, found: Iterable[Block]) -> Iterator[tuple[int, int]]:
    """Yield the stretches in which a link is one: no code, no comments."""
    for block in found:
        if block.kind in _HOLD_NO_LINKS:
            continue
        at = block.start
        while at < block.end:
            opened = text.find("<!--", at, block.end)
            closed = text.find("-->", opened + 2, block.end) if opened >= 0 else -1
            if closed < 0:
                break
            yield at, opened
            at = closed + 3
        yield at, block.end


def _links(text: str, start: int, end: int) -> Iterator[Link]:
    for match in _ANY.finditer(text, start, end):
        if match["page"] is not None:
            # Inside a table the bar before the words is escaped.
            page = match["page"].partition("|")[0].removesuffix("\\")
            target, _, heading = page.partition("#")
            yield Link(target.strip(), heading.strip(), match.start(), match.end(), embed=bool(match["shown"]))
        elif match["ticks"] is None:
            address = match["bare"] or match["quoted"] or ""
            if address and not _ELSEWHERE.match(address):
                target, _, heading = address.partition("#")
                embed = bool(match["picture"])
                yield Link(unquote(target), unquote(heading), match.start(), match.end(), embed=embed)


def _stem(name: str) -> str:
    file = name.rpartition("/")[2]
    return file.rpartition(".")[0] or file


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
