"""BERT's uncased word pieces: how a text becomes the numbers that such a model reads.

Words in small letters without accents, cut at white space and at each mark, then taken apart into the longest pieces
that the vocabulary has. Written out here because it is this short: the library for it brings a client of a model hub,
and with it two dozen packages. ``tests`` hold it to that library's results on words of many scripts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["word_pieces"]

_LONGEST_WORD = 100
"""Characters; a longer word is unknown, as BERT has it."""

_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_WORD = re.compile("[a-z0-9]+|[^a-z0-9]")


def word_pieces(text: str, *, most: int) -> list[int]:
    """Return the numbers of a text's pieces, with BERT's marks for its beginning and its end.

    Args:
        text: Any text.
        most: How many numbers at the most, the two marks included; what comes after is left out.
    """
    vocabulary = _vocabulary()
    unknown = vocabulary["[UNK]"]
    numbers = [vocabulary["[CLS]"]]
    for word in _words(text[: most * _LONGEST_WORD]):
        numbers += _pieces(word) or (unknown,)
        if len(numbers) >= most:
            break
    return [*numbers[: most - 1], vocabulary["[SEP]"]]


def _words(text: str) -> Iterator[str]:
    """Yield words and marks; the order of the steps is BERT's."""
    for part in text.split():
        if part.isascii() and part.isprintable():
            yield from _ASCII_WORD.findall(part.lower())
        else:
            yield from _other_words(part)


def _other_words(text: str) -> Iterator[str]:
    cleaned = "".join(sign for sign in text if not _is_control(sign))
    word: list[str] = []
    for sign in unicodedata.normalize("NFD", cleaned):
        if unicodedata.category(sign) == "Mn":
            continue
        if _stands_alone(sign):
            if word:
                yield "".join(word)
                word.clear()
            yield sign
        else:
            word.append(sign.lower())
    if word:
        yield "".join(word)


@cache
def _is_control(sign: str) -> bool:
    return sign in "\0\ufffd" or unicodedata.category(sign) in {"Cc", "Cf", "Cn", "Co", "Cs"}


@cache
def _stands_alone(sign: str) -> bool:
    if sign.isascii():
        return not sign.isalnum() and sign.isprintable() and sign != " "
    return unicodedata.category(sign).startswith("P") or any(first <= ord(sign) <= last for first, last in _CJK)


@lru_cache(20_000)
def _pieces(word: str) -> tuple[int, ...]:
    """Return the longest pieces that make up a word, from its beginning on; none when some part is not among them."""
    vocabulary = _vocabulary()
    if len(word) > _LONGEST_WORD:
        return ()
    whole = vocabulary.get(word)
    if whole is not None:
        return (whole,)
    found: list[int] = []
    start, sign = 0, ""
    while start < len(word):
        for end in range(len(word), start, -1):
            number = vocabulary.get(sign + word[start:end])
            if number is not None:
                found.append(number)
                break
        else:
            return ()
        start, sign = end, "##"
    return tuple(found)


@cache
def _vocabulary() -> dict[str, int]:
    text = (resources.files("fablewright") / "gm" / "reading" / "bert_vocabulary.txt").read_text("utf-8")
    return {piece: number for number, piece in enumerate(text.split("\n")) if piece}
