"""The gate: what a model wrote is held against what it was shown, and whatever cannot be shown to hold is not used.

It decides by visible marks, in favour of the composer: a good sentence that is turned away costs nothing, for there
is one that holds in its place. In this order: its shape, whether it is about the scene at all, what it gives away,
and, word by word, whether its passages say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fablewright.gm.writing.figures import figures, unsupported
from fablewright.gm.writing.grounds import Flaw
from fablewright.gm.writing.parts import Part
from fablewright.gm.writing.planted import is_planted, obeys
from fablewright.gm.writing.shape import bad_shape
from fablewright.gm.writing.telling import names, telling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.writing.grounds import Grounds
    from fablewright.gm.writing.parts import Sentence

__all__ = ["Judged", "judge"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One part after the gate.

    Attributes:
        kept: Sentences to use, in their order; none: the part stays the composer's.
        flaws: What was wrong, one for each sentence that is not used.
    """

    kept: tuple[Sentence, ...]
    flaws: tuple[Flaw, ...]


_LEAST_ALOUD = 10  # words; less paints no picture
_SUPPORT = 0.5
"""Share of a sentence's telling words that its passages must have: a retold sentence has words of its own, and one
that shares less tells something else."""
_LEAST_SHARED = 2
_BEGINNING = 5  # letters

_MACHINE = re.compile(
    r"\blanguage model\b|\bas an? (?:AI|assistant)\b|\bI(?:['’]m| am) (?:sorry|unable|an? (?:AI|assistant))|"
    r"\bI can(?:not|['’]t)\b.{0,20}\b(?:help|assist|provide|write|fulfil)|\bJSON\b|\bread_aloud\b|\bsystem prompt\b|"
    r"\bthe (?:notes?|passages?|text|prompt)\b.{0,12}\b(?:say|state|mention|describe|provide)|\binstructions? above\b|"
    r"^(?:sure|certainly|of course)[,!]|\bhere (?:is|are) (?:the|a|your) (?:scene|text|json|description|sentence)",
    re.IGNORECASE,
)
_RULES = re.compile(
    r"\bDC\b|\b\d*d\d+\b|\bhit points?\b|\bHP\b|\bXP\b|\bCR\b|\bAC\b|\bcharacters?\b|\bplayers?\b|\bthe party\b|\bGM\b|"
    r"\bDM\b|\bgame master\b|\bsession\b|\bencounter\b|\bsaving throw\b|\bability check\b|\binitiative\b|"
    r"\bsecret(?:ly)?\b",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"\byou (?:all )?(?:decide|attack|draw|run|agree|choose|kill|refuse|swear|vow|cast|charge|strike|"
    r"flee|accept|fight)\b",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"[,;:()–—]|\s(?:and|but|though|although|while|because|so|yet|where|when|who|which)\s")
_DENIES = re.compile(r"\b(?:not|no|never|none|nobody|nothing|without|neither|nor|\w+n[’']t)\b", re.IGNORECASE)


def judge(part: Part, sentences: Sequence[Sentence], grounds: Grounds) -> Judged:
    """Return which sentences of a part may be used. Where they are one text, a flaw in one turns all of them away."""
    kept: list[Sentence] = []
    flaws: list[Flaw] = []
    standing = grounds.standing if part is Part.HERE else ()
    for sentence in sentences:
        flaw = _flaw(part, sentence, grounds, [*standing, *(other.text for other in kept)])
        if flaw is None:
            kept.append(sentence)
        else:
            flaws.append(flaw)
    if part is Part.READ_ALOUD and not flaws and sum(len(s.text.split()) for s in kept) < _LEAST_ALOUD:
        flaws.append(Flaw.LENGTH)
    if part is Part.READ_ALOUD and grounds.shown and not any(sentence.sources for sentence in kept):
        flaws.append(Flaw.UNRELATED)
    if flaws and part.holds_together:
        return Judged((), tuple(flaws))
    return Judged(tuple(kept), tuple(flaws))


def _flaw(part: Part, sentence: Sentence, grounds: Grounds, before: Sequence[str]) -> Flaw | None:
    text = sentence.text
    if any(not 1 <= number <= len(grounds.shown) for number in sentence.sources):
        return Flaw.CITATION
    return (
        bad_shape(text, before, grounds)
        or _out_of_place(part, text, grounds)
        or (_not_supported(sentence, grounds) if sentence.sources else _invents_too_much(text, grounds))
    )


def _out_of_place(part: Part, text: str, grounds: Grounds) -> Flaw | None:
    aloud = part is Part.READ_ALOUD
    found = {
        Flaw.MACHINE: _MACHINE.search(text) or _echoes(text, grounds.told),
        Flaw.PLANTED: is_planted(text) or obeys(text, grounds.planted, telling(grounds.everything)),
        Flaw.LINE: grounds.limits.crossed_by(text),
        Flaw.SECRET: _beginnings(telling(text)) & _beginnings(grounds.secrets),
        Flaw.RULES: aloud and _RULES.search(text),
        Flaw.ACTS: aloud and _ACTS.search(text),
    }
    return next((flaw for flaw, is_there in found.items() if is_there), None)


def _beginnings(words: Iterable[str]) -> set[str]:
    """Return how words begin: a werewolf is given away by werewolves too."""
    return {word[:_BEGINNING] for word in words}


def _echoes(text: str, told: str) -> bool:
    """Return whether four words in a row come out of the model's orders."""
    ours, theirs = (re.findall(r"\w+", words.casefold()) for words in (text, told))
    runs = set(zip(theirs, theirs[1:], theirs[2:], theirs[3:], strict=False))
    return any(run in runs for run in zip(ours, ours[1:], ours[2:], ours[3:], strict=False))


# -------------------------------------------------------------- what its passages say


def _not_supported(sentence: Sentence, grounds: Grounds) -> Flaw | None:
    cited = [text for number in sentence.sources for text in grounds.shown[number - 1]]
    if unsupported(sentence.text, cited, grounds.counts):
        return Flaw.FIGURE
    passages = telling(" ".join(cited))
    if names(sentence.text) - passages - telling(grounds.said):
        return Flaw.NAME
    words = telling(sentence.text)
    shared = words & passages
    if len(shared) < min(_LEAST_SHARED, len(words)) or len(shared) < _SUPPORT * len(words):
        return Flaw.UNSUPPORTED
    return Flaw.UNSUPPORTED if _denies_the_opposite(sentence.text, cited) else None


def _denies_the_opposite(text: str, cited: Sequence[str]) -> bool:
    """Return whether a clause says no where the nearest clause of its passages says yes, or the other way round."""
    theirs = [(clause, telling(clause)) for said in cited for clause in _CLAUSE_END.split(said)]
    for clause in _CLAUSE_END.split(text):
        words = telling(clause)
        nearest, shared = max(((other, len(words & told)) for other, told in theirs), key=lambda pair: pair[1])
        if shared >= _LEAST_SHARED and bool(_DENIES.search(nearest)) != bool(_DENIES.search(clause)):
            return True
    return False


def _invents_too_much(text: str, grounds: Grounds) -> Flaw | None:
    """An invented sentence may colour the scene: it counts nothing, and names nobody but whom the GM has named.

    It is about something that is there: what a weak model makes up about anything at all is about nothing here.
    """
    if not telling(text) & telling(grounds.everything):
        return Flaw.UNRELATED
    if figures(text) and unsupported(text, (), grounds.counts):
        return Flaw.FIGURE
    if names(text) - telling(grounds.said):
        return Flaw.NAME
    return None
