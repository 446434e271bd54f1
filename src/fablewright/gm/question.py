"""Answers a question with the sentences of the notes that speak of it, or says that the notes do not say.

No sentence is written here: an answer is quoted or it is not given. Whether the notes say anything at all is
judged by the words that carry the question, names and things: when one of a few is nowhere near the others,
the passage is about something else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.scenario import Line, Origin
from fablewright.gm.statements import readable, statements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fablewright.gm.notes import Passage
    from fablewright.gm.statements import Statement

__all__ = ["answer_question", "question_terms"]

_WORD = re.compile(r"[^\W_]+(?:[’'][^\W_]+)?")
_FUNCTION_WORDS = frozenset(
    """
    a an the of in on at to for from by with about into over under and or but not no is are was were be been being
    am do does did done has have had having can could may might will would shall should must i me my we us our you
    your he him his she her it its they them their this that these those there here who whom whose what when where
    why which how if then than so as any some all each every one ones much many more most someone somebody
    something anyone anything now really please exactly actually
    """.split()
)
_WEAK_WORDS = frozenset(
    """
    name names named called call tell know known get gets got go goes going out up down need needs want wants mean
    means happen happens work works worked own owns run runs say says said give gives day days time use uses make
    makes take takes come comes find look looks like keep keeps long far often worth cost costs party characters
    players notes
    """.split()
)
"""They ask for something and seldom stand in the answer: "who runs it" is answered by a manager."""
_FEW_TERMS = 4
"""Up to so many terms each must be found; of more, 60 % are enough."""
_MOST_LINES = 6
_MOST_OF_ONE = 3
"""Sentences of one passage."""
_NEAR = 0.6


def question_terms(question: str) -> frozenset[str]:
    """Return the words that carry a question, reduced to a stem that plural and tense share."""
    words = [word.lower().replace("’", "'").removesuffix("'s") for word in _WORD.findall(question)]
    telling = [word for word in words if word not in _FUNCTION_WORDS and len(word) > 1]
    strong = [word for word in telling if word not in _WEAK_WORDS]
    return frozenset(_stem(word) for word in strong or telling)


def answer_question(question: str, passages: Sequence[Passage]) -> tuple[tuple[Line, ...], tuple[Passage, ...]]:
    """Return the sentences that answer, best passage first, and the passages that they stand in.

    Both are empty when the notes do not say.
    """
    terms = question_terms(question)
    telling = sorted((p for p in passages if _covers(terms, p)), key=lambda p: -_named(question, p))
    lines: list[Line] = []
    cited: list[Passage] = []
    for passage in telling:
        best = _best_sentences(question, passage)[: _MOST_LINES - len(lines)]
        if best:
            cited.append(passage)
            lines += [Line(s.text, Origin.QUOTED, (len(cited) - 1,), s.secret) for s in best]
        if len(lines) >= _MOST_LINES:
            break
    return tuple(lines), tuple(cited)


def _named(question: str, passage: Passage) -> int:
    """Count the words of the question, in this very form, that the passage has for its title."""
    return len((_words_of(question) - _FUNCTION_WORDS) & _words_of(" ".join(passage.heading[-1:])))


def _covers(terms: frozenset[str], passage: Passage) -> bool:
    if not terms:
        return False
    there = _stems(" ".join((*passage.heading, passage.file, readable(passage.text))))
    found = len(terms & there)
    return found == len(terms) if len(terms) <= _FEW_TERMS else found >= _NEAR * len(terms)


def _best_sentences(question: str, passage: Passage) -> list[Statement]:
    """Return the sentences that share most words with the question, in the order of the text.

    Here the question's verbs count too, and a word counts that begins like one of it: "owns", "owner".
    """
    found = statements([passage])
    if _words_of(question) - _FUNCTION_WORDS <= _words_of(" ".join(passage.heading[-1:])):
        return found[: _MOST_OF_ONE + 1]  # "who is Nell?": what the note on Nell begins with
    asked = _stems(question) - _FUNCTION_WORDS
    weighed = [(_shared(asked, _stems(s.text)), -at) for at, s in enumerate(found)]
    top = max((weight for weight, _ in weighed), default=0)
    chosen = sorted((w for w in weighed if w[0] >= 0.6 * top), reverse=True)[:_MOST_OF_ONE]
    return [found[-at] for _, at in sorted(chosen, key=lambda w: -w[1])]


def _shared(asked: frozenset[str], there: frozenset[str]) -> int:
    long = [word for word in there if len(word) > 2]
    return sum(any(word.startswith(a) or a.startswith(word) for word in long) for a in asked)


def _words_of(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word.lower().replace("’", "'").removesuffix("'s")) for word in _WORD.findall(text))


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
