from __future__ import annotations

import math
import struct

import pytest

from fablewright.errors import ContractViolation
from fablewright.gm.reading.embedded_text import dimensions_of, embedded_text, key_of, vector_of


def test_the_headings_stand_above_the_words() -> None:
    assert embedded_text(("Inn", "Cellar"), "Rats.") == "Inn / Cellar\nRats."
    assert embedded_text((), "Rats.") == "Rats."


def test_a_key_is_of_the_text_alone() -> None:
    assert key_of("Rats.") == key_of("Rats.") != key_of("Cats.")
    assert len(key_of("a lone \ud800 surrogate")) == 32


def test_a_vector_has_length_1() -> None:
    vector = vector_of([3, 4])
    assert struct.unpack("<2f", vector) == pytest.approx((0.6, 0.8))
    assert dimensions_of(vector) == 2


@pytest.mark.parametrize("numbers", [[], [0, 0], [math.nan, 1], [math.inf, 1]])
def test_what_points_nowhere_is_no_vector(numbers: list[float]) -> None:
    with pytest.raises(ContractViolation, match="finite numbers"):
        vector_of(numbers)


@pytest.mark.parametrize("raw", [b"", b"abc"])
def test_bytes_that_are_no_numbers(raw: bytes) -> None:
    with pytest.raises(ContractViolation, match="float32"):
        dimensions_of(raw)
