"""How a NATS server is entered: with which key, and under whose certificate it is believed to be the right one."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fablewright.errors import ConfigurationError, MissingExtra

try:
    import nkeys
    from nats.aio.client import Client
    from nats.errors import Error as NatsError
except ImportError as error:
    raise MissingExtra("The client of NATS is not installed; run: pip install 'fablewright[nats]'") from error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Access", "WaryClient", "refusal_in"]

_MOST_BYTES = 65_536
"""Of a key's file: one that is larger holds something else."""


@dataclass(frozen=True, slots=True)
class Access:
    """What is shown to a server, and what it has to show.

    Attributes:
        key: A file with an nkey's seed (``SU…``), or credentials as ``nsc`` writes them; None: no key is shown.
        ca: A file with the certificates (PEM) of those whom servers are believed; None: those that the system knows.
            With it no server is spoken to that has no TLS.
    """

    key: Path | None = None
    ca: Path | None = None

    def options(self) -> dict[str, Any]:
        """Return what ``Client.connect`` is to be told.

        Raises:
            ConfigurationError: A file cannot be read, or holds something else.
        """
        return {**self._of_the_key(), **self._of_the_certificate()}

    def _of_the_key(self) -> dict[str, Any]:
        if self.key is None:
            return {}
        try:
            with self.key.open("rb") as file:
                text = file.read(_MOST_BYTES).decode("ascii").strip()
        except OSError as error:
            raise ConfigurationError(f"The key {self.key} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"The key {self.key} is neither an nkey's seed nor credentials.") from error
        if "BEGIN NATS USER JWT" in text:
            return {"user_credentials": self.key}
        try:
            pair = nkeys.from_seed(bytearray(text.encode()))
        except Exception as error:  # what nkeys raises for a wrong seed is documented nowhere
            raise ConfigurationError(
                f"The key {self.key} is neither an nkey's seed (SU…) nor credentials; deploy/make_keys.py makes keys."
            ) from error
        pair.wipe()
        if not text.startswith("SU"):
            raise ConfigurationError(f"The key {self.key} is not that of a user: its seed would begin with SU.")
        return {"nkeys_seed_str": text}

    def _of_the_certificate(self) -> dict[str, Any]:
        if self.ca is None:
            return {}
        try:
            return {"tls": ssl.create_default_context(cafile=self.ca)}
        except OSError as error:  # that of ssl is one too
            reason = error.strerror or "it holds no certificate"
            raise ConfigurationError(f"The certificates {self.ca} cannot be used: {reason}.") from error


def refusal_in(error: Exception, *, key: str) -> str:
    """Return why a server does not let us in, to be said after its name; empty if it is not that.

    Args:
        error: What came of an attempt to connect.
        key: The setting that has the key.
    """
    said = str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"is not the one that was asked for: {error.verify_message.rstrip('.')} (bus_ca says whom to believe)"
    if isinstance(error, ssl.SSLError) or "TLS" in said:
        return f"is not the one that was asked for: {said}"
    if "authorization" in said.lower() or "authentication" in said.lower():
        return f"does not take this process's key (the setting {key})"
    return ""


class WaryClient(Client):
    """nats-py's client, which does not go on in plain text where TLS was asked for and the server offers none.

    Whoever stands between can take the offer away.
    """

    async def _process_info(self, info: Mapping[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - as there
        server = self._current_server
        is_asked_for = "tls" in self.options or (server is not None and server.uri.scheme == "tls")
        if initial_connection and is_asked_for and not info.get("tls_required"):
            raise NatsError("the server has no TLS, and it was asked for")
        await super()._process_info(dict(info), initial_connection)

    def _connect_command(self) -> bytes:
        # A connection that became TLS after it was made does not know it, and would complain of that at its end.
        protocol = getattr(getattr(self._transport, "_io_writer", None), "_protocol", None)
        if protocol is not None:
            protocol._over_ssl = bool(self._server_info.get("tls_required"))  # noqa: SLF001 - asyncio has no other way
        return bytes(super()._connect_command())
