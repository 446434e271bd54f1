"""Held to what the library of the model's makers says; the numbers below are its, for each line."""

from __future__ import annotations

import pytest

from fablewright.gm.reading.word_pieces import word_pieces


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "The owlbear's lair: 2d6 damage (DC 13)!",
            [
                101,
                1996,
                13547,
                4783,
                2906,
                1005,
                1055,
                21039,
                1024,
                14134,
                2575,
                4053,
                1006,
                5887,
                2410,
                1007,
                999,
                102,
            ],
        ),
        ("Gr\xfc\xdfe, na\xefve caf\xe9 \xc9COLE", [101, 24665, 2226, 17499, 1010, 15743, 7668, 12431, 102]),
        (
            "\ufb01ne \u2167 \xbd \u2018a\u2019 \u201cb\u201d \u2014 \u2026 \u20ac",
            [101, 1984, 2638, 100, 1092, 1520, 1037, 1521, 1523, 1038, 1524, 1517, 1529, 1574, 102],
        ),
        (
            "\u65e5\u672c\u8a9e \u30c6\u30b9\u30c8 \ud55c\uad6d\uc5b4",
            [101, 1864, 1876, 1950, 1713, 30233, 30240, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 102],
        ),
        (
            "\u041f\u0440\u0438\u0432\u0435\u0442 \u0391\u0392\u0393 \u03a3\u0391\u03a3 \u03c3\u03b1\u03c2",
            [
                101,
                1194,
                16856,
                10325,
                25529,
                15290,
                22919,
                1155,
                29720,
                29721,
                1173,
                14608,
                29733,
                1173,
                14608,
                19579,
                102,
            ],
        ),
        ("a\u200bb c\xa0d e\u3000f \ufeffx\x00y", [101, 11113, 1039, 1040, 1041, 1042, 1060, 2100, 102]),
        (
            "x" * 150 + " end",
            [101, 100, 2203, 102],
        ),
        ("dragon \U0001f409 fire", [101, 5202, 100, 2543, 102]),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22 \u05e2\u05d1\u05e8\u05d9\u05ea",
            [101, 1339, 29877, 29863, 29861, 29878, 100, 1259, 29789, 29811, 29796, 29813, 102],
        ),
        ("e\u0301x `~^+=<>|$", [101, 4654, 1036, 1066, 1034, 1009, 1027, 1026, 1028, 1064, 1002, 102]),
        ("", [101, 102]),
    ],
)
def test_the_same_numbers_as_the_library(text: str, numbers: list[int]) -> None:
    assert word_pieces(text, most=512) == numbers


def test_what_is_too_long_is_cut_and_ends_with_its_mark() -> None:
    whole = word_pieces("an owl and a bear " * 50, most=512)
    cut = word_pieces("an owl and a bear " * 50, most=16)
    assert len(cut) == 16
    assert cut[:15] == whole[:15]
    assert cut[-1] == whole[-1]


def test_a_lone_surrogate_is_no_word() -> None:
    assert word_pieces("owl \ud800", most=16) == word_pieces("owl", most=16)
