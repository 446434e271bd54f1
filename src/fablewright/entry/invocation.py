"""One run of the command line: when the process began, and what is known about the run so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fablewright.entry.config import Loaded

__all__ = ["Invocation"]


@dataclass(slots=True)
class Invocation:
    """Handed to every command as the context's object.

    Attributes:
        started: When the process began, on the monotonic clock; a ``--timeout`` counts from here.
        loaded: The settings, once they are read.
    """

    started: float = field(default_factory=time.monotonic)
    loaded: Loaded | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the process began."""
        return time.monotonic() - self.started

    def load(self, flags: Mapping[str, object], config: Path | None) -> Loaded:
        """Read the settings and start the log.

        Raises:
            ConfigurationError: See ``load_settings``.
        """
        # Late, all of them: --help needs no settings and no logging, and should be there at once.
        from fablewright.entry.config import load_settings  # noqa: PLC0415 - see above
        from fablewright.entry.log_file import start_log  # noqa: PLC0415 - see above

        self.loaded = load_settings(flags, config=config)
        start_log(self.loaded.settings.data_dir)
        return self.loaded

    @property
    def data_dir(self) -> Path:
        """Where to write what went wrong, also if the settings were never read."""
        if self.loaded is not None:
            return self.loaded.settings.data_dir
        import platformdirs  # noqa: PLC0415 - only a crash needs it

        return Path(platformdirs.user_data_dir("fablewright"))
