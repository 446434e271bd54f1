"""The page's own files: scripts, styles, and the HTML that they stand in.

A file's address has a version in it that is another one after every change of any of them, so that a browser may keep
it for good. There is no build step: what is served is what lies in ``assets/``.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asset", "assets", "filled", "version"]

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served.

    Attributes:
        body: Its bytes.
        kind: Its media type.
        etag: What tells these bytes from others.
    """

    body: bytes
    kind: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files by name; read once."""
    found = {}
    for file in sorted(resources.files("fablewright.entry.web").joinpath("assets").iterdir(), key=lambda f: f.name):
        suffix = file.name[file.name.rfind(".") :]
        if suffix in _KINDS:
            body = file.read_bytes()
            found[file.name] = Asset(body, _KINDS[suffix], f'"{hashlib.sha256(body).hexdigest()[:16]}"')
    return found


@cache
def version() -> str:
    """Return what stands in the addresses of all of them."""
    return hashlib.sha256("".join(asset.etag for asset in assets().values()).encode()).hexdigest()[:12]


def filled(page: str, **values: str) -> str:
    """Return a page of ``assets/`` with its places filled, each value as text and never as markup.

    Args:
        page: The file's name.
        values: What stands for ``$name``; ``$assets`` is where the other files are.
    """
    safe = {name: html.escape(value) for name, value in values.items()}
    return _template(page).substitute(safe, assets=f"/assets/{version()}")


@cache
def _template(page: str) -> Template:
    return Template(resources.files("fablewright.entry.web").joinpath("assets", page).read_text("utf-8"))
