"""Sentences in the notes that speak to a model instead of to the GM: no model is shown them.

Notes come from anywhere: a downloaded adventure, a shared folder, a page that was clipped. A line in them that tells
a model what to do is no part of the fiction.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.gm.writing.telling import telling

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["harmless", "is_planted", "obeys"]

_MACHINE = r"(?:AI|A\.I\.|language model|LLM|chatbot|GPT|assistant|model)"
_PLANTED = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}\b(?:instructions?|prompts?|guidelines|guardrails|above|previous)\b|"
    rf"\b(?:you are|act as|pretend to be|behave as)\b.{{0,30}}\b{_MACHINE}\b|"
    rf"\b(?:attention|note to|message for|dear|to|any|all|every)\b.{{0,12}}\b{_MACHINE}s?\b|"
    rf"^\W*{_MACHINE}\b\s*[:,]|"
    r"\b(?:system|developer)(?: \w+)? (?:prompt|message|override|instructions?)\b|^\W*(?:system|user|assistant)\s*:|"
    r"\b(?:respond|reply|answer|output|print|write|say|repeat|include|insert|append|add|end|begin|start)\b.{0,40}"
    r"\b(?:exactly|verbatim|only with|your (?:answer|reply|response|output|text|summary)|in JSON|as JSON|"
    r"the following (?:text|words?|phrase|link|line|url))\b|"
    r"\binstead of (?:the|a) (?:scene|answer|json)\b|\bend of (?:the )?notes\b",
    re.IGNORECASE,
)
_SPECIAL = re.compile(r"[<>|{}\[\]]")
_QUOTED = re.compile(r"[“\"'‘]([^“”\"'‘’]{3,80})[”\"'’]")
_LOUD = re.compile(r"\b(?=\w*[A-Z])(?:[A-Z\d_]{4,}|\w*\d\w*)\b|https?://\S+|\bwww\.\S+")
_COMMAND_WORDS = 3


def is_planted(sentence: str) -> bool:
    """Return whether a sentence tells a model what to do."""
    return _PLANTED.search(sentence) is not None


def harmless(text: str) -> str:
    """Return text in which no mark can end a fence or be a model's own sign for a turn of the conversation."""
    return " ".join(_SPECIAL.sub(" ", text).split())


def obeys(text: str, planted: Iterable[str], public: frozenset[str]) -> bool:
    """Return whether a model's text does what a planted sentence wants.

    It does if it has what stands there in quotation marks or in capitals, or three of its telling words that are
    nowhere else in the notes.

    Args:
        text: The model's.
        planted: The sentences that it was not shown.
        public: The telling words of what it was shown.
    """
    folded = text.casefold()
    for sentence in planted:
        marks = {*_QUOTED.findall(sentence), *_LOUD.findall(sentence)}
        if any(mark.casefold().strip(" .!?") in folded for mark in marks):
            return True
        if len((telling(sentence) - public) & telling(text)) >= _COMMAND_WORDS:
            return True
    return False
