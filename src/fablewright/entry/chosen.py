"""What a GM chose on the page: her notes, her party, her rules, her model. It holds until she chooses anew.

It is kept in the data folder, for every command; whoever writes a configuration file, sets a variable or gives an
option has the last word.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fablewright.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHOOSABLE", "chosen_file", "keep_chosen", "read_chosen"]

CHOOSABLE = ("notes", "party", "rules", "prose", "model", "model_url", "model_key")
"""The settings that can be chosen on the page."""


def chosen_file(data_dir: Path) -> Path:
    """Return where it is kept."""
    return data_dir / "chosen.json"


def read_chosen(data_dir: Path) -> dict[str, object]:
    """Return what was chosen, by setting; nothing was chosen where there is no file.

    Raises:
        ConfigurationError: The file is not what we wrote.
    """
    file = chosen_file(data_dir)
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, object])
    except (FileNotFoundError, NotADirectoryError):  # whoever needs the folder says what is wrong with it
        return {}
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{file} is damaged ({error}): delete it, and choose anew on the page.") from error


def keep_chosen(data_dir: Path, values: Mapping[str, object]) -> None:
    """Write down what was chosen, whole or not at all; nobody else on this machine may read it.

    Raises:
        ConfigurationError: The data folder cannot be written to.
    """
    file = chosen_file(data_dir)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".chosen-")  # mode 600
        try:
            with os.fdopen(descriptor, "wb") as writing:
                writing.write(msgspec.json.encode(values))
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}.") from error
