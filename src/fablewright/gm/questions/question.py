"""Answers a question with the sentences of the notes that speak of it, or says that the notes do not say.

No sentence is written here: an answer is quoted or it is not given. A sentence answers when

* the passage, with the headings above it, has every name of the question, and the sentence or its heading a
  part of one: people write "Long John" for Long John Silver;
* every telling word, or another for the same ("slain" for "killed"), stands in it, beside it or in its heading;
* it has in it what is asked for: a price, a number, a time, for "who" somebody who is not in the question.

Of those the ones with most of the question in themselves are given, three at most. "Who is Nell?" and
"What does Grappled do?" are answered by the beginning of the note of that title.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.questions.asked import Asked, asked_in, has_kind, plain_words, stems, stems_of
from fablewright.gm.questions.subject import names_somebody
from fablewright.gm.questions.topic import asks_for_all, is_lead
from fablewright.gm.reading.kept import kept
from fablewright.gm.reading.sentences import sentences
from fablewright.gm.reading.statements import Role, columns_of, plain, statements
from fablewright.gm.scene.note_kind import file_title
from fablewright.gm.scene.scenario import Line, Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fablewright.gm.reading.notes import Passage

__all__ = ["answer_question", "question_terms"]

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)?")
_CAPITAL = re.compile(r"\b[^\W\d_a-z][\w'’]*")
_OWN = frozenset(stems("own belong"))
_HAS = re.compile(r"\b(?:my|his|her|their|our|has|had|have|carries|keeps|with)\b|[’']s\b", re.IGNORECASE)
_SAYS_PRICE = re.compile(r"\b(?:values?|worth|costs?|prices?|sells?)\b", re.IGNORECASE)
_ASIDE = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")
_FEW_TERMS = 4
"""Up to so many terms each must be found; of more, 60 % are enough."""
_NEAR = 0.6
_MOST_LINES = 3
_MOST_WORDS = 75
_AS_GOOD = 0.75
"""How much less than the best a sentence may weigh."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A sentence, or a heading, that may answer."""

    text: str
    passage: Passage
    at: int
    title: str
    around: str
    secret: bool
    above: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Ranked:
    weight: float
    candidate: _Candidate


def question_terms(question: str) -> frozenset[str]:
    """Return the words that carry a question, reduced to a stem that plural and tense share."""
    return asked_in(question).all_terms


