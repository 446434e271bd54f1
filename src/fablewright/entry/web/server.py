"""``fablewright serve``: runs until somebody ends it, and tells the open pages before it goes."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
import webbrowser
from typing import TYPE_CHECKING

import uvicorn

from fablewright.entry.event_loop import run_loop
from fablewright.entry.log_file import telling_warnings
from fablewright.entry.mcp.late import LateMcp, has_sdk
from fablewright.entry.secret import Secret
from fablewright.entry.terminal import emit, set_up_streams
from fablewright.entry.web.app import web_app
from fablewright.entry.web.doorkeeper import Door
from fablewright.entry.web.sitting import sitting
from fablewright.entry.web.token import Gate, check_token, new_token, player_token
from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fablewright.entry.config import Settings
    from fablewright.entry.web.address import Address
    from fablewright.entry.web.sitting import Sitting

__all__ = ["serve"]

_A_MOMENT = 1.0
"""Seconds that requests have to be answered in when the server ends; then they are stopped."""
_TO_LEAVE = 3
"""Seconds that open connections have after that; all were told."""


def serve(settings: Settings, address: Address, *, make_token: bool, opens_browser: bool) -> int:
    """Serve until Ctrl-C or SIGTERM, and return the exit status.

    Args:
        settings: As for every command; ``token`` is what has to be shown.
        address: Where to listen.
        make_token: Whether to make a token, where the settings have none.
        opens_browser: Whether to open the page.

    Raises:
        ConfigurationError: Other machines could come in without a token, it can be guessed, or the port is taken.
        InvalidInput: The notes folder is none.
    """
    set_up_streams()
    token = settings.token or Secret(new_token() if make_token else "")
    if token:
        check_token(token)
    elif address.is_for_others:
        where = f"On {address.host}" if not address.is_loopback else f"By the name {address.given[0]}"
        raise ConfigurationError(
            f"{where} anybody on your network could read your notes. Give --make-token, and the address "
            "that is printed has the only key; or set FABLEWRIGHT_TOKEN."
        )
    listening = _listen(address)
    try:
        with telling_warnings() if settings.bus else contextlib.nullcontext():
            return run_loop(_serve(settings, address, listening, token, opens_browser=opens_browser))
    finally:
        listening.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
    except OSError as error:
        listening.close()
        why = (error.strerror or str(error)).lower()
        raise ConfigurationError(
            f"Nothing can be served at {address.host}, port {address.port}: {why}. Another port: --port 0 takes any."
        ) from error
    listening.listen(512)
    return listening


async def _serve(
    settings: Settings, address: Address, listening: socket.socket, token: Secret, *, opens_browser: bool
) -> int:
    port = listening.getsockname()[1]
    players = player_token(token)
    keys = {"/play": Gate(players, time.monotonic)} if token else {}
    door = Door(address.hosts(port), Gate(token, time.monotonic) if token else None, keys, address.behind)
    async with sitting(settings) as table, contextlib.AsyncExitStack() as running:
        table.player_token = players
        mcp = LateMcp(table, hosts=sorted(door.names)) if has_sdk() else None
        if mcp is not None:
            await running.enter_async_context(mcp)
        config = uvicorn.Config(
            web_app(table, door, mcp=mcp),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,  # a URL may hold the token
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_TO_LEAVE,
            h11_max_incomplete_event_size=32_768,
        )
        url = address.url(port)
        with_token = f"{url}?token={token.reveal()}" if token else url
        emit(f"Fablewright serves {table.notes.label} at {with_token}\nCtrl-C ends it.\n")
        if opens_browser:
            webbrowser.open(with_token)
        await _Server(config, table, mcp).serve([listening])
    return 0


class _Server(uvicorn.Server):
    """Tells the open pages when it is asked to end: their streams would keep it waiting."""

    def __init__(self, config: uvicorn.Config, table: Sitting, mcp: LateMcp | None) -> None:
        super().__init__(config)
        self._table = table
        self._mcp = mcp

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take note of what ends the server; uvicorn's own would end the program before we are through."""
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell the open pages and all clients, then wait until they have read it."""
        if self._mcp is not None:
            self._mcp.say_goodbye()
        await self._table.wind_down(_A_MOMENT)
        await super().shutdown(sockets)
