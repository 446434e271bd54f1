"""The marks by which a note says that something is for the GM only.

One table of marks serves headings, file names, callouts, labels, summaries, tags and front matter. A mark that
is taken for one too often costs a line marked "GM only"; one that is missed is read to the players. So in doubt
it is a mark, except where "secret" only describes a thing in the world: a secret door is no secret.

A passage is judged by itself. Whoever cuts files into passages (``indexing``) carries front matter and an open
``<details>`` on, by a heading that says so; a box that is cut in two is seen in the passage that it begins in only.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = [
    "has_spoiler",
    "hidden_spans",
    "is_bare_mark",
    "is_labelled_secret",
    "is_marked_up_secret",
    "is_secret_front_matter",
    "is_secret_title",
    "is_spoiler_row",
    "marks_sentence",
    "without_mark",
]

# The table is matched against words in small letters with single spaces between them, see _normal. All of it
# is linear: nothing repeats without a bound.
_GM = r"(?:gm|dm|game ?master|dungeon ?master|referee|storyteller|conductor)(?: ?s)?"
_WHO = rf"(?:{_GM}|(?:master|keeper|narrator)(?: ?s)?)"
_MARKS = (
    rf"{_WHO} ?(?:only|eyes(?: only)?|notes?|secrets?|info(?:rmation)?|knowledge|background|material|section)",
    rf"(?:for|to) (?:the |your )?{_GM}(?: only| s? ?eyes(?: only)?)?",
    r"(?:notes?|only) (?:for|to) (?:the )?(?:keeper|narrator)s?",
    r"eyes only",
    r"(?<!of )secrets",
    r"secret(?: s)?(?= (?:of|about|to|and|or|for|behind)\b)",
    r"(?:top )?secret(?: s)?$",
    r"secret (?:notes?|info(?:rmation)?|knowledge|truths?|history|lore|agendas?|plans?|motives?|background|backstory)",
    r"spoilers?",
    r"behind the (?:scenes?|curtain|screen)",
    r"hidden (?:truths?|info(?:rmation)?|knowledge|agendas?|history|motives?|background|backstory|identity)",
    r"(?:whole|real|true) (?:truth|story|identity|nature|motives?)",
    r"(?:the )?truth$",
    r"what(?: s| is| was)? (?:really|actually|truly)",
    r"(?:not|hidden|hide|keep) (?:for|from) (?:the |your )?(?:players?|party|pcs?|characters?)",
    r"unknown to (?:the |your )?(?:players?|party|pcs?|characters?)",
    r"players (?:must|should|may|can|do|don)(?: ?not| t) (?:know|see|read|hear)",
    r"(?:do not|don t|never|not) (?:be )?read(?: this)?(?: out| aloud)?",
    r"(?:do not|don t|never) (?:tell|reveal|show)(?: (?:this|it))?(?: to)? (?:the |your )?(?:players?|party|pcs?)",
    r"(?:do not|don t|never) reveal",
    r"(?:plot |the )?(?:twist|reveal|revelation)$",
    # German, French, Spanish, Italian, Portuguese, Polish, Russian, Chinese and Japanese, as far as one word says it.
    r"(?:streng )?geheim(?:nis(?:se)?)?$",
    r"nur f(?:ü|ue)r (?:den |die )?(?:sl|spielleit\w*)|(?:sl|spielleiter) (?:info|wissen|notiz)\w*",
    r"(?:réservé au|pour le|seulement le) (?:mj|meneur)|notes? (?:du|de) (?:mj|meneur)",
    r"secretos?$|segret[oi]$|segredos?$|sekret$|tajemnica$|секрет\w*$|тайна$|秘密$|機密$",
    r"(?:solo|só|apenas) (?:para |per )?(?:el |il |o )?(?:dm|gm|máster|master|director|mestre|narratore)",
)
_ANY_MARK = re.compile(rf"\b(?:{'|'.join(_MARKS)})\b")
_ALONE = re.compile(rf"(?:the )?(?:{_GM}|keeper|narrator|hidden|private|confidential|sl|mj|{'|'.join(_MARKS)})")
"""What is a mark when nothing else is said: "GM" is one as a title, and none in "Ask the GM"."""
_SIGNS = tuple(
    """
    gm dm master referee storyteller conductor keeper narrator eyes secret spoiler behind hidden private confidential
    truth story identity nature motive really actually truly player party pc character read
    reveal revelation twist geheim nur sl spielleit mj meneur segre sekret tajemnica секрет тайна 秘密 機密 máster
    director mestre
    """.split()
)
"""Each mark of the two has one of these in it. To look for them takes a tenth of the time, and most texts have none."""

_ONLY_SAYS_SO = re.compile(rf"(?:{_GM}|secret)(?: (?:only|eyes only|notes?|info))?")

_IN_PROSE = re.compile(
    r"\bSECRETS?\b|\b(?i:GM|DM|keeper|referee|storyteller|master)(?:['’]?s['’]?)?[ -](?i:only|eyes)\b|"
    r"(?<!\w)#(?i:gm|dm|secret|spoiler)s?(?:[-_/](?i:only|notes?))?\b|"
    r"[(\[{]\W{0,3}(?i:GM|DM|keeper|referee|secret|spoiler)s?(?:\s(?i:notes?|only|info))?\W{0,3}[:—–)\]}]|"
    r"\b(?i:(?:unknown|unbeknown(?:st)?) to the (?:players|party|characters)|not for (?:the )?players)\b|"
    r"\b(?i:(?:players|party|characters|pcs) "
    r"(?:do(?:es)?(?: not|n['’]t)(?: yet)?|must (?:not|never)|should(?: not|n['’]t)) "
    r"(?:know|learn|find out|realise|realize|suspect))\b|\b(?i:only (?:the )?(?:GM|DM|keeper|referee) knows)\b|"
    r"(?:^|[.!?]\s)\W{0,3}(?:Secretly|In truth|In reality)\b|\b(?:is|are|was|were) secretly\b|"
    r"[(\[][^()\[\]]{0,200}\b(?i:secretly|in secret|actually)\b"
)
_SIGNS_IN_PROSE = (
    *"secret gm dm keeper referee storyteller master spoiler unknown unbeknown actually".split(),
    *"player party character pcs".split(),
    "not for ",
    "in truth",
    "in reality",
)
"""Likewise."""
_LABEL = re.compile(r"\W{0,8}+(?P<label>[^\n:\uff1a—–()\[\]]{1,60}?)\s?(?:[:\uff1a—–)\]]|\s-\s)")
_MARKED_UP = re.compile(r"[\s>+\d.*_=`~-]{0,12}+(?<=[*_=`~])(?P<label>[^*_=`~\n]{1,60}+)[*_=`~]")
_ADMONITION = (":::", "!!!", "???")
_FIRST_WORDS = re.compile(r"\W{0,8}+(?P<label>[^\n.!]{1,60})[.!]")
_LONGEST = 60
"""Characters of a label or of a line that is nothing but a mark."""
_MOST_WORDS = 7
"""A label is short: "The secret of the old mill:", not half a sentence with a colon behind it."""

_KEY = re.compile(r"^[ \t]{0,8}(?P<key>[\w -]{1,40}?)[ \t]{0,8}:(?P<value>[^\n]{0,500})", re.MULTILINE)
_LIST_VALUE = re.compile(r"[ \t]{0,8}-[ \t]{1,8}(?P<value>[^\n]{0,200})")
_SAYS_WHO_MAY_SEE = re.compile(
    r"(?:tag|keyword|categor(?:y|ie)|type|kind|status|visibilit(?:y|ie)|visible to|audience|access|scope|for|"
    r"(?:css)? ?class(?:e)?|permission)s?"
)
_YES = frozenset(("true", "yes", "on", "1", "y"))
_NO = frozenset(("false", "no", "off", "0", "n"))
_PLAYERS_SEE = re.compile(
    r"(?:for )?players?(?: (?:visible|safe|facing|can see))?|(?:visible to|shown to) players|public"
)

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*+)(?P<attributes>[^<>]*+)>")
_SUMMARY = re.compile(r"<summary\b[^<>]{0,500}>(?P<title>[^<]{0,200}(?:<(?!/summary)[^<]{0,200}){0,8})", re.IGNORECASE)
_HIDES = re.compile(
    r"(?<![\w-])hidden(?![\w-])|display\s{0,8}:\s{0,8}none|visibility\s{0,8}:\s{0,8}hidden", re.IGNORECASE
)
_CLASS = re.compile(r"\b(?:class|id|data-[\w-]{1,30})\s{0,8}=\s{0,8}[\"']?(?P<names>[\w -]{1,200})", re.IGNORECASE)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_SPOILER = re.compile(r"\|\|[^|]++\|\|")


@lru_cache(maxsize=4096)  # a heading stands above many passages, and tags are few
def is_secret_title(title: str) -> bool:
    """Return whether a heading, file name, callout title or bold label says that what follows is for the GM."""
    if not _has_sign(title):
        return False
    words = _normal(title)
    return bool(_ANY_MARK.search(words) or _ALONE.fullmatch(words))


def is_marked_up_secret(source: str) -> bool:
    """Return whether Markdown begins with a mark set apart by its form: ``==GM== …``, or a first line that is one."""
    first = source[: 2 * _LONGEST].strip().partition("\n")[0]
    if not _has_sign(first):
        return False
    label = _MARKED_UP.match(first)
    if label and is_secret_title(label["label"]):
        return True
    return is_secret_title(first) if first.startswith(_ADMONITION) else bool(_ALONE.fullmatch(_normal(first)))


def is_labelled_secret(paragraph: str) -> bool:
    """Return whether a paragraph without markup begins with a mark: ``Secret: …``, ``(GM eyes only) …``."""
    head = paragraph[: 2 * _LONGEST]
    if not _has_sign(head):
        return False
    label = _LABEL.match(head)
    if label and len(label["label"].split()) <= _MOST_WORDS and is_secret_title(label["label"]):
        return True
    first = _FIRST_WORDS.match(head)
    return bool(first and _ALONE.fullmatch(_normal(first["label"])))


def without_mark(sentence: str) -> str:
    """Return a secret sentence without the mark that it begins with, which whoever shows it puts there anyway."""
    label = _LABEL.match(sentence[: 2 * _LONGEST])
    rest = sentence[label.end() :].lstrip(" \t*_=~") if label else ""
    return rest if label and rest and _ONLY_SAYS_SO.fullmatch(_normal(label["label"])) else sentence


def is_bare_mark(paragraph: str) -> bool:
    """Return whether a paragraph without markup is a mark and nothing else, so that it speaks of the next one."""
    if len(paragraph) > _LONGEST or not _has_sign(paragraph):
        return False
    return bool(_ALONE.fullmatch(_normal(paragraph))) or (paragraph.endswith(":") and is_secret_title(paragraph))


def marks_sentence(sentence: str) -> bool:
    """Return whether a mark stands in running text: "She is dead: SECRET.", "… (GM only)"."""
    lower = sentence.casefold()
    return any(map(lower.__contains__, _SIGNS_IN_PROSE)) and bool(_IN_PROSE.search(sentence))


def has_spoiler(source: str) -> bool:
    """Return whether Markdown hides something between ``||`` and ``||``, or ``>!`` and ``!<``."""
    opened = source.find(">!")
    return ("||" in source and bool(_SPOILER.search(source))) or (opened >= 0 and source.find("!<", opened) >= 0)


def is_spoiler_row(source: str) -> bool:
    """Return whether what looks like a row of a table is one spoiler: ``||…||``."""
    return bool(_SPOILER.fullmatch(source.strip()))


def is_secret_front_matter(source: str) -> bool:
    """Return whether YAML front matter says that the file is for the GM: ``tags: [gm-only]``, ``gm: true``."""
    names_viewers = False
    for line in source[:20_000].splitlines():
        item = _LIST_VALUE.match(line)
        pair = None if item else _KEY.match(line)
        if pair:
            key, value = _normal(pair["key"]), _normal(pair["value"].split(" #")[0])
            if (value in _YES and is_secret_title(key)) or (value in _NO and _PLAYERS_SEE.fullmatch(key)):
                return True
            names_viewers = bool(_SAYS_WHO_MAY_SEE.fullmatch(key))
        if names_viewers and (found := item or pair):
            values = (*found["value"].split(","), *re.split(r"[,\s]", found["value"]))  # with and without commas
            if any(map(is_secret_title, values)):
                return True
    return False


def hidden_spans(text: str) -> list[tuple[int, int]]:
    """Return the stretches inside elements that are hidden, or folded under a summary such as "DM".

    One that is never closed runs to the end of the text.
    """
    spans: list[tuple[int, int]] = []
    if "<" not in text:
        return spans
    start, name, depth = 0, "", 0
    for tag in _TAG.finditer(text):
        found = tag["name"].lower()
        if depth:
            if found == name and not tag["attributes"].endswith("/"):
                depth += -1 if tag["close"] else 1
                if not depth:
                    spans.append((start, tag.end()))
        elif not tag["close"] and found not in _VOID and _hides(tag, found, text):
            start, name, depth = tag.start(), found, 1
    return [*spans, (start, len(text))] if depth else spans


def _hides(tag: re.Match[str], name: str, text: str) -> bool:
    attributes = tag["attributes"][:2000]
    if _HIDES.search(attributes) or is_secret_title(name):
        return True
    named = _CLASS.search(attributes)
    if named and any(map(is_secret_title, named["names"].split())):
        return True
    summary = _SUMMARY.search(text, tag.end(), tag.end() + 1000) if name == "details" else None
    return bool(summary and is_secret_title(re.sub(r"<[^<>]{0,500}>", " ", summary["title"])))


def _has_sign(text: str) -> bool:
    lower = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
    return any(map(lower.__contains__, _SIGNS))


def _normal(title: str) -> str:
    """Return words in small letters with single spaces between: what stands around them does not matter."""
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", title).lower()))
