"""What a reader sees of a Markdown passage: the words, without the marks around them.

Used for searching and never for quoting: a quotation is the exact slice of the file. Every pattern here is
linear in the length of its input (possessive quantifiers, no ambiguous repetition), because notes are
whatever somebody put into a folder.
"""

from __future__ import annotations

import html
import re

__all__ = ["searchable"]

_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*+)[^<>]*+>|<![A-Za-z\[][^<>]*+>|<\?[^<>]*+>")
_AUTOLINK = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*+:[^\s<>]*+>|<[^\s<>@]++@[^\s<>@]++>")
_INLINE_TAGS = frozenset(
    re.findall(
        r"\w+",
        "a abbr b bdi bdo big cite code data dfn em font i ins kbd mark q s samp small span strong sub sup u",
    )
)
_FENCE_LINE = re.compile(r"\n[ \t>]*+(?:`{3,}+|~{3,}+)[^\n`]*+(?=\n|\Z)")
_DEFINITION = re.compile(r"\n {0,3}\[[^\[\]\n]++\]:[ \t]*+\S++[^\n]*+")
_LINK = re.compile(r"!?\[([^\[\]\n]*+)\](?:\((?:[^()\n]|\([^()\n]*+\))*+\)|\[[^\[\]\n]*+\])")
_WIKILINK = re.compile(r"!?\[\[([^\[\]\n]*+)\]\]")
_CALLOUT = re.compile(r"\[![\w-]++\][+-]?")
_RULE_LINE = re.compile(r"\n[ \t>]*+[|:=*_+ \t-]++(?=\n|\Z)")
_LINE_MARKS = re.compile(r"\n[ \t>]*+(?:#{1,6}(?=[ \t\n]|\Z)|(?:[-+*]|\d{1,9}[.)])[ \t]++(?:\[[ xX]\][ \t])?)?")
_CLOSING_HASHES = re.compile(r"#(?<=[ \t]#)#*+[ \t]*+(?=\n|\Z)")
_STARS = re.compile(r"\*(?<!\\\*)(?:(?<!\d\*)\**+|(?<=\d\*)(?:\*++|(?!\d)))|~~(?<!\\~~)|==(?<!\\==)|`(?<!\\`)`*+")
_UNDERSCORES = re.compile(r"_(?:(?<!\\_)(?<![^\W_]_)_*+|_*+(?![^\W_]))")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def searchable(passage: str) -> str:
    """Return the words of a Markdown passage on one line.

    Comments, tags, Markdown marks and link targets are gone, the text inside tags and links stays, entities
    are decoded. A wikilink ``[[Page|words]]`` keeps both: in notes the page's name is a name, not an address.
    """
    # Each pattern is tried only where a sign of it stands: most texts have few, and one look for a sign takes a
    # hundredth of the time. Lines begin with the line end before them, by which a pattern finds them at once.
    text = "\n" + _without_comments(passage.replace("\r\n", "\n").replace("\r", "\n"))
    if "<" in text:
        text = _TAG.sub(_in_place_of_tag, _AUTOLINK.sub(" ", text))
    if "```" in text or "~~~" in text:
        text = _FENCE_LINE.sub("\n", text)
    if "[" in text:
        text = _DEFINITION.sub("\n", text) if "]:" in text else text
        text = _WIKILINK.sub(lambda match: re.sub(r"[|#^]++", " ", match[1]), text) if "[[" in text else text
        if "](" in text or "][" in text:
            text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))  # twice: a picture inside a link
    text = _LINE_MARKS.sub("\n ", _RULE_LINE.sub("\n", text))
    if "[!" in text:
        text = _CALLOUT.sub(" ", text)
    if "#" in text:
        text = _CLOSING_HASHES.sub(" ", text)
    text = _STARS.sub("", text)
    if "_" in text:
        text = _UNDERSCORES.sub("", text)
    text = text.replace("|", " ")
    if "\\" in text:
        text = _ESCAPE.sub(r"\1", text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return " ".join(text.split())


def _without_comments(text: str) -> str:
    """Drop ``<!-- … -->``; one that is never closed is ordinary text, as in :mod:`.markdown_blocks`."""
    kept: list[str] = []
    at = 0
    while True:
        opened = text.find("<!--", at)
        closed = text.find("-->", opened + 2) if opened >= 0 else -1
        if closed < 0:
            kept.append(text[at:])
            return "".join(kept)
        kept.append(text[at:opened])
        at = closed + 3


def _in_place_of_tag(match: re.Match[str]) -> str:
    """Words on both sides of ``</td>`` are two words, those around ``<b>`` may be one."""
    return "" if match[2] and match[2].lower() in _INLINE_TAGS else " "
