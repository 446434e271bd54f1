"""Tokens: hard to guess, tried slowly."""

from __future__ import annotations

import hmac

import pytest

from fablewright.entry.secret import Secret
from fablewright.entry.web.token import Gate, check_token, new_token
from fablewright.errors import ConfigurationError


def test_a_token_that_is_made_is_accepted_and_never_the_same() -> None:
    made = {new_token() for _ in range(50)}
    assert len(made) == 50
    for token in made:
        check_token(Secret(token))
        assert len(token) * 6 >= 128


@pytest.mark.parametrize(
    "token",
    ["secret", "abcdefghijklmnopqrstu", "a" * 40, "abcabcabcabcabcabcabcabc", "with a blank in it 12345", "ü" * 30],
)
def test_a_token_that_can_be_guessed_is_refused_without_being_shown(token: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_token(Secret(token))
    assert token not in str(refused.value)


def _tried(gate: Gate, offered: str, address: str) -> bool:
    opens = gate.opens(offered)
    if not opens:
        gate.missed(address)
    return opens


def test_ten_tries_at_once_then_one_every_six_seconds_and_the_right_one_costs_none() -> None:
    now = [100.0]
    token = new_token()
    gate = Gate(Secret(token), lambda: now[0])
    for _ in range(50):
        assert _tried(gate, token, "a")
    for _ in range(10):
        assert gate.wait("a") == 0
        assert not _tried(gate, "wrong", "a")
    assert gate.wait("a") == pytest.approx(6)
    now[0] += 5
    assert gate.wait("a") == pytest.approx(1)
    now[0] += 1
    assert gate.wait("a") == 0
    assert not _tried(gate, token + "x", "a")
    assert gate.wait("a") > 0
    now[0] += 3600
    assert gate.wait("a") == 0


def test_how_much_of_a_token_is_right_cannot_be_told_by_the_time_that_comparing_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[tuple[int, int]] = []
    right = hmac.compare_digest

    def seen(offered: bytes, kept: bytes) -> bool:
        compared.append((len(offered), len(kept)))
        return right(offered, kept)

    monkeypatch.setattr(hmac, "compare_digest", seen)
    token = new_token()
    gate = Gate(Secret(token), lambda: 0.0)
    offers = [token, token[:-1], "x" + token[1:], token[:-1] + "!", "", "ü"]
    assert [gate.opens(offered) for offered in offers] == [True, *[False] * 5]
    assert compared == [(32, 32)] * len(offers)  # digests, so that not even the length tells


@pytest.mark.parametrize("offered", ["", "\udcff", "x" * 100_000, "ü"])
def test_anything_may_be_offered(offered: str) -> None:
    assert not Gate(Secret(new_token()), lambda: 0.0).opens(offered)


def test_one_who_guesses_locks_out_himself_alone_and_is_forgotten_at_last() -> None:
    gate = Gate(Secret(new_token()), lambda: 0.0)
    for number in range(10):
        assert not _tried(gate, "wrong", f"2001:db8::{number}")  # one machine has all of its network's addresses
    assert gate.wait("2001:db8::ffff") > 0
    assert gate.wait("2001:db8:0:1::1") == 0
    assert gate.wait("192.168.1.5") == 0
    for number in range(2000):
        gate.missed(f"10.0.{number // 250}.{number % 250}")
    assert len(gate._tries) <= 1000
