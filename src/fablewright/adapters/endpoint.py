"""A server that is sent JSON and answers with JSON.

What a server may do to us is bounded: one deadline for the whole call, whatever the pace of its bytes, and a cap on
those bytes. The key is sent and never shown.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fablewright.errors import ConfigurationError, ContractViolation, FablewrightError
from fablewright.runtime.threads import Threads

if TYPE_CHECKING:
    import httpx

__all__ = ["Endpoint", "Server"]


@dataclass(frozen=True, slots=True)
class Server:
    """Whom a call is for.

    Attributes:
        name: What to call it in errors: ``embedding server``.
        model: Which model it is asked for; for errors.
        key: Sent as a bearer token; empty: none is sent.
        key_variable: Where a person sets the key; for errors.
    """

    name: str
    model: str
    key: str = field(repr=False)
    key_variable: str


class Endpoint:
    """One address of a server.

    Args:
        address: Where it is.
        server: Whose it is.
        timeout: Seconds for one call, from the first byte sent to the last received.
        max_bytes: What a reply may have.
        threads: Where the client is made: that reads the certificates, and takes a while.

    Raises:
        ConfigurationError: The address is none of HTTP.
    """

    def __init__(
        self,
        address: str,
        server: Server,
        *,
        timeout: float,
        max_bytes: int,
        threads: Threads | None,
    ) -> None:
        if not address.startswith(("http://", "https://")):
            raise ConfigurationError(f"The URL of the {server.name} begins with http:// or https://.")
        self._address = address
        self._server = server
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._threads = threads or Threads(1, name="endpoint")
        self._own_threads = threads is None
        self._client: httpx.AsyncClient | None = None
        self._loading = asyncio.Lock()

    async def warm_up(self) -> None:
        """Load what the first call would have to wait for; nothing is sent."""
        async with self._loading:
            if self._client is None:
                self._client = await self._threads.run(_client, self._threads)

    async def post(self, body: bytes) -> bytes:
        """Send JSON and return what comes back.

        Raises:
            ConfigurationError: The server refuses the key, or does not know the model.
            FablewrightError: It cannot be reached, takes too long, or sends too much.
        """
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(body)
        except TimeoutError as error:
            raise FablewrightError(f"The {self._server.name} did not answer in {self._timeout:g} s.") from error

    async def close(self) -> None:
        """Close the connections; closing twice is harmless."""
        if self._own_threads:
            self._threads.close()
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _post(self, body: bytes) -> bytes:
        await self.warm_up()
        client = self._client
        if client is None:
            raise ContractViolation(f"The connection to the {self._server.name} is closed.")
        import httpx  # noqa: PLC0415 - loaded above, on a thread

        headers = {"content-type": "application/json"}
        if self._server.key:
            headers["authorization"] = f"Bearer {self._server.key}"
        received = bytearray()
        try:
            async with client.stream("POST", self._address, content=body, headers=headers) as response:
                async for part in response.aiter_bytes():
                    received += part
                    if len(received) > self._max_bytes:
                        raise FablewrightError(f"The {self._server.name} sent more than {self._max_bytes:,} bytes.")
                status = response.status_code
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            reason = type(error).__name__
            raise FablewrightError(f"The {self._server.name} cannot be reached ({reason}); is it running?") from error
        if status != 200:
            raise self._refused(status)
        return bytes(received)

    def _refused(self, status: int) -> FablewrightError:
        if status in {401, 403}:
            return ConfigurationError(f"The {self._server.name} refused the key; set {self._server.key_variable}.")
        if status == 404:
            known = f"the model {self._server.model}" if self._server.model else "this address"
            return ConfigurationError(f"The {self._server.name} does not know {known}, or the URL is wrong.")
        return FablewrightError(f"The {self._server.name} answered with status {status}.")


def _client(threads: Threads) -> httpx.AsyncClient:
    import httpx  # noqa: PLC0415 - a tenth of a second that a run without a server need not pay

    from fablewright.adapters.guarded_http import GuardedTransport  # noqa: PLC0415 - as above

    # Redirects are not followed: the key is for the server that was named. One deadline stands around each call.
    transport = GuardedTransport(verify=httpx.create_ssl_context(), threads=threads)
    return httpx.AsyncClient(timeout=None, follow_redirects=False, transport=transport)  # noqa: S113 - as said
