"""Why PostgreSQL lets nobody in, and what to do about it: out of the words in which libpq tells it.

A connection that does not come about has no error code, only words, and they hold names and addresses: none of them is
repeated. A server that speaks another language than English is only said not to be reached, or to refuse.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError, FablewrightError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["refusal_of"]

_REFUSED: Mapping[str, str] = {
    "no password supplied": (
        "PostgreSQL wants a password, and the URL has none: postgresql://USER:PASSWORD@HOST/DATABASE."
    ),
    "([Pp]eer|[Ii]dent) authentication failed": (
        "On this socket PostgreSQL takes a user only from the account of the same name; "
        "name a host and a password: postgresql://USER:PASSWORD@localhost/DATABASE."
    ),
    "authentication failed": (
        "PostgreSQL does not take this user's password; put the right one into the URL. "
        "A sign such as @, : or / in it is written as %40, %3A or %2F there."
    ),
    'role ".*" (does not exist|is not permitted to log in)': (
        "PostgreSQL knows no such user as the URL names, or none who may log in; "
        "CREATE ROLE … LOGIN makes one: docs/how-to/state.md."
    ),
    'database ".*" does not exist': (
        "PostgreSQL has no such database as the URL names; `createdb NAME` makes one, or name another."
    ),
    "permission denied for database": (
        "This user of PostgreSQL may not connect to the database that the URL names; "
        "have its owner run: GRANT CONNECT ON DATABASE … TO …;"
    ),
    "does not support SSL|root certificate|certificate verify": (
        "The URL demands TLS (sslmode), and this PostgreSQL has none, or none that can be trusted; "
        "switch it on there (ssl = on), name its certificate with sslrootcert, or take sslmode out of the URL."
    ),
    r"pg_hba\.conf.*(no encryption|SSL off)": (
        "PostgreSQL does not let this user in without TLS, or not from this machine: "
        "put ?sslmode=require behind the URL, or have the server's pg_hba.conf let the user in."
    ),
    r"pg_hba\.conf": "PostgreSQL does not let this user in from this machine; have the server's pg_hba.conf do so.",
}
"""What to look for, and what to say; no waiting mends it. The first counts: where a host has several addresses, the
words are of all of them."""
_AWAY: Mapping[str, str] = {
    "starting up|shutting down|recovery mode|not yet accepting": (
        "PostgreSQL cannot be reached yet: it is just starting, or stopping; try again in a moment."
    ),
    "too many (clients|connections)|connection slots are reserved": (
        "PostgreSQL takes no more connections now; try again in a moment, or raise its max_connections."
    ),
    "failed to resolve host|could not translate host name": (
        "PostgreSQL cannot be reached: nobody knows the host that the URL names; is it written rightly?"
    ),
    "Connection refused|socket .*No such file or directory": (
        "PostgreSQL cannot be reached: nothing listens where the URL says. Start it there, or mend host and port."
    ),
    "timeout expired|timed out|No route to host|Network is unreachable": (
        "PostgreSQL cannot be reached: the host that the URL names does not answer. Is it up, and does a firewall "
        "let its port through?"
    ),
}
"""Likewise, of what may be over in a moment."""
_OTHERWISE = "PostgreSQL cannot be reached, or refuses the user; is the URL right?"


def refusal_of(words: str) -> FablewrightError:
    """Return what to tell people of a connection that did not come about, or broke.

    It is a ``ConfigurationError`` if somebody has to mend something first.
    """
    for pattern, said in _REFUSED.items():
        if re.search(pattern, words):
            return ConfigurationError(said)
    return FablewrightError(next((said for pattern, said in _AWAY.items() if re.search(pattern, words)), _OTHERWISE))
