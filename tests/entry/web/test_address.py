"""Where the server listens, and by which names it answers."""

from __future__ import annotations

import pytest

from fablewright.entry.web.address import address_of, is_of_this_machine
from fablewright.errors import ConfigurationError


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_on_this_machine_it_has_all_names_of_this_machine(host: str) -> None:
    address = address_of(host, 8710)
    assert address.is_loopback
    assert address.hosts(8710) == {"127.0.0.1:8710", "localhost:8710", "[::1]:8710"}


def test_elsewhere_it_has_that_address_and_the_names_that_were_given() -> None:
    address = address_of("192.168.1.20", 80, ["Tower.local."])
    assert not address.is_loopback
    assert address.hosts(80) == {"192.168.1.20:80", "tower.local:80", "192.168.1.20", "tower.local"}
    assert address.url(80) == "http://192.168.1.20:80/"


def test_a_name_that_was_given_is_for_others_also_on_this_machine() -> None:
    assert not address_of("127.0.0.1", 8710).is_for_others
    behind = address_of("127.0.0.1", 8710, ["Table.example"])
    assert behind.is_loopback  # a server in front of it leads here
    assert behind.is_for_others
    assert behind.given == ("table.example",)
    assert not address_of("127.0.0.1", 8710, ["localhost"]).is_for_others


@pytest.mark.parametrize(
    ("host", "is_here"),
    [
        ("127.0.0.1:8710", True),
        ("LOCALHOST:8710", True),
        ("localhost", True),
        ("[::1]:8710", True),
        ("[::1]", True),
        ("table.example", False),
        ("localhost.evil.example:8710", False),
        ("127.0.0.1.evil.example", False),
        ("[::2]:8710", False),
        ("192.168.1.20:8710", False),
        ("", False),
    ],
)
def test_which_names_are_this_machines(host: str, is_here: bool) -> None:
    assert is_of_this_machine(host) is is_here


def test_everywhere_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match="--name"):
        address_of("0.0.0.0", 8710)  # noqa: S104 - what is tested
    assert address_of("::", 8710, ["tower"]).hosts(8710) == {"tower:8710"}


@pytest.mark.parametrize(
    ("host", "port", "names"),
    [
        ("example.org", 80, []),
        ("", 80, []),
        ("127.0.0.1", 65_536, []),
        ("127.0.0.1", -1, []),
        ("127.0.0.1", 80, ["a b"]),
        ("127.0.0.1", 80, ["http://tower"]),
        ("127.0.0.1", 80, ["tower:80"]),
        ("127.0.0.1", 80, [""]),
        ("127.0.0.1", 80, ["tower..local"]),
    ],
)
def test_what_is_no_address_is_refused(host: str, port: int, names: list[str]) -> None:
    with pytest.raises(ConfigurationError):
        address_of(host, port, names)
