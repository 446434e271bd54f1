"""Reads a quotation block: which lines of it are for the players' ears, which are the GM's, by its labels.

A box may change its voice: after ``**Read aloud:**`` may come ``**GM:**``. Each label, and each callout inside,
begins a part. Boxed text is what is said to be that, or what bears no label; in doubt a part is an aside.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fablewright.gm.reading.secrecy import has_spoiler, is_labelled_secret, is_marked_up_secret, is_secret_title

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Part", "Voice", "parts"]


class Voice(enum.Enum):
    """Whom a part of a box is for."""

    PLAYERS = "players"  # boxed text
    SPEAKER = "speaker"  # what somebody in the scene says
    ASIDE = "aside"  # a tip, a sidebar, a stat block


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a box.

    Attributes:
        voice: Whom it is for.
        secret: Whether it is for the GM only.
        source: Its Markdown without the ``>``, and without the label that only says what it is.
    """

    voice: Voice
    secret: bool
    source: str


@dataclass(frozen=True, slots=True)
class _State:
    """What the last label said, and how deep in ``>`` it stood."""

    depth: int
    voice: Voice | None
    secret: bool


_PREFIX = re.compile(r"[ \t]*+(?:>[ \t]?)*+")
_CALLOUT = re.compile(r"[ \t]*+\[!(?P<kind>[\w-]{1,40})\][+-]?[ \t]*(?P<title>[^\n]{0,200})")
_BOLD = re.compile(
    r"[ \t]*+(?:[-+*][ \t]+)?"
    r"(?:\*{2,3}|_{2,3})[ \t]*_?(?P<label>[^*\n]{1,60}?)_?(?:\*{2,3}|__)(?P<colon>[ \t]*[:—–])?[ \t]*"
)
_PLAIN = re.compile(r"[ \t]*+[_*(\[]?(?P<label>[A-Za-z][\w'’ -]{1,40}?)[_*)\]]?[ \t]*(?P<colon>[:—–])[ \t_*]*")
_READ_ALOUD = re.compile(r"\bread[ -]?aloud|boxed text|quote|narrati|descripti|\bread (?:this|to)\b", re.IGNORECASE)
_RULES_TALK = re.compile(
    r"\bDC \d|\b\d{1,9}d\d|\byou can (?:read|also)\b|\bstat block\b|\bhit points?\b|\bHP\b", re.IGNORECASE
)
_OPENS_SPEECH = re.compile(r"^[\"“‘„«]")


def parts(source: str) -> list[Part]:
    """Return the parts of a quotation block in order; each has words in it."""
    found: list[Part] = []
    hidden = ">!" in source and has_spoiler(source)  # there the ">" is no quotation
    for state, lines in _runs(source):
        text = "\n".join(lines).strip()
        if text:
            voice = state.voice or _voice_of(text)
            found.append(Part(voice, state.secret or hidden or has_spoiler(text), text))
    return found


def _runs(source: str) -> Iterator[tuple[_State, list[str]]]:
    """Yield the lines that share a label; leaving a nested quotation leaves its label behind."""
    states = [_State(0, None, secret=False)]
    run: list[str] = []
    for line in source.splitlines():
        prefix = _PREFIX.match(line)
        depth = prefix[0].count(">") if prefix else 0
        text = line[prefix.end() :] if prefix else line
        outer = states
        if depth and text.strip():  # a lazy line goes on with what was before it
            outer = [state for state in states if state.depth <= depth]
        label = _label(text, unlabelled=outer[-1].voice is None and not any(map(str.strip, run)))
        if label or outer != states:
            yield states[-1], run
            states, run = outer, []
        if label:
            said, text = label
            depth = depth or max(1, states[-1].depth)
            above = [state for state in states if state.depth < depth]
            states = [*above, replace(said, depth=depth, secret=said.secret or above[-1].secret)]
        run.append(text)
    yield states[-1], run


def _label(line: str, *, unlabelled: bool) -> tuple[_State, str] | None:
    """Return what a line says of itself and what follows, and its words besides a label for the GM's eyes only.

    Args:
        line: One line without ``>``.
        unlabelled: Whether it is the first of its box: there bold words at its beginning are a label without
            any colon.
    """
    callout = _CALLOUT.match(line)
    if callout:
        kind = f"{callout['kind']} {callout['title']}"
        return _said(kind, callout["kind"], callout["title"]), line[callout.end() :]
    bold = _BOLD.match(line)
    if bold:
        label = bold["label"]
        ends = bold["colon"] or label.rstrip().endswith((":", "—", "–", ".")) or bold.end() == len(line)
        if ends or unlabelled or is_secret_title(label) or _READ_ALOUD.search(label):
            return _labelled(label, line, bold.end())
        return None
    if is_labelled_secret(line) or is_marked_up_secret(line):
        return _State(0, Voice.ASIDE, secret=True), line
    return _plain_label(line)


def _plain_label(line: str) -> tuple[_State, str] | None:
    plain = _PLAIN.match(line)
    if plain is None or not (plain.end() == len(line) or _is_label(plain["label"])):
        return None
    if _OPENS_SPEECH.match(line[plain.end() :]) and not _READ_ALOUD.search(plain["label"]):
        return _State(0, Voice.SPEAKER, secret=False), line  # "Osric: “Who goes there?”"
    return _labelled(plain["label"], line, plain.end())


def _labelled(label: str, line: str, end: int) -> tuple[_State, str]:
    said = _said(label, label)
    return said, line[end:] if said.voice is Voice.PLAYERS else line


def _said(words: str, *titles: str) -> _State:
    secret = any(map(is_secret_title, titles))
    aloud = not secret and _READ_ALOUD.search(words)
    return _State(0, Voice.PLAYERS if aloud else Voice.ASIDE, secret=secret)


def _is_label(words: str) -> bool:
    """Return whether words before a colon name what follows: "Read aloud", "Tip", "Area Aspects"; no prose."""
    if _READ_ALOUD.search(words):
        return True
    named = words.split()
    return len(named) <= 2 and all(word[0].isupper() for word in named)


def _voice_of(text: str) -> Voice:
    if _RULES_TALK.search(text):
        return Voice.ASIDE
    return Voice.SPEAKER if _OPENS_SPEECH.match(text) else Voice.PLAYERS
