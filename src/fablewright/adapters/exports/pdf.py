"""A scene as a PDF: our own page, printed by a Chromium that is installed, with the scene's data as an attachment.

A browser sets every script, from right to left too, and sets it as the HTML export looks; whoever reads PDF already has
one (Chrome, Edge and Brave are Chromiums). The page may load nothing, so the browser has nothing to fetch.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fablewright.adapters.exports.carried import parsed_json
from fablewright.errors import FablewrightError, InvalidInput, MissingExtra
from fablewright.gm.answer_data import answer_data, answer_from_data

if TYPE_CHECKING:
    from fablewright.gm.answer import Answer

__all__ = ["find_browser", "read_pdf", "write_pdf"]

_ATTACHMENT = "fablewright-scene.json"
_MOST = 20_000_000
"""Bytes of an attachment that are read."""
_PATIENCE = 60.0
"""Seconds that printing may take; one scene takes two."""
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "microsoft-edge", "msedge")
_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
_NONE_THERE = (
    "A PDF is printed by Chromium, Chrome or Edge, and none of them was found. Export html instead, open it in any "
    "browser and print it to a PDF there."
)


def find_browser() -> Path | None:
    """Return a Chromium of any make that is installed; None without one."""
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return next((place for place in map(Path, _PLACES) if place.exists()), None)


def write_pdf(answer: Answer, page: str) -> bytes:
    """Print a page and attach the answer's data; takes a second or two.

    Args:
        answer: What the page shows.
        page: HTML that needs nothing from elsewhere.

    Raises:
        MissingExtra: There is no browser to print with.
        FablewrightError: The browser did not print.
    """
    browser = find_browser()
    if browser is None:
        raise MissingExtra(_NONE_THERE)
    with tempfile.TemporaryDirectory(prefix="fablewright-", ignore_cleanup_errors=True) as folder:
        source, target = Path(folder, "scene.html"), Path(folder, "scene.pdf")
        source.write_text(page, encoding="utf-8")
        command = [
            str(browser),
            "--headless",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--no-pdf-header-footer",
            *(["--no-sandbox"] if _is_root() else []),  # as root it does not start with one
            f"--user-data-dir={Path(folder, 'profile')}",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            ran = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=False)  # noqa: S603 - no shell
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FablewrightError(f"{browser.name} did not print the page: {error}. Export html instead.") from error
        if not target.exists():
            said = ran.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"status {ran.returncode}"]
            raise FablewrightError(f"{browser.name} did not print the page: {said[0][:200]}. Export html instead.")
        return _with_data(target.read_bytes(), answer)


def read_pdf(content: bytes) -> Answer:
    """Return the scene that is attached to a PDF; what a person changed on the pages is not seen.

    Raises:
        InvalidInput: It is no PDF, or none that Fablewright wrote.
    """
    import pypdfium2  # noqa: PLC0415 - 60 ms that other formats need not pay

    try:
        with pypdfium2.PdfDocument(content) as document:
            attachments = (document.get_attachment(at) for at in range(document.count_attachments()))
            data = next((bytes(each.get_data()) for each in attachments if each.get_name() == _ATTACHMENT), b"")
    except pypdfium2.PdfiumError:
        raise InvalidInput("This PDF cannot be read; it may be damaged or locked by a password.") from None
    if not data or len(data) > _MOST:
        raise InvalidInput("No scene is attached to this PDF: it was not made by Fablewright, or was printed anew.")
    return answer_from_data(parsed_json(data.decode("utf-8", "replace")))


def _with_data(pdf: bytes, answer: Answer) -> bytes:
    import pypdfium2  # noqa: PLC0415 - as above

    with pypdfium2.PdfDocument(pdf) as document, tempfile.TemporaryFile() as file:
        data = json.dumps(answer_data(answer), allow_nan=False)
        document.new_attachment(_ATTACHMENT).set_data(data.encode("ascii"))
        document.save(file)
        file.seek(0)
        return file.read()


def _is_root() -> bool:
    return sys.platform != "win32" and os.geteuid() == 0