def answer_question(question: str, passages: Sequence[Passage]) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Return the sentences that answer, best first, and the passages that they stand in.

    Both are empty when the notes do not say.
    """
    asked = asked_in(question)
    if not asked.all_terms:
        return (), ()
    chosen = _of_that_title(asked, passages) or _best(asked, passages)
    if asks_for_all(question):  # then it is read from the top
        ranks = {c.passage: rank for rank, c in enumerate(reversed(chosen))}
        chosen.sort(key=lambda c: (-ranks[c.passage], c.at))
    cited = list(dict.fromkeys(candidate.passage for candidate in chosen))
    lines = [Line(c.text, Origin.QUOTED, (cited.index(c.passage),), c.secret) for c in chosen]
    return tuple(lines), tuple(cited)


def _of_that_title(asked: Asked, passages: Sequence[Passage]) -> list[_Candidate]:
    """Return the beginning of the note that has just the words of the question for its title."""
    if asked.kind not in ("who", "thing"):
        return []
    wanted = asked.all_terms
    titled = [p for p in passages if _about(p) and wanted <= stems(_about(p))]
    if not titled:
        return []

    def fit(passage: Passage) -> tuple[int, int]:
        title = _about(passage)
        same = len(asked.words & frozenset(word.lower() for word in _WORD.findall(title)))
        return -same, len(stems(title) - wanted)

    first = min(titled, key=lambda p: (*fit(p), p.start))
    return _within(c for c in _candidates(first) if c.text != c.title and c.title == _title(first))


def _best(asked: Asked, passages: Sequence[Passage]) -> list[_Candidate]:
    ranked: list[_Ranked] = []
    words = {p: _words_of(p) for p in passages}
    files: dict[str, frozenset[str]] = {}
    for passage, whole in words.items():
        files[passage.file] = files.get(passage.file, frozenset()) | whole
    for passage, whole in words.items():
        # A chapter gives a name in full once, and then a part of it.
        named = all(name & whole and name <= files[passage.file] for name in asked.names)
        if named and _enough(asked, whole):
            ranked += [_Ranked(w, c) for c in _candidates(passage) if (w := _weight(asked, c)) > 0]
    ranked.sort(key=lambda each: -each.weight)  # stable: of equal ones the better passage, the earlier sentence
    least = ranked[0].weight - _AS_GOOD if ranked else 0.0
    texts: dict[str, _Candidate] = {}
    for each in ranked:
        if each.weight >= least:
            texts.setdefault(each.candidate.text, each.candidate)
    return _within(iter(texts.values()))


@kept
def _words_of(passage: Passage) -> frozenset[str]:
    return stems_of(" ".join((*passage.heading, passage.file, columns_of(passage), plain(passage))))


def _within(candidates: Iterator[_Candidate]) -> list[_Candidate]:
    """Return as many candidates as a GM reads at a glance."""
    kept: list[_Candidate] = []
    words = 0
    for candidate in candidates:
        words += len(candidate.text.split())
        if kept and (words > _MOST_WORDS or len(kept) >= _MOST_LINES):
            break
        kept.append(candidate)
    return kept


def _enough(asked: Asked, there: frozenset[str]) -> bool:
    found = sum(_speaks(asked, term, there) for term in asked.terms)
    return found == len(asked.terms) if len(asked.terms) <= _FEW_TERMS else found >= _NEAR * len(asked.terms)


def _speaks(asked: Asked, term: str, there: frozenset[str], text: str = "") -> bool:
    if not asked.terms[term].isdisjoint(there):
        return True
    return asked.kind == "whether" and term in _OWN and (not text or _HAS.search(text) is not None)


def _weight(asked: Asked, candidate: _Candidate) -> float:
    """Weigh a candidate; 0 when it is no answer."""
    own, title = stems(candidate.text), stems(f"{candidate.title} {candidate.above}")
    # Who did it stands in the sentence that says so; other things may be said in two.
    near = frozenset[str]() if asked.kind in ("who", "name") else stems(candidate.around)
    right = has_kind(asked, f"{candidate.text} {candidate.above}")
    # Times and places are said in too many ways to know them all: "opens at low tide".
    right = right or (asked.kind in ("when", "where") and _says_all(asked, own))
    if not right or not _enough(asked, own | title | near | stems(candidate.label)):
        return 0.0
    names = _weight_of_names(asked, candidate, title, near)
    terms = _weight_of_terms(asked, candidate, own, title)
    if names is None or terms is None:
        return 0.0
    if asked.kind in ("who", "name") and not names_somebody(asked, candidate.text, candidate.title):
        return 0.0
    weight = names + terms + 0.15 * len(asked.weak & own)
    if candidate.label and (label := stems(candidate.label)) and label <= asked.all_terms:
        weight += 1.0  # what stands behind "Shove." is about shoving
    if asked.kind == "price" and _SAYS_PRICE.search(candidate.text):
        weight += 0.2  # and not what it takes to make it
    if stems(_ASIDE.sub("", candidate.title)) <= asked.all_terms:
        weight += 1.0  # the note on that very thing
    return max(0.01, weight - 0.005 * len(candidate.text.split()))


def _says_all(asked: Asked, own: frozenset[str]) -> bool:
    return all(name & own for name in asked.names) and all(_speaks(asked, term, own) for term in asked.terms)


def _weight_of_names(asked: Asked, candidate: _Candidate, title: frozenset[str], near: frozenset[str]) -> float | None:
    """Weigh where the names stand; None when one is nowhere near."""
    capitals = _capitals(candidate.text)
    weight = 0.0
    for name in asked.names:
        if name & capitals:
            weight += 0.6 + 0.4 * len(name & capitals) / len(name)
        elif name & title:
            weight += 0.8
        elif name & near:
            weight += 0.3
        else:
            return None
    return weight


def _weight_of_terms(asked: Asked, candidate: _Candidate, own: frozenset[str], title: frozenset[str]) -> float | None:
    """Weigh which of the telling words the sentence says itself; None when it says none of them."""
    weight = 0.0
    label = stems(candidate.label)
    inside = bool(candidate.above) and any(name & _capitals(candidate.text) for name in asked.names)
    for term in asked.terms:
        if _speaks(asked, term, own, candidate.text):
            inside = True
            weight += 1.0 if term in own else 0.8
        elif label and _speaks(asked, term, label):
            inside = True
            weight += 0.8
        else:
            weight += 0.7 if _speaks(asked, term, title) else 0.2
    of_this = asked.kind in ("price", "number", "age", "when", "where") and title & asked.all_terms
    return weight if inside or of_this or not asked.terms else None


def _capitals(text: str) -> frozenset[str]:
    return stems(" ".join(_CAPITAL.findall(text)))  # Billy Bones is no heap of bones


def _candidates(passage: Passage) -> Iterator[_Candidate]:
    """Yield the sentences of a passage, and a heading of it that says a number itself: "Rope (1 GP)"."""
    found = [
        (s, text) for s in statements([passage]) for text in (sentences(s.text) if s.role is Role.SPEECH else [s.text])
    ]
    title = _title(passage)
    if re.search(r"\d", title):
        yield _Candidate(title, passage, -1, title, "", secret=any(s.secret for s, _ in found), above="")
    heads: dict[tuple[str, ...], str] = {}  # the first row of a table says what stands below it
    columns = columns_of(passage)
    for s, text in found:
        if s.role is Role.ROW and s.heading not in heads:
            heads[s.heading], columns = columns or text, ""
    label, block = "", -1
    for at, (s, text) in enumerate(found):
        row = s.role is Role.ROW
        if s.block != block:
            label, block = text if is_lead(text) and not row else "", s.block
        near = [] if row else [other for n, other in found[max(0, at - 1) : at + 2] if n.heading == s.heading]
        yield _Candidate(
            text,
            passage,
            at,
            title=s.heading[-1] if s.heading else file_title(passage.file),
            around=" ".join(near),
            secret=s.secret,
            above=heads[s.heading] if row and heads[s.heading] != text else "",
            label=label if label != text else "",
        )


def _title(passage: Passage) -> str:
    return passage.heading[-1] if passage.heading else file_title(passage.file)


def _about(passage: Passage) -> str:
    """Return the title without what stands behind it in brackets: "Grappled [Condition]"."""
    return plain_words(_title(passage))
