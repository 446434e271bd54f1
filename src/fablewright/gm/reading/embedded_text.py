"""What of a passage is embedded, and the key under which its vector is kept."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from fablewright.errors import ContractViolation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fablewright.gm.reading.ports import Vector

__all__ = ["dimensions_of", "embedded_text", "key_of", "vector_of"]


def embedded_text(heading: Sequence[str], text: str) -> str:
    """Return the headings in one line, and the words below them: a section's name says what its words are about."""
    return f"{' / '.join(heading)}\n{text}" if heading else text


def key_of(text: str) -> str:
    """Return the key of a text to embed: 32 hexadecimal digits, the same wherever the text stands."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def vector_of(numbers: Iterable[float]) -> Vector:
    """Return numbers as a vector of length 1.

    Raises:
        ContractViolation: There are none, all are 0, or one is not finite.
    """
    values = [float(number) for number in numbers]
    length = sum(value * value for value in values) ** 0.5
    if not 0 < length < float("inf"):  # NaN is neither below nor above anything
        raise ContractViolation("A vector needs finite numbers that are not all 0.")
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


def dimensions_of(vector: Vector) -> int:
    """Return how many numbers a vector has.

    Raises:
        ContractViolation: It is empty, or no whole number of float32.
    """
    if not vector or len(vector) % 4:
        raise ContractViolation(f"A vector is float32 numbers, not {len(vector)} bytes.")
    return len(vector) // 4
